// The process's database: the PostgreSQL in the environment, or an embedded one, kept in a folder, since the ledger has to
// survive the worker.
import { resolve } from 'node:path';
import type { PgPool } from '../../../activities/index.ts';
import { type Database, sqlState } from '../../database/database.ts';
import { embeddedDatabase } from '../../database/embedded.ts';
import { postgresDatabase } from '../../database/postgres.ts';
import { CLERK, READER, SCHEMA } from './setUp.ts';

const FOLDER = '.holdfast/transfers';
const UNDEFINED_TABLE = '42P01';

let shared: Database | undefined;

function database(): Database {
  const url = process.env['TRANSFERS_DATABASE_URL'] || process.env['DATABASE_URL'];
  const folder = resolve(process.env['TRANSFERS_FOLDER'] || FOLDER);
  const setUp = new URL('./setUp.ts', import.meta.url).href;
  shared ??= url
    ? postgresDatabase(url, SCHEMA)
    : embeddedDatabase({ setUp, schema: SCHEMA, readAs: READER, writeAs: CLERK, folder });
  return shared;
}

/** For `once`. */
export const pool: PgPool = { connect: () => database().pool.connect() };

export interface Account {
  readonly id: string;
  readonly purpose: string;
  readonly cents: number;
  readonly target_cents: number;
}

export async function accounts(signal?: AbortSignal): Promise<Account[]> {
  const rows = await database().query('SELECT id, purpose, cents, target_cents FROM accounts ORDER BY id', [], signal);
  // The statement selects these columns.
  return rows as unknown as Account[];
}

export interface Booking {
  readonly id: number;
  readonly idempotency_key: string;
  readonly from_account: string;
  readonly to_account: string;
  readonly cents: number;
  readonly run: string;
}

export async function bookings(signal?: AbortSignal): Promise<Booking[]> {
  const sql = 'SELECT id, idempotency_key, from_account, to_account, cents, run FROM bookings ORDER BY id';
  return (await database().query(sql, [], signal)) as unknown as Booking[];
}

/** Opens the database now, so that the first tool call need not wait for it. Throws if the ledger's tables are missing. */
export async function warmUp(): Promise<void> {
  try {
    await accounts();
  } catch (error) {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    throw new Error('The database at DATABASE_URL has no ledger. Set it up with "node agents/transfers/setup.ts".', {
      cause: error,
    });
  }
}

export async function closeDatabase(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await closing?.close();
}
