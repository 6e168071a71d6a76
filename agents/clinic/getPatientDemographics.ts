// A patient's name, date of birth and contact details.
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { findPatient } from './database/queries.ts';
import { notFound, PatientId } from './patientId.ts';

export const getPatientDemographics = defineTool({
  name: 'get_patient_demographics',
  description: "A patient's name, date of birth, phone and email.",
  input: z.object({ patient_id: PatientId }),
  effect: 'read',
  timeout: TOOL_TIMEOUT_MS,
  run: async ({ patient_id }, { signal }) => (await findPatient(patient_id, signal)) ?? notFound(patient_id),
});
