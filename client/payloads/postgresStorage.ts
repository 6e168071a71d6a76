// Stores large payloads as rows of a PostgreSQL table.
import type { StorageDriver } from '@temporalio/common';
import { driverOf } from './objectStore.ts';

/** The part of a `pg` pool that is used. */
export interface PayloadPool {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

export interface PostgresStorageOptions {
  /**
   * The store's name in histories.
   * @default 'postgres'
   */
  readonly name?: string;
  /**
   * The table, with its schema if needed. Created if it does not exist.
   * @default 'holdfast_payloads'
   */
  readonly table?: string;
}

/** Storing a payload again renews its date, at most daily, to save writes. */
const REFRESH = "interval '1 day'";

/**
 * Stores each payload in a row, keyed by its SHA-256. Never deletes.
 *
 * ```ts
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL, allowExitOnIdle: true });
 * export default { storage: postgresStorage(pool) };
 * ```
 */
export function postgresStorage(
  pool: PayloadPool,
  { name = 'postgres', table = 'holdfast_payloads' }: PostgresStorageOptions = {},
): StorageDriver {
  if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i.test(table))
    throw new TypeError(
      `The option "table" is ${JSON.stringify(table)}. Use a table name, such as holdfast_payloads or my_schema.payloads.`,
    );

  async function insert(key: string, bytes: Uint8Array): Promise<void> {
    await pool.query(
      `insert into ${table} as old (sha256, payload) values ($1, $2)
       on conflict (sha256) do update set stored_at = now() where old.stored_at < now() - ${REFRESH}`,
      [key, bytes],
    );
  }

  return driverOf(
    { name, type: 'holdfast.postgres', description: `the table ${table} (store "${name}")` },
    {
      async put(key, bytes) {
        try {
          await insert(key, bytes);
        } catch (error) {
          if (!isTableMissing(error, table)) throw error;
          await pool.query(createTable(table));
          await insert(key, bytes);
        }
      },
      async get(key) {
        try {
          const { rows } = await pool.query(`select payload from ${table} where sha256 = $1`, [key]);
          // `pg` returns bytea as a Buffer.
          return (rows[0]?.['payload'] as Uint8Array | undefined) ?? null;
        } catch (error) {
          if (isTableMissing(error, table)) return null;
          throw error;
        }
      },
    },
  );
}

/** Whether the error is PostgreSQL's `undefined_table` for this table. */
function isTableMissing(error: unknown, table: string): boolean {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  // PostgreSQL folds unquoted names to lower case.
  return code === '42P01' && message.includes(table.toLowerCase().split('.').at(-1) ?? table);
}

/** A single statement, so one transaction, with a lock: two concurrent "create table if not exists" can collide. */
function createTable(table: string): string {
  return `do $$ begin
    perform pg_advisory_xact_lock(hashtext('${table}'));
    create table if not exists ${table} (
      sha256 text primary key,
      payload bytea not null,
      stored_at timestamptz not null default now()
    );
    -- Payloads are already compressed if that helps.
    alter table ${table} alter column payload set storage external;
  end $$`;
}
