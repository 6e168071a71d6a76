// The thread of an embedded database: sets it up, reports that it is ready, then executes one statement at a time.
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import type { EmbeddedSetUp, Reply, Statement } from './embedded.ts';
import type { Execute } from './setUp.ts';
import { PARSERS } from './values.ts';

const { setUp, schema, readAs, writeAs, folder } = workerData as EmbeddedSetUp;

const db = await PGlite.create({ parsers: PARSERS, ...(folder !== undefined && { dataDir: folder }) });
// EmbeddedSetUp demands this export of the module.
const { setUpEmbedded } = (await import(setUp)) as { setUpEmbedded(execute: Execute): Promise<void> };
await setUpEmbedded((sql, params) => (params ? db.query(sql, params) : db.exec(sql)));
await db.exec(`SET TimeZone = 'UTC'; SET search_path = ${schema}; SET ROLE ${readAs}`);
parentPort?.postMessage({ rows: [] } satisfies Reply);

parentPort?.on('message', async (statement: Statement) => {
  parentPort?.postMessage(await answer(statement));
});

/** Reads run in a read-only transaction that is rolled back, so that they leave nothing behind, not even a setting. */
async function answer({ sql, params, how }: Statement): Promise<Reply> {
  try {
    if (how === 'alone') return { rows: (await db.query<Record<string, unknown>>(sql, [...params])).rows };
    await db.exec(how === 'writes' ? `BEGIN; SET LOCAL ROLE ${writeAs ?? readAs}` : 'BEGIN READ ONLY');
    const { rows } = await db.query<Record<string, unknown>>(sql, [...params]);
    await db.exec(how === 'writes' ? 'COMMIT' : 'ROLLBACK');
    return { rows };
  } catch (error) {
    if (how !== 'alone') await db.exec('ROLLBACK');
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    return { error: error instanceof Error ? error.message : String(error), ...(code && { code }) };
  }
}
