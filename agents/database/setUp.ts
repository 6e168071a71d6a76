// Sets up a schema in your own PostgreSQL database, with a login that can do only what its tools do.
import pg from 'pg';

/** Runs one statement, or several if there are no parameters. */
export type Execute = (sql: string, params?: unknown[]) => Promise<unknown>;

/** Runs `setUp` in one transaction in the database at `url`, whose login may create a schema. */
export async function setUpPostgres(url: string, setUp: (execute: Execute) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    await client.query('BEGIN');
    // Two concurrent set-ups would fail on each other's CREATE. Any fixed number will do.
    await client.query('SELECT pg_advisory_xact_lock(741852963)');
    await setUp((sql, params) => client.query(sql, params));
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

/** Inserts rows into the schema's tables, in an order that their foreign keys allow. Existing rows are not changed. */
export async function insertRows(
  execute: Execute,
  schema: string,
  tables: Readonly<Record<string, readonly object[]>>,
): Promise<void> {
  for (const [table, rows] of Object.entries(tables))
    await execute(
      `INSERT INTO ${schema}.${table} SELECT * FROM json_populate_recordset(NULL::${schema}.${table}, $1)
       ON CONFLICT DO NOTHING`,
      [JSON.stringify(rows)],
    );
}

/** Creates a role that may read the schema. DDL takes no parameters: the name must need no quotes, the password is escaped. */
export async function createRole(execute: Execute, schema: string, role: string, password?: string): Promise<void> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(role))
    throw new TypeError(`"${role}" is not a valid name of a role. Use a-z, 0-9 and "_".`);
  const login = password === undefined ? 'NOLOGIN' : `LOGIN PASSWORD ${pg.escapeLiteral(password)}`;
  await execute(`
    DO $$ BEGIN CREATE ROLE ${role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    ALTER ROLE ${role} ${login};
    ALTER ROLE ${role} SET default_transaction_read_only = on;
    GRANT USAGE ON SCHEMA ${schema} TO ${role};
    GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${role};
  `);
}
