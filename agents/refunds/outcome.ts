// The outputs of the two agents.
import { z } from 'zod';

export const OrderOutcome = z.object({
  order_id: z.string(),
  outcome: z.enum(['paid', 'rejected', 'open']).describe('open: nothing was done; a person should look at it.'),
  cents: z.number().int().describe('Amount paid, in cents; 0 if nothing was paid.'),
  why: z.string().describe('In one sentence.'),
});
export type OrderOutcome = z.output<typeof OrderOutcome>;

export const NightlyReport = z.object({
  paid: z.number().int().describe('Number of orders that were refunded.'),
  rejected: z.number().int(),
  open: z.number().int(),
  cents: z.number().int().describe('Total amount paid, in cents.'),
  orders: z.array(OrderOutcome),
  note: z.string().describe('What a person should know, in one sentence.'),
});
export type NightlyReport = z.output<typeof NightlyReport>;
