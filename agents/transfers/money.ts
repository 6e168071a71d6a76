// The schema of an account's id, and the format of amounts.
import { z } from 'zod';

export const AccountId = z
  .string()
  .regex(/^A-\d{2}$/, 'An account is "A-" and two digits, for example A-01.')
  .describe('The id of the account, for example A-01.');

/** `1,290.00` */
export function money(cents: number): string {
  return (cents / 100).toLocaleString('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
