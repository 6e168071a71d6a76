// A patient's most recent lab results.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { newestLabResults, patientExists } from './database/queries.ts';
import { notFound, PatientId } from './patientId.ts';

export const getRecentLabResults = defineTool({
  name: 'get_recent_lab_results',
  description: 'The most recent lab results of a patient, newest first, each flagged normal, low, high or critical.',
  input: z.object({
    patient_id: PatientId,
    limit: z.number().int().min(1).max(50).default(5).describe('Maximum number of results. Defaults to 5.'),
  }),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  run: async ({ patient_id, limit }, { signal }) => {
    if (!(await patientExists(patient_id, signal))) return notFound(patient_id);
    return { patient_id, lab_results: await newestLabResults(patient_id, limit, signal) };
  },
});
