// Creates the clinic in a database that lets us: schema, data and, on request, a login that can only read.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { madeUpData } from './madeUpData.ts';

/** Runs one statement, or several where there are no parameters. */
export type Execute = (sql: string, params?: unknown[]) => Promise<unknown>;

export const SCHEMA = 'clinic';

/** Creates what is missing and leaves the rest alone: setting up twice is setting up once. */
export async function createClinic(execute: Execute): Promise<void> {
  await execute(readFileSync(new URL('./schema.sql', import.meta.url), 'utf8'));
  for (const [table, rows] of Object.entries(madeUpData()))
    await execute(
      `INSERT INTO ${SCHEMA}.${table} SELECT * FROM json_populate_recordset(NULL::${SCHEMA}.${table}, $1)
       ON CONFLICT DO NOTHING`,
      [JSON.stringify(rows)],
    );
}

/**
 * Sets the clinic up in the PostgreSQL database at `url`, with a login that may create a schema. `reader` is a login to
 * make (or to bring up to date) that may read the clinic and nothing else: the one for `DATABASE_URL`.
 */
export async function setUpClinic(
  url: string,
  reader?: { readonly role: string; readonly password: string },
): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    await client.query('BEGIN');
    // Two set-ups at once would trip over each other's CREATE; any number does, as long as it is the same.
    await client.query('SELECT pg_advisory_xact_lock(741852963)');
    await createClinic((sql, params) => client.query(sql, params));
    if (reader) await createReader((sql, params) => client.query(sql, params), reader.role, reader.password);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

/** A role cannot be a parameter: so a name that needs no quotes, and a password in them. */
export async function createReader(execute: Execute, role: string, password?: string): Promise<void> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(role)) throw new TypeError(`A role's name is a-z, 0-9 and "_"; ${role} is not.`);
  const login = password === undefined ? 'NOLOGIN' : `LOGIN PASSWORD ${pg.escapeLiteral(password)}`;
  await execute(`
    DO $$ BEGIN CREATE ROLE ${role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    ALTER ROLE ${role} ${login};
    ALTER ROLE ${role} SET default_transaction_read_only = on;
    GRANT USAGE ON SCHEMA ${SCHEMA} TO ${role};
    GRANT SELECT ON ALL TABLES IN SCHEMA ${SCHEMA} TO ${role};
  `);
}
