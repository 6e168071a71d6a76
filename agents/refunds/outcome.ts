// What the two agents answer with.
import { z } from 'zod';

export const OrderOutcome = z.object({
  order_id: z.string(),
  outcome: z.enum(['paid', 'rejected', 'open']).describe('open: nothing was done, and a person should look at it.'),
  cents: z.number().int().describe('What was paid, in cents; 0 when nothing was.'),
  why: z.string().describe('In one sentence.'),
});
export type OrderOutcome = z.output<typeof OrderOutcome>;

export const NightlyReport = z.object({
  paid: z.number().int().describe('RunCommands that were refunded.'),
  rejected: z.number().int(),
  open: z.number().int(),
  cents: z.number().int().describe('The sum of what was paid, in cents.'),
  orders: z.array(OrderOutcome),
  note: z.string().describe('What a person should know, in one sentence.'),
});
export type NightlyReport = z.output<typeof NightlyReport>;
