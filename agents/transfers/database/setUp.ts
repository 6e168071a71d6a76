// Creates the ledger in a database: schema, accounts, and logins that can do only what the tools do.
import { readFileSync } from 'node:fs';
import { createRole, type Execute, insertRows, setUpPostgres } from '../../database/setUp.ts';

export const SCHEMA = 'transfers';
export const READER = 'transfers_reader';
/** May read everything, update balances and add bookings, but delete nothing and change no booking. */
export const CLERK = 'transfers_clerk';

/** The month's takings are in the first account, and have to be transferred to the others. */
// biome-ignore format: a table is read by its columns
const ACCOUNTS = [
  ['A-01', 'takings', 1_200_000, 0],
  ['A-02', 'suppliers', 15_000, 320_000],
  ['A-03', 'wages', 0, 410_000],
  ['A-04', 'rent', 90_000, 90_000],
  ['A-05', 'tax', 61_250, 148_700],
  ['A-06', 'repairs', 2_480, 25_000],
  ['A-07', 'reserve', 500_000, 560_000],
] as const;

async function createLedger(execute: Execute): Promise<void> {
  await execute(readFileSync(new URL('./schema.sql', import.meta.url), 'utf8'));
  const accounts = ACCOUNTS.map(([id, purpose, cents, target_cents]) => ({ id, purpose, cents, target_cents }));
  await insertRows(execute, SCHEMA, { accounts });
}

async function createClerk(execute: Execute, password?: string): Promise<void> {
  await createRole(execute, SCHEMA, CLERK, password);
  await execute(`
    GRANT UPDATE (cents) ON ${SCHEMA}.accounts TO ${CLERK};
    GRANT INSERT ON ${SCHEMA}.bookings, ${SCHEMA}.once TO ${CLERK};
    GRANT UPDATE (result) ON ${SCHEMA}.once TO ${CLERK};
  `);
}

export async function setUpEmbedded(execute: Execute): Promise<void> {
  await createLedger(execute);
  await createRole(execute, SCHEMA, READER);
  await createClerk(execute);
}

/** Sets up the ledger in the PostgreSQL at `url`, whose login may create a schema; with a password, also the clerk's login. */
export async function setUpTransfers(url: string, clerkPassword?: string): Promise<void> {
  await setUpPostgres(url, async (execute) => {
    await createLedger(execute);
    if (clerkPassword !== undefined) await createClerk(execute, clerkPassword);
  });
}
