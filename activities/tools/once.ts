// Commits an effect in PostgreSQL and the record of its result in one transaction: after a crash between the commit and the
// answer, a retry repeats nothing and returns the recorded result.
import { callDigest } from '../digest.ts';
import { ToolError } from './toolError.ts';

/** The parts of a `pg` pool and its clients that `once` uses. */
export interface PgPool {
  connect(): Promise<PgClient>;
}

export interface PgClient {
  /** `rowCount`: how many rows it changed or found, as `pg` says. */
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount?: number | null }>;
  release(destroy?: boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

export interface OnceContext {
  readonly idempotencyKey: string;
  readonly signal?: AbortSignal;
  /** How long an attempt may take. */
  readonly timeoutMs?: number;
}

export interface OnceOptions {
  /** Table of the records, created if it is missing. @default 'holdfast_once' */
  readonly table?: string;
}

export interface OwnKey {
  /** Replaces the call's idempotency key, for effects that must happen once whichever call asks, such as `refund/4711`. */
  readonly key: string;
  /** The input that the key stands for, as JSON. The same key with another input is an error, and does nothing. */
  readonly input: unknown;
}

/**
 * Runs `effect` in a transaction, once for each key. Later and concurrent calls with the same key return the recorded
 * result. A tool that uses it has the effect `idempotent`.
 *
 * ```ts
 * run: ({ from, to, cents }, ctx) =>
 *   once(pool, ctx, async (tx) => {
 *     await tx.query('update accounts set cents = cents - $1 where id = $2', [cents, from]);
 *     await tx.query('update accounts set cents = cents + $1 where id = $2', [cents, to]);
 *     return { transferred: cents };
 *   }),
 * ```
 */
export async function once<Result>(
  pool: PgPool,
  ctx: OnceContext,
  effect: (tx: Pick<PgClient, 'query'>) => Promise<Result>,
  options: OnceOptions & (OwnKey | { readonly key?: undefined }) = {},
): Promise<Result> {
  const { table = 'holdfast_once' } = options;
  if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i.test(table))
    throw new TypeError(
      `${JSON.stringify(table)} is not a valid name of a table. Use letters, digits and "_", optionally after a schema.`,
    );
  // A call's idempotency key includes the digest of its arguments.
  const { key, input } = options.key === undefined ? { key: ctx.idempotencyKey, input: null } : options;
  if (input === undefined)
    throw new TypeError(`The key ${key} needs an input. Pass "input" with what the key stands for.`);
  const record = { key, fingerprint: callDigest('', input), table };
  try {
    return await inTransaction(pool, ctx, (tx) => effectOnce(tx, record, effect));
  } catch (error) {
    if (!isTableMissing(error, table)) throw error;
    await inTransaction(pool, ctx, (tx) => createTable(tx, table));
    return await inTransaction(pool, ctx, (tx) => effectOnce(tx, record, effect));
  }
}

interface OnceRecord {
  readonly key: string;
  readonly fingerprint: string;
  readonly table: string;
}

async function effectOnce<Result>(
  tx: PgClient,
  { key, fingerprint, table }: OnceRecord,
  effect: (tx: Pick<PgClient, 'query'>) => Promise<Result>,
): Promise<Result> {
  // Waits for a concurrent transaction with this key; then its row exists, or it was rolled back.
  const { rows: inserted } = await tx.query(
    `insert into ${table} (key, input) values ($1, $2) on conflict (key) do nothing returning key`,
    [key, fingerprint],
  );
  if (inserted.length === 0) return recordedResult<Result>(tx, { key, fingerprint, table });
  const json = JSON.stringify((await effect({ query: (text, values) => tx.query(text, values) })) ?? null) ?? 'null';
  await tx.query(`update ${table} set result = $2 where key = $1`, [key, json]);
  return parsed<Result>(json);
}

/** The result after a round trip through JSON, so that the first call returns the same as later ones. */
function parsed<Result>(json: string): Result {
  return JSON.parse(json) as Result;
}

async function recordedResult<Result>(tx: PgClient, { key, fingerprint, table }: OnceRecord): Promise<Result> {
  const { rows } = await tx.query(`select input, result::text as result from ${table} where key = $1`, [key]);
  const [row] = rows;
  if (!row) throw new Error(`The record of ${key} was deleted.`);
  if (row['input'] !== fingerprint)
    throw new ToolError(`${key} was done already, with another input. Nothing was done now.`);
  return parsed<Result>(String(row['result']));
}

async function inTransaction<T>(
  pool: PgPool,
  { signal, timeoutMs }: OnceContext,
  work: (tx: PgClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  // A broken connection fails its query; without a listener, the error event would also end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  let isBroken = false;
  try {
    await client.query('begin');
    // A worker that is frozen in here would hold the key for as long as it lives, and each later attempt would wait for it in vain.
    if (timeoutMs !== undefined)
      await client.query(`set local idle_in_transaction_session_timeout = ${Math.ceil(timeoutMs)}`);
    const result = await work(client);
    // Only the commit makes it happen: a call that was cancelled in the meantime does nothing.
    signal?.throwIfAborted();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {
      isBroken = true;
    });
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(isBroken);
  }
}

/** Whether PostgreSQL reports that the table does not exist. */
function isTableMissing(error: unknown, table: string): boolean {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  return code === '42P01' && message.includes(table.split('.').at(-1) ?? table);
}

async function createTable(tx: PgClient, table: string): Promise<void> {
  // "if not exists" alone fails if two transactions create it at the same moment.
  await tx.query('select pg_advisory_xact_lock(hashtext($1))', [table]);
  await tx.query(
    `create table if not exists ${table} (
       key text primary key,
       input text not null,
       -- Not jsonb, which reorders keys and does not accept the character 0.
       result json,
       at timestamptz not null default now()
     )`,
  );
}
