// An effect in PostgreSQL and the record that it happened, in one transaction: a crash between the commit and the answer
// repeats nothing, and gives back what was recorded.
import { callDigest } from '../transcript/digest.ts';
import { ToolError } from './toolError.ts';

/** The parts of a `pg` pool and its clients that are used here. */
export interface PgPool {
  connect(): Promise<PgClient>;
}

export interface PgClient {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  release(destroy?: boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

export interface OnceContext {
  readonly idempotencyKey: string;
  readonly signal?: AbortSignal;
}

export interface OnceOptions {
  /** Where it is recorded that it happened; `holdfast_once` when not said. Made when it is not there. */
  readonly table?: string;
}

export interface OwnKey {
  /** In place of the call's own key: what must happen once whichever call asks for it, such as `refund/4711`. */
  readonly key: string;
  /** What the key stands for, as JSON. The same key with another input is an error, and does nothing. */
  readonly input: unknown;
}

/**
 * Runs `effect` in a transaction, once for each key. Whoever comes again, also at the same time, gets the recorded result.
 * The tool that uses it is `idempotent`.
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
    throw new TypeError(`${JSON.stringify(table)} is no name of a table.`);
  // A call's own key has the digest of its arguments in it.
  const { key, input } = options.key === undefined ? { key: ctx.idempotencyKey, input: null } : options;
  if (input === undefined) throw new TypeError(`What does the key ${key} stand for? Give "input" with it.`);
  const place = { key, fingerprint: callDigest('', input), table };
  try {
    return await inTransaction(pool, ctx, (tx) => effectOnce(tx, place, effect));
  } catch (error) {
    if (!isTableMissing(error, table)) throw error;
    await inTransaction(pool, ctx, (tx) => createTable(tx, table));
    return await inTransaction(pool, ctx, (tx) => effectOnce(tx, place, effect));
  }
}

interface Place {
  readonly key: string;
  readonly fingerprint: string;
  readonly table: string;
}

async function effectOnce<Result>(
  tx: PgClient,
  { key, fingerprint, table }: Place,
  effect: (tx: Pick<PgClient, 'query'>) => Promise<Result>,
): Promise<Result> {
  // Another transaction that has this key is waited for here: then its row is there, or it was rolled back.
  const { rows: mine } = await tx.query(
    `insert into ${table} (key, input) values ($1, $2) on conflict (key) do nothing returning key`,
    [key, fingerprint],
  );
  if (mine.length === 0) return recorded<Result>(tx, { key, fingerprint, table });
  const json = JSON.stringify((await effect({ query: (text, values) => tx.query(text, values) })) ?? null) ?? 'null';
  await tx.query(`update ${table} set result = $2 where key = $1`, [key, json]);
  return parsed<Result>(json);
}

/** The same to whoever comes first and to whoever comes again: what `effect` has returned, as JSON has it. */
function parsed<Result>(json: string): Result {
  return JSON.parse(json) as Result;
}

async function recorded<Result>(tx: PgClient, { key, fingerprint, table }: Place): Promise<Result> {
  const { rows } = await tx.query(`select input, result::text as result from ${table} where key = $1`, [key]);
  const [row] = rows;
  if (!row) throw new Error(`The record of ${key} is gone.`);
  if (row['input'] !== fingerprint)
    throw new ToolError(`${key} has happened already, with another input. Nothing was done.`);
  return parsed<Result>(String(row['result']));
}

async function inTransaction<T>(pool: PgPool, { signal }: OnceContext, work: (tx: PgClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // A connection that breaks fails its query; without a listener it would end the process as well.
  const broken = () => undefined;
  client.on('error', broken);
  let isBroken = false;
  try {
    await client.query('begin');
    const result = await work(client);
    // A call that was given up in the meantime has not happened: the commit is what makes it so.
    signal?.throwIfAborted();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {
      isBroken = true;
    });
    throw error;
  } finally {
    client.off('error', broken);
    client.release(isBroken);
  }
}

/** PostgreSQL's codes for a relation and a schema that are not there. */
function isTableMissing(error: unknown, table: string): boolean {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  return code === '42P01' && message.includes(table.split('.').at(-1) ?? table);
}

async function createTable(tx: PgClient, table: string): Promise<void> {
  // "If not exists" alone fails where two come at the same moment.
  await tx.query('select pg_advisory_xact_lock(hashtext($1))', [table]);
  await tx.query(
    `create table if not exists ${table} (
       key text primary key,
       input text not null,
       -- Not jsonb, which would give back another text: with its keys in another order, and without the character 0.
       result json,
       at timestamptz not null default now()
     )`,
  );
}
