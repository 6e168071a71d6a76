// The thread that holds the embedded database: sets it up, says so, then answers one statement at a time.
import { parentPort } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import type { Reply, Statement } from './embedded.ts';
import { createClinic, createReader, SCHEMA } from './setUp.ts';
import { PARSERS } from './values.ts';

const READER = 'clinic_reader';

const db = await PGlite.create({ parsers: PARSERS });
await createClinic((sql, params) => (params ? db.query(sql, params) : db.exec(sql)));
await createReader((sql) => db.exec(sql), READER);
await db.exec(`SET TimeZone = 'UTC'; SET search_path = ${SCHEMA}; SET ROLE ${READER}`);
parentPort?.postMessage({ rows: [] } satisfies Reply);

parentPort?.on('message', async (statement: Statement) => {
  parentPort?.postMessage(await answer(statement));
});

/** Read-only and rolled back, so that a statement cannot leave anything behind, not even a setting. */
async function answer({ sql, params }: Statement): Promise<Reply> {
  try {
    await db.exec('BEGIN READ ONLY');
    const { rows } = await db.query<Record<string, unknown>>(sql, [...params]);
    return { rows };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    return { error: error instanceof Error ? error.message : String(error), ...(code && { code }) };
  } finally {
    await db.exec('ROLLBACK');
  }
}
