// Setting a schema up in a PostgreSQL database of yours, with a login that can do what its tools do and nothing else.
import pg from 'pg';

/** Runs one statement, or several where there are no parameters. */
export type Execute = (sql: string, params?: unknown[]) => Promise<unknown>;

/** Runs `setUp` in one transaction of the database at `url`, with a login that may create a schema. */
export async function setUpPostgres(url: string, setUp: (execute: Execute) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    await client.query('BEGIN');
    // Two set-ups at once would trip over each other's CREATE; any number does, as long as it is the same.
    await client.query('SELECT pg_advisory_xact_lock(741852963)');
    await setUp((sql, params) => client.query(sql, params));
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

/** Rows for the schema's tables, in an order that their foreign keys allow; what is there is left alone. */
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

/** A role that may read the schema. A role cannot be a parameter: so a name that needs no quotes, a password in them. */
export async function createRole(execute: Execute, schema: string, role: string, password?: string): Promise<void> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(role)) throw new TypeError(`A role's name is a-z, 0-9 and "_"; ${role} is not.`);
  const login = password === undefined ? 'NOLOGIN' : `LOGIN PASSWORD ${pg.escapeLiteral(password)}`;
  await execute(`
    DO $$ BEGIN CREATE ROLE ${role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    ALTER ROLE ${role} ${login};
    ALTER ROLE ${role} SET default_transaction_read_only = on;
    GRANT USAGE ON SCHEMA ${schema} TO ${role};
    GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${role};
  `);
}
