// Transfers money between two accounts, once. Both sides, the booking and the record of the call are one transaction, so a
// call that is retried after a crash, on any worker, returns the recorded result.
import { z } from 'zod';
import { defineTool, once, ToolError } from '../../activities/index.ts';
import { sqlState } from '../database/database.ts';
import { TOOL_TIMEOUT_MS } from '../database/embedded.ts';
import { pool } from './database/index.ts';
import { AccountId, money } from './money.ts';

const CHECK_VIOLATION = '23514';

export const transfer = defineTool({
  name: 'transfer',
  description: 'Moves an amount from one account to another. No account can be overdrawn.',
  input: z
    .object({
      from: AccountId,
      to: AccountId,
      cents: z.number().int().min(1).max(100_000_000).describe('The amount in cents: 24900 is 249.00.'),
    })
    .refine(({ from, to }) => from !== to, 'from and to are the same account'),
  // `once` makes it safe to retry.
  effect: 'idempotent',
  timeout: TOOL_TIMEOUT_MS,
  // A lost worker is detected after this time.
  heartbeat: '3 s',
  run: ({ from, to, cents }, ctx) =>
    once(
      pool,
      ctx,
      async (tx) => {
        // In the order of their ids, so that two transfers between the same accounts cannot deadlock.
        for (const id of [from, to].sort()) {
          const { rows } = await tx
            .query('UPDATE transfers.accounts SET cents = cents + $2 WHERE id = $1 RETURNING id', [
              id,
              id === from ? -cents : cents,
            ])
            .catch((error: unknown) => {
              throw sqlState(error) === CHECK_VIOLATION ? overdrawn(from, cents, error) : error;
            });
          if (rows.length === 0) throw new ToolError(`Not booked: there is no account ${id}.`);
        }
        const { rows } = await tx.query(
          `INSERT INTO transfers.bookings (idempotency_key, from_account, to_account, cents, run)
           VALUES ($1, $2, $3, $4, $5) RETURNING id`,
          [ctx.idempotencyKey, from, to, cents, ctx.workflowId],
        );
        return { booking: rows[0]?.['id'], from, to, cents };
      },
      { table: 'transfers.once' },
    ),
});

function overdrawn(from: string, cents: number, cause: unknown): ToolError {
  return new ToolError(`Not booked: there is less than ${money(cents)} in account ${from}.`, { cause });
}
