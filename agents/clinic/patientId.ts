// How a patient is named, and what to answer when there is none of that name.
import { z } from 'zod';

export const PatientId = z
  .string()
  .regex(/^P-\d{5}$/, 'A patient id is "P-" and five digits, for example P-00123.')
  .describe('The id of the patient, for example P-00123.');

/** An answer, not a failure: the model should pass it on, and trying again would not help. */
export function notFound(patientId: string): { error: string } {
  return { error: `Patient ${patientId} not found` };
}
