// The schema of an order's id, the format of amounts, and the result for an order that does not exist.
import { z } from 'zod';

export const OrderId = z
  .string()
  .regex(/^O-\d{4}$/, 'An order id is "O-" and four digits, for example O-1003.')
  .describe('The id of the order, for example O-1003.');

/** A result, not a failure: a retry would not help. */
export function notFound(orderId: string): { error: string } {
  return { error: `Order ${orderId} not found` };
}

/** `1,290.00` */
export function money(cents: number): string {
  return (cents / 100).toLocaleString('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
