// The bookkeeper's output.
import { z } from 'zod';

export const Report = z.object({
  transfers: z.number().int().describe('Number of transfers booked.'),
  cents: z.number().int().describe('Their total, in cents.'),
  note: z.string().describe('What a person should know, in one sentence.'),
});
export type Report = z.output<typeof Report>;
