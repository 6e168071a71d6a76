// What the tools know of a database: one function. Behind it is an embedded one, or the one at DATABASE_URL.
import { embeddedDatabase } from './embedded.ts';
import { postgresDatabase } from './postgres.ts';

export interface Database {
  /**
   * Runs one statement that reads, and gives its rows. Values go in as parameters, `$1` and on. Rejects when `signal`
   * aborts, and with SQLSTATE `code` 57014 when the statement takes longer than the database's time limit.
   */
  query(sql: string, params?: readonly unknown[], signal?: AbortSignal): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** Every tool's question is answered in milliseconds; what takes this long is a mistake, or a model's bad SQL. */
export const QUERY_TIMEOUT_MS = 5_000;

let shared: Database | undefined;

/** The process's database, started when first asked for. */
function database(): Database {
  const url = process.env.DATABASE_URL;
  shared ??= url ? postgresDatabase(url) : embeddedDatabase();
  return shared;
}

export async function query<Row = Record<string, unknown>>(
  sql: string,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<Row[]> {
  // The statement names its columns, and its caller, one line away, their types.
  return (await database().query(sql, params, signal)) as Row[];
}

/** Starts the database now, so that the first call of a tool need not wait for it; and says what is missing. */
export async function warmUp(): Promise<void> {
  try {
    await query('SELECT id FROM patients LIMIT 1', []);
  } catch (error) {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    throw new Error('There is no clinic in the database at DATABASE_URL. Set it up: node agents/clinic/setup.ts', { cause: error });
  }
}

export async function closeDatabase(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await closing?.close();
}

const UNDEFINED_TABLE = '42P01';
export const QUERY_CANCELED = '57014';

/** PostgreSQL's own code for what went wrong; undefined when the database did not get to say. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** `promise`, or the signal's reason if that comes first. What `promise` does later is nobody's business any more. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
