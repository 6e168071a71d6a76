// The process's database: an embedded one, or the one at DATABASE_URL. Opened by the first query.
import { type Database, sqlState } from '../../database/database.ts';
import { embeddedDatabase } from '../../database/embedded.ts';
import { postgresDatabase } from '../../database/postgres.ts';
import { READER, SCHEMA } from './setUp.ts';

const UNDEFINED_TABLE = '42P01';

let shared: Database | undefined;

const EMBEDDED = { setUp: new URL('./setUp.ts', import.meta.url).href, schema: SCHEMA, readAs: READER };

/** The clinic in the PostgreSQL at `url`, or an embedded one in memory. */
export function openClinic(url: string | undefined, options?: { readonly timeoutMs?: number }): Database {
  return url ? postgresDatabase(url, SCHEMA, options) : embeddedDatabase(EMBEDDED, options);
}

function database(): Database {
  shared ??= openClinic(process.env.DATABASE_URL);
  return shared;
}

export async function query<Row = Record<string, unknown>>(
  sql: string,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<Row[]> {
  // Each statement names its columns, and the caller their types.
  return (await database().query(sql, params, signal)) as Row[];
}

/** Opens the database now, so that the first tool call need not wait for it. Throws if the clinic's tables are missing. */
export async function warmUp(): Promise<void> {
  try {
    await query('SELECT id FROM patients LIMIT 1', []);
  } catch (error) {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    throw new Error('The database at DATABASE_URL has no clinic. Set it up with "node agents/clinic/setup.ts".', {
      cause: error,
    });
  }
}

export async function closeDatabase(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await closing?.close();
}
