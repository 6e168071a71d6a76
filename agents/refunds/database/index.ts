// The process's database: the PostgreSQL in the environment, or an embedded one, kept in a folder, since the ledger has to
// survive the worker.
import { resolve } from 'node:path';
import { type Database, type Row, sqlState } from '../../database/database.ts';
import { embeddedDatabase } from '../../database/embedded.ts';
import { postgresDatabase } from '../../database/postgres.ts';
import { CLERK, READER, SCHEMA } from './setUp.ts';

const FOLDER = '.holdfast/refunds';
const UNDEFINED_TABLE = '42P01';

export interface DatabaseLocation {
  /** URL of a PostgreSQL. @default an embedded database in `folder` */
  readonly url?: string | undefined;
  readonly folder?: string | undefined;
}

export function openRefunds({ url, folder = FOLDER }: DatabaseLocation): Database {
  if (url) return postgresDatabase(url, SCHEMA);
  const setUp = new URL('./setUp.ts', import.meta.url).href;
  return embeddedDatabase({ setUp, schema: SCHEMA, readAs: READER, writeAs: CLERK, folder: resolve(folder) });
}

export function locationFrom(env: NodeJS.ProcessEnv): DatabaseLocation {
  return { url: env['REFUNDS_DATABASE_URL'] || env['DATABASE_URL'], folder: env['REFUNDS_FOLDER'] || FOLDER };
}

let shared: Database | undefined;

function database(): Database {
  shared ??= openRefunds(locationFrom(process.env));
  return shared;
}

export async function query<Found = Row>(
  sql: string,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<Found[]> {
  // Each statement names its columns, and the caller their types.
  return (await database().query(sql, params, signal)) as Found[];
}

export async function write<Written = Row>(
  sql: string,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<Written[]> {
  return (await database().write(sql, params, signal)) as Written[];
}

/** Opens the database now, so that the first tool call need not wait for it. Throws if the shop's tables are missing. */
export async function warmUp(): Promise<void> {
  try {
    await query('SELECT id FROM orders LIMIT 1', []);
  } catch (error) {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    throw new Error('The database at DATABASE_URL has no shop. Set it up with "node agents/refunds/setup.ts".', {
      cause: error,
    });
  }
}

export async function closeDatabase(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await closing?.close();
}
