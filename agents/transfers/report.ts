// What the bookkeeper answers with.
import { z } from 'zod';

export const Report = z.object({
  transfers: z.number().int().describe('How many transfers were booked.'),
  cents: z.number().int().describe('The sum of them, in cents.'),
  note: z.string().describe('What a person should know, in one sentence.'),
});
export type Report = z.output<typeof Report>;
