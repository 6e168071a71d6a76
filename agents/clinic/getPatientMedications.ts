// A patient's current medications.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { activeMedications, patientExists } from './database/queries.ts';
import { notFound, PatientId } from './patientId.ts';

export const getPatientMedications = defineTool({
  name: 'get_patient_medications',
  description: 'The medications that a patient takes now, the newest prescription first.',
  input: z.object({ patient_id: PatientId }),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  run: async ({ patient_id }, { signal }) => {
    if (!(await patientExists(patient_id, signal))) return notFound(patient_id);
    const medications = await activeMedications(patient_id, signal);
    return { patient_id, medications, count: medications.length };
  },
});
