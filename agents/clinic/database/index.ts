// The process's database: an embedded one, or the one at DATABASE_URL. Opened by the first query.
import { ToolError } from '../../../activities/index.ts';
import { type Database, sqlState } from '../../database/database.ts';
import { embeddedDatabase } from '../../database/embedded.ts';
import { refusePowerfulLogin } from '../../database/login.ts';
import { postgresDatabase } from '../../database/postgres.ts';
import { READER, SCHEMA } from './setUp.ts';

const UNDEFINED_TABLE = '42P01';

let shared: Shared | undefined;

const SET_UP_READER = 'CLINIC_READER_PASSWORD=… node agents/clinic/setup.ts';

const EMBEDDED = { setUp: new URL('./setUp.ts', import.meta.url).href, schema: SCHEMA, readAs: READER };

/** The clinic in the PostgreSQL at `url`, or an embedded one in memory. */
export function openClinic(url: string | undefined, options?: { readonly timeoutMs?: number }): Database {
  return url ? postgresDatabase(url, SCHEMA, options) : embeddedDatabase(EMBEDDED, options);
}

async function database(): Promise<Database> {
  shared ??= openShared();
  const opened = shared;
  await opened.checked();
  return opened.database;
}

interface Shared {
  readonly database: Database;
  /** Resolves once the login is known to be harmless. */
  checked(): Promise<void>;
}

function openShared(): Shared {
  const url = process.env.DATABASE_URL;
  const database = openClinic(url);
  let checked: Promise<void> | undefined;
  return {
    database,
    checked() {
      checked ??= url ? refusePowerfulLogin(database, SET_UP_READER) : Promise.resolve();
      // The database may be reachable next time, or its login have fewer rights.
      checked.catch(() => {
        checked = undefined;
      });
      return checked;
    },
  };
}

export async function query<Row = Record<string, unknown>>(
  sql: string,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<Row[]> {
  // Each statement names its columns, and the caller their types.
  return (await (await database()).query(sql, params, signal)) as Row[];
}

/** Throws if the login in `DATABASE_URL` is one that the tools refuse. One that is out of reach is for the tools to report. */
export async function checkLogin(): Promise<void> {
  if (!process.env.DATABASE_URL) return;
  await database().catch((error) => {
    if (error instanceof ToolError) throw error;
  });
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
  await closing?.database.close();
}
