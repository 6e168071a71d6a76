// `npm run example:refunds` works from start to end, and leaves nothing behind.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('runs, decides, kills, recovers and counts a night of refunds', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-example-'));
  const own = join(folder, 'tmp');
  await mkdir(own);
  // A server and a database that are named are somebody's: it must not look at them.
  const env = {
    ...process.env,
    TMPDIR: own,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    DATABASE_URL: 'postgres://127.0.0.1:1/x',
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['cli/examples/refunds.ts'], { cwd: root, env });
  const said = stdout.replace(/\n {4}/g, ' ');

  assert.match(said, /The model and the person are scripts/);
  assert.match(said, /Schedule refunds-nightly: 0 2 \* \* \* UTC/);
  assert.match(said, /refunds: refund_order × 9/);
  assert.equal(said.match(/Mira Falk \(a script\) is asked: Refund /g)?.length, 4);
  for (const line of [
    /O-1003 is being paid: .* kill -9 \d+/,
    /The worker is dead\. The ledger has \d payments?, O-1003 1 time\./,
    /A new worker is up/,
    /approve\. The coat is back and unworn\./,
    /edit: pay 300\.00\. The bulbs were kept\./,
    /reject\. The serial number/,
    /O-1006 open: approval timed out: nobody decided within \d+ (seconds|minute)/,
    /O-1003 {2}due {3}249\.00 {2}ledger {3}249\.00 {2}✓/,
    /O-1004 {2}due {3}300\.00 {2}ledger {3}300\.00 {2}✓/,
    /O-1005 {2}due rejected {2}ledger rejected {2}✓/,
    /O-1003: pay_refund ran 2 times because its worker was killed, and paid 1 time\./,
    /Spent, with all sub-agents: \d{1,3},\d{3} of 500,000 tokens, .* of 200 model calls/,
    /✓ The ledger is exact: 5 payments, 625\.81 in all\./,
  ])
    assert.match(said, line);
  assert.doesNotMatch(said, /✗/);
  assert.deepEqual(await readdir(own), [], 'its database went with it');
  await rm(folder, { recursive: true });
});
