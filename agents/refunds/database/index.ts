// The process's database: the PostgreSQL that the environment names, or an embedded one. The ledger has to outlive a
// worker, so that one is kept in a folder.
import { resolve } from 'node:path';
import { type Database, type Row, sqlState } from '../../database/database.ts';
import { embeddedDatabase } from '../../database/embedded.ts';
import { postgresDatabase } from '../../database/postgres.ts';
import { CLERK, READER, SCHEMA } from './setUp.ts';

const FOLDER = '.holdfast/refunds';
const UNDEFINED_TABLE = '42P01';

export interface Place {
  /** A PostgreSQL; without one, an embedded database in `folder`. */
  readonly url?: string | undefined;
  readonly folder?: string | undefined;
}

export function openRefunds({ url, folder = FOLDER }: Place): Database {
  if (url) return postgresDatabase(url, SCHEMA);
  const setUp = new URL('./setUp.ts', import.meta.url).href;
  return embeddedDatabase({ setUp, schema: SCHEMA, readAs: READER, writeAs: CLERK, folder: resolve(folder) });
}

export function placeFrom(env: NodeJS.ProcessEnv): Place {
  return { url: env['REFUNDS_DATABASE_URL'] || env['DATABASE_URL'], folder: env['REFUNDS_FOLDER'] || FOLDER };
}

let shared: Database | undefined;

function database(): Database {
  shared ??= openRefunds(placeFrom(process.env));
  return shared;
}

export async function query<Found = Row>(
  sql: string,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<Found[]> {
  // The statement names its columns, and its caller, one line away, their types.
  return (await database().query(sql, params, signal)) as Found[];
}

export async function write<Written = Row>(
  sql: string,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<Written[]> {
  return (await database().write(sql, params, signal)) as Written[];
}

/** Starts the database now, so that the first call of a tool need not wait for it; and says what is missing. */
export async function warmUp(): Promise<void> {
  try {
    await query('SELECT id FROM orders LIMIT 1', []);
  } catch (error) {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    throw new Error('There is no shop in the database at DATABASE_URL. Set it up: node agents/refunds/setup.ts', {
      cause: error,
    });
  }
}

export async function closeDatabase(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await closing?.close();
}
