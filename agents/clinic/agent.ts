// An assistant for a clinic's staff: four independent lookups about a patient, and a pair that depend on each other.
import { defineAgent } from '../../activities/index.ts';
import { findDrug } from './findDrug.ts';
import { getDosage } from './getDosage.ts';
import { getPatientAllergies } from './getPatientAllergies.ts';
import { getPatientDemographics } from './getPatientDemographics.ts';
import { getPatientMedications } from './getPatientMedications.ts';
import { getRecentLabResults } from './getRecentLabResults.ts';
import { script } from './script.ts';

export const clinic = defineAgent({
  name: 'clinic',
  model: 'gpt-4o',
  instructions: `You help the staff of a clinic with questions about their patients. Answer from the tools' results only;
never guess a medical fact. Answer in short Markdown, and point out abnormal lab results and severe allergies.

Make all the calls that you can in one turn: they run in parallel.
- Independent, so all in one turn: demographics, medications, allergies and lab results of a patient. A summary of
  P-00123 takes one turn with four calls. The same goes for several patients, or several drugs.
- Dependent, so one turn after the other: get_dosage needs the drug_id that find_drug returns.

A tool may fail. Say plainly what is missing and why, and answer with the rest.`,
  tools: [getPatientDemographics, getPatientMedications, getPatientAllergies, getRecentLabResults, findDrug, getDosage],
  offline: script,
});
