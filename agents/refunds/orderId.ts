// How an order is named, how an amount is written, and what to answer when there is no such order.
import { z } from 'zod';

export const OrderId = z
  .string()
  .regex(/^O-\d{4}$/, 'An order id is "O-" and four digits, for example O-1003.')
  .describe('The id of the order, for example O-1003.');

/** An answer, not a failure: trying again would not help. */
export function notFound(orderId: string): { error: string } {
  return { error: `Order ${orderId} not found` };
}

/** `1,290.00` */
export function money(cents: number): string {
  return (cents / 100).toLocaleString('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
