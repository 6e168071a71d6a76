// `npm run example:transfers` works from start to end on either database, and leaves nothing behind.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { noPostgres, startPostgres } from '../support/postgres.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Plays it in a temporary folder of its own; gives what it said, without the breaks of its lines. */
async function playIn(folder: string, ...args: string[]): Promise<string> {
  // A server and a database that are named are somebody's: it must not look at them.
  const env = {
    ...process.env,
    TMPDIR: folder,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    DATABASE_URL: 'postgres://127.0.0.1:1/x',
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['cli/examples/transfers.ts', ...args], {
    cwd: root,
    env,
  });
  return stdout.replace(/\n {4}/g, ' ');
}

function assertExact(said: string): void {
  for (const line of [
    /The transfer to A-03 is committed, but the tool has not returned\. kill -9 \d+/,
    /The worker is dead\. The ledger has \d bookings?, A-03 1 time\./,
    /A-03 wages +4,100\.00 {2}✓ {2}booked 1 time, 2 attempts/,
    /A-07 reserve +5,600\.00 {2}✓ {2}booked 1 time, [12] attempts?/,
    /Sum of all accounts: 18,687\.30 before, 18,687\.30 now\./,
    /Report: 5 transfers, 8,849\.70\./,
    /✓ The ledger is exact/,
  ])
    assert.match(said, line);
  assert.doesNotMatch(said, /✗/);
}

test('keeps the embedded ledger exact after a kill between commit and result', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-example-'));
  const own = join(folder, 'tmp');
  await mkdir(own);
  assertExact(await playIn(own));
  assert.deepEqual(await readdir(own), [], 'its database went with it');
  await rm(folder, { recursive: true });
});

test('keeps a PostgreSQL ledger exact, and plays it once', { skip: noPostgres }, async () => {
  const postgres = await startPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-example-'));
  try {
    assertExact(await playIn(folder, '--database-url', postgres.url));
    const again = playIn(folder, '--database-url', postgres.url);
    await assert.rejects(
      again,
      /already has the results of an earlier run\. Drop its schema "transfers" and try again/,
    );
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true });
  }
});
