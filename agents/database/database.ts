// What the examples' tools know of a database, and what the embedded one and a PostgreSQL of yours share.
import type { PgPool } from '../../activities/index.ts';

export type Row = Record<string, unknown>;

export interface Database {
  /**
   * Runs one statement that reads, and gives its rows. Values go in as parameters, `$1` and on. Rejects when `signal`
   * aborts, and with SQLSTATE `code` 57014 when the statement takes longer than the database's time limit.
   */
  query(sql: string, params?: readonly unknown[], signal?: AbortSignal): Promise<Row[]>;
  /** Likewise for one statement that writes: what it did is kept once this resolves. Where it rejects, it may be. */
  write(sql: string, params?: readonly unknown[], signal?: AbortSignal): Promise<Row[]>;
  /** Connections whose transactions may write, for `once`. */
  readonly pool: PgPool;
  close(): Promise<void>;
}

/** Every tool's question is answered in milliseconds; what takes this long is a mistake, or a model's bad SQL. */
export const QUERY_TIMEOUT_MS = 5_000;

/** The SQLSTATE of a statement that was stopped, by its time limit or on request. */
export const QUERY_CANCELED = '57014';

/** That of a row which a unique constraint has no place for. */
export const UNIQUE_VIOLATION = '23505';

/** A text as PostgreSQL takes it, which is any without the character 0; and without blanks around it. */
export function storable(text: string): string {
  return text.replaceAll('\0', '').trim();
}

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
