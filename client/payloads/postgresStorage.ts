// Large payloads as rows of a PostgreSQL table.
import type { StorageDriver } from '@temporalio/common';
import { driverOf } from './stored.ts';

/** The part of a `pg` pool that is used here. */
export interface PayloadPool {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

export interface PostgresStorageOptions {
  /** Stands in histories; `postgres` when not said. */
  readonly name?: string;
  /** `holdfast_payloads` when not said. Made when it is not there. */
  readonly table?: string;
}

/** A payload that is stored again is as new, by the day: more often would only write. */
const REFRESH = "interval '1 day'";

/**
 * Keeps each payload in a row, under its sha256. Nothing is ever deleted.
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
    throw new TypeError(`${JSON.stringify(table)} is no name of a table.`);

  async function insert(key: string, bytes: Uint8Array): Promise<void> {
    await pool.query(
      `insert into ${table} as old (sha256, payload) values ($1, $2)
       on conflict (sha256) do update set stored_at = now() where old.stored_at < now() - ${REFRESH}`,
      [key, bytes],
    );
  }

  return driverOf(
    { name, type: 'holdfast.postgres', place: `the table ${table} (store "${name}")` },
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
          // The driver's type for bytea.
          return (rows[0]?.['payload'] as Uint8Array | undefined) ?? null;
        } catch (error) {
          if (isTableMissing(error, table)) return null;
          throw error;
        }
      },
    },
  );
}

/** PostgreSQL's code for a relation that is not there. */
function isTableMissing(error: unknown, table: string): boolean {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  // Which it says in lower case, as it has every name that is not quoted.
  return code === '42P01' && message.includes(table.toLowerCase().split('.').at(-1) ?? table);
}

/** One statement, which is one transaction: "if not exists" alone fails where two come at the same moment. */
function createTable(table: string): string {
  return `do $$ begin
    perform pg_advisory_xact_lock(hashtext('${table}'));
    create table if not exists ${table} (
      sha256 text primary key,
      payload bytea not null,
      stored_at timestamptz not null default now()
    );
    -- It is compressed already where that helps.
    alter table ${table} alter column payload set storage external;
  end $$`;
}
