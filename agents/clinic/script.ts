// Plays the model for the clinic where no key is set: makes the calls that the question needs, then reports the results.
import type { ScriptedAnswer, ScriptedRequest } from '../../activities/testing/script.ts';
import { reportDosages, reportPatients } from './report.ts';

const PATIENT_TOOLS = [
  'get_patient_demographics',
  'get_patient_medications',
  'get_patient_allergies',
  'get_recent_lab_results',
];
// Enough to show more calls than run at once.
const PATIENTS_MAX = 5;

export function script({ input, results }: ScriptedRequest): ScriptedAnswer {
  const patients = [...new Set(input.match(/\bP-\d{5}\b/g))].slice(0, PATIENTS_MAX);
  const drug = drugIn(input);

  if (patients.length > 0) {
    const asked = patients.flatMap((patient_id) => PATIENT_TOOLS.map((tool) => ({ tool, arguments: { patient_id } })));
    return results.length === 0 ? { calls: asked } : reportPatients(patients, results);
  }
  if (drug) {
    if (results.length === 0) return { calls: [{ tool: 'find_drug', arguments: { name: drug } }] };
    const ids = drugIdsIn(results);
    if (ids.length > 0) return { calls: ids.map((drug_id) => ({ tool: 'get_dosage', arguments: { drug_id } })) };
    return reportDosages(drug, results);
  }
  return [
    'I am an offline script, not a model, and I understand only two questions:',
    '- a summary of one or more patients, by id: "Summarize P-00123"',
    '- the dosage of a drug: "What is the usual dose of metformin?"',
    '',
    'Set OPENAI_API_KEY to use a model.',
  ].join('\n');
}

/** The word after "dose of", or before "dosage". */
function drugIn(input: string): string | undefined {
  const [, after] = /\bdos(?:e|es|age|ing)\s+(?:of|for)\s+(?:the\s+)?([a-z][a-z-]+)/i.exec(input) ?? [];
  const [, before] = /\b([a-z][a-z-]+)\s+(?:dose|dosage|dosing)\b/i.exec(input) ?? [];
  return after ?? (before && !/^(the|usual|a|its|this|that|normal|right|maximum)$/i.test(before) ? before : undefined);
}

function drugIdsIn(results: ScriptedRequest['results']): string[] {
  return results.flatMap(({ tool, result }) => {
    if (tool !== 'find_drug') return [];
    // A failure has no drugs.
    const { drugs } = (result ?? {}) as { drugs?: ({ drug_id: string } | null)[] | null };
    return (drugs ?? []).flatMap((drug) => drug?.drug_id ?? []);
  });
}
