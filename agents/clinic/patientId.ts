// The schema of a patient's id, and the result for an id that does not exist.
import { z } from 'zod';

export const PatientId = z
  .string()
  .regex(/^P-\d{5}$/, 'A patient id is "P-" and five digits, for example P-00123.')
  .describe('The id of the patient, for example P-00123.');

/** A result, not a failure: the model should pass it on, and a retry would not help. */
export function notFound(patientId: string): { error: string } {
  return { error: `Patient ${patientId} not found` };
}
