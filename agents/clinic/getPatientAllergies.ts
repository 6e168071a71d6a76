// A patient's allergies.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { allergiesOf, patientExists } from './database/queries.ts';
import { notFound, PatientId } from './patientId.ts';

export const getPatientAllergies = defineTool({
  name: 'get_patient_allergies',
  description: "A patient's known allergies with reaction and severity, the severe ones first.",
  input: z.object({ patient_id: PatientId }),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  run: async ({ patient_id }, { signal }) => {
    if (!(await patientExists(patient_id, signal))) return notFound(patient_id);
    const allergies = await allergiesOf(patient_id, signal);
    return { patient_id, allergies, count: allergies.length };
  },
});
