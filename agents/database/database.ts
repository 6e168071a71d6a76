// The interface of the examples' databases, which the embedded one and your own PostgreSQL both implement.
import type { PgPool } from '../../activities/index.ts';

export type Row = Record<string, unknown>;

export interface Database {
  /**
   * Runs one read-only statement and returns its rows. Values are passed as parameters `$1`, `$2`, …. Rejects if `signal`
   * aborts, and with SQLSTATE `code` 57014 if the statement exceeds the database's time limit.
   */
  query(sql: string, params?: readonly unknown[], signal?: AbortSignal): Promise<Row[]>;
  /** Runs one statement that writes. Committed once this resolves; if it rejects, it may or may not be committed. */
  write(sql: string, params?: readonly unknown[], signal?: AbortSignal): Promise<Row[]>;
  /** Connections whose transactions may write, for `once`. */
  readonly pool: PgPool;
  close(): Promise<void>;
}

/** The tools' queries take milliseconds. One that takes this long is a bug, or a model's bad SQL. */
export const QUERY_TIMEOUT_MS = 5_000;

/** SQLSTATE of a statement that was stopped, by its time limit or on request. */
export const QUERY_CANCELED = '57014';

/** SQLSTATE of a row that violates a unique constraint. */
export const UNIQUE_VIOLATION = '23505';

/** The text trimmed, and without the character 0, which PostgreSQL does not accept. */
export function storable(text: string): string {
  return text.replaceAll('\0', '').trim();
}

/** The SQLSTATE of an error; undefined if it did not come from the database. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Settles like `promise`, or rejects with the signal's reason if that comes first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
