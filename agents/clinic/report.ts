// Writes Markdown from the tools' results. A failed or missing result is reported as not available.
import type { ScriptedRequest } from '../../activities/testing/script.ts';
import type { Allergy, Dosage, LabResult, Medication, Patient } from './database/queries.ts';

type Results = ScriptedRequest['results'];

const SIGNATURE = '_Written from the tool results by an offline script, not by a model._';

/** `results` has the four results for the first patient, then those for the second, and so on. */
export function reportPatients(patients: readonly string[], results: Results): string {
  const each = results.length / patients.length;
  const reports = patients.map((id, i) => reportPatient(id, results.slice(i * each, (i + 1) * each)));
  return [...reports, SIGNATURE].join('\n\n');
}

function reportPatient(id: string, results: Results): string {
  const missing = `Patient ${id} not found`;
  if (results.some(({ result }) => errorOf(result) === missing)) return `# ${id}\n\n${missing}. Please check the id.`;
  return [
    `# Clinical summary: ${id}`,
    section<Patient>('Demographics', results, 'get_patient_demographics', ({ name, dob, phone, email }) => [
      `- **Name:** ${name}`,
      `- **Date of birth:** ${dob}`,
      `- **Phone:** ${phone ?? 'not recorded'}`,
      `- **Email:** ${email ?? 'not recorded'}`,
    ]),
    section<{ medications: Medication[] }>('Current medications', results, 'get_patient_medications', (found) =>
      found.medications.map(({ drug, dose, frequency, route }) => `- **${drug}** ${dose}, ${frequency}, ${route}`),
    ),
    section<{ allergies: Allergy[] }>('Allergies', results, 'get_patient_allergies', (found) =>
      found.allergies.map(({ allergen, reaction, severity }) => {
        const grade = severity === 'severe' ? '⚠ **severe**' : severity;
        return `- **${allergen}**: ${reaction} (${grade})`;
      }),
    ),
    section<{ lab_results: LabResult[] }>('Recent lab results', results, 'get_recent_lab_results', (found) =>
      found.lab_results.map(({ test, result, unit, reference_range, collected, flag }) => {
        const line = `- ${collected.slice(0, 10)} **${test}** ${result} ${unit} (reference ${reference_range})`;
        return flag === 'normal' ? line : `${line} ⚠ **${flag}**`;
      }),
    ),
  ].join('\n\n');
}

export function reportDosages(drug: string, results: Results): string {
  const lines = results.map(({ tool, result }) => {
    const found = read<Dosage>(result, ({ name, drug_id, usual_dose, frequency, route, maximum, note }) => {
      if (tool === 'find_drug') return [`The formulary has no drug by the name of ${drug}.`];
      return [
        `**${name}** (${drug_id}): ${usual_dose}, ${frequency}, ${route}; maximum ${maximum}. ${note ?? ''}`.trimEnd(),
      ];
    });
    return `- ${found}`;
  });
  return [`# Dosage: ${drug}`, lines.join('\n'), SIGNATURE].join('\n\n');
}

/** A heading, and below it the lines of the tool's result, or the reason why there are none. */
function section<T>(title: string, results: Results, tool: string, lines: (result: T) => string[]): string {
  const answer = results.find((result) => result.tool === tool);
  return `## ${title}\n${answer ? read(answer.result, lines) : 'Not available: the tool was not called.'}`;
}

function read<T>(result: unknown, lines: (result: T) => string[]): string {
  const error = errorOf(result);
  if (error) return `Not available: ${error}`;
  try {
    // The type follows from the tool's name. A result that was cut is no longer JSON, so this throws.
    return lines(result as T).join('\n') || 'None recorded.';
  } catch {
    return 'Not available: the result could not be read.';
  }
}

function errorOf(result: unknown): string | undefined {
  const error = typeof result === 'object' && result !== null && 'error' in result ? result.error : undefined;
  return error === undefined ? undefined : String(error);
}
