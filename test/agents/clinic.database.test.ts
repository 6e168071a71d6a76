// Both databases are read-only, keep their time limit, stop on abort, and work afterwards.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openClinic } from '../../agents/clinic/database/index.ts';
import { setUpClinic } from '../../agents/clinic/database/setUp.ts';
import type { Database } from '../../agents/database/database.ts';
import { noPostgres, type Postgres, startPostgres } from '../support/postgres.ts';

// Long enough for an honest query on a busy machine.
const timeoutMs = 1_000;
const ENDLESS = 'SELECT count(*) FROM generate_series(1, 100000000000)';
const PATIENTS = 'SELECT count(*) AS n FROM patients';

let postgres: Postgres;
describe('the embedded database', () => {
  theDatabase(() => openClinic(undefined, { timeoutMs }));
});

describe('PostgreSQL, with a login that could write', { skip: noPostgres }, () => {
  before(async () => {
    postgres = await startPostgres();
    await setUpClinic(postgres.url);
  });
  after(() => postgres.stop());
  theDatabase(() => openClinic(postgres.url, { timeoutMs }));

  test('keeps the options of the URL', async () => {
    const url = `${postgres.url}?options=${encodeURIComponent('-c work_mem=1234kB -c statement_timeout=0')}`;
    const db = openClinic(url, { timeoutMs });
    const setting = "SELECT current_setting('work_mem') AS memory, current_setting('statement_timeout') AS timeout";
    assert.deepEqual(await db.query(setting), [{ memory: '1234kB', timeout: '1s' }]);
    await db.close();
  });

  test('ends a cancelled query on the server', async () => {
    const db = openClinic(postgres.url, { timeoutMs: 60_000 });
    const stop = new AbortController();
    const endless = db.query(ENDLESS, [], stop.signal);
    const running = 'SELECT count(*) AS n FROM pg_stat_activity WHERE query = $1 AND state = $2';
    const count = async () => (await db.query(running, [ENDLESS, 'active']))[0]?.n;
    while ((await count()) !== 1);
    stop.abort();
    await assert.rejects(endless, { name: 'AbortError' });
    while ((await count()) !== 0);
    await db.close();
  });

  // The last one: PostgreSQL starts all its processes anew after this.
  test('fails the query of a broken connection, and opens another for the next', async () => {
    const db = openClinic(postgres.url, { timeoutMs: 60_000 });
    const broken = assert.rejects(db.query(ENDLESS), /terminated/);
    let running: Record<string, unknown>[] = [];
    while (running.length === 0)
      running = await db.query('SELECT pid FROM pg_stat_activity WHERE query = $1', [ENDLESS]);
    process.kill(Number(running[0]?.pid), 'SIGKILL');
    await broken;
    let patients: unknown;
    while (!patients) patients = await db.query(PATIENTS).catch(() => undefined);
    assert.deepEqual(patients, [{ n: 48 }]);
    await db.close();
  });
});

function theDatabase(open: () => Database): void {
  let db: Database;
  before(() => {
    db = open();
  });
  after(() => db.close());

  test('rejects every write', async () => {
    for (const sql of [
      "INSERT INTO patients VALUES ('P-99999', 'Nobody', '2000-01-01')",
      "UPDATE patients SET name = 'Nobody'",
      'DELETE FROM allergies',
      'WITH gone AS (DELETE FROM allergies RETURNING *) SELECT count(*) FROM gone',
      'CREATE TABLE mine (id int)',
      'CREATE TEMP TABLE mine (id int)',
      'DROP TABLE lab_results',
      'SELECT * INTO mine FROM patients',
      'SELECT * FROM patients FOR UPDATE',
    ])
      await assert.rejects(
        db.query(sql),
        (error: { code?: string }) => ['25006', '42501'].includes(error.code ?? ''),
        sql,
      );
    assert.deepEqual(await db.query(PATIENTS), [{ n: 48 }]);
  });

  test('accepts one statement, and resets its settings', async () => {
    await assert.rejects(db.query('SELECT 1; SELECT 2'), { code: '42601' });
    await db.query("SELECT set_config('search_path', 'nowhere', false)");
    assert.deepEqual(await db.query(PATIENTS), [{ n: 48 }]);
    await db.query("SELECT set_config('default_transaction_read_only', 'off', false)");
    await assert.rejects(db.query("UPDATE patients SET name = ''"));
  });

  test('reports what is wrong with a statement, with its code', async () => {
    await assert.rejects(db.query('SELECT nothing FROM patients'), { code: '42703', message: /nothing/ });
  });

  test('ends a query at the time limit, and answers the next', async () => {
    const [endless, next] = await Promise.allSettled([db.query(ENDLESS), db.query(PATIENTS)]);
    assert.equal(endless.status === 'rejected' && endless.reason.code, '57014');
    assert.deepEqual(next.status === 'fulfilled' && next.value, [{ n: 48 }]);
  });

  test('stops on abort, before and during a query', async () => {
    await assert.rejects(db.query(PATIENTS, [], AbortSignal.abort()), { name: 'AbortError' });
    const stop = new AbortController();
    const endless = db.query(ENDLESS, [], stop.signal);
    stop.abort();
    await assert.rejects(endless, { name: 'AbortError' });
    assert.deepEqual(await db.query(PATIENTS), [{ n: 48 }]);
  });

  test('passes values as parameters, whatever they contain', async () => {
    const name = `'; DROP TABLE patients; --`;
    assert.deepEqual(await db.query('SELECT id FROM patients WHERE name = $1', [name]), []);
  });
}
