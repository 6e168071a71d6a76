// `npm test` closes with what ran and what did not: the runner itself, on a small suite of each kind of end.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const RUN = fileURLToPath(new URL('./run.ts', import.meta.url));

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-tally-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** Runs a suite of one file with `npm test`'s runner. */
async function tallyOf(name: string, tests: string, env: NodeJS.ProcessEnv = {}) {
  const file = join(folder, `${name}.test.mjs`);
  await writeFile(file, `import { describe, test } from 'node:test';\n${tests}`);
  // Nothing here talks to a server. A runner inside a test would run nothing, if it knew where it is.
  const { NODE_TEST_CONTEXT: _, CI: __, ...rest } = process.env;
  const given = { ...rest, HOLDFAST_TEST_ADDRESS: 'none', ...env };
  return new Promise<{ exitCode: number; lines: string[]; last: string }>((ended) =>
    execFile(process.execPath, [RUN, file], { env: given }, (error, stdout) => {
      const lines = stdout.trim().split('\n');
      ended({ exitCode: error ? Number(error.code) : 0, lines, last: lines.at(-1)! });
    }),
  );
}

const PASSES = `test('adds', () => {});\n`;
const SKIPS = `
  test('on the moon', { skip: 'no moon' }, () => {});
  test('noticed late', (t) => t.skip('no sun'));
  test('for no reason', { skip: true }, () => {});
  describe('a suite', { skip: 'no stars' }, () => { test('one', () => {}); test('two', () => {}); });
  describe('a suite that runs', () => { test('inside', { skip: 'no air' }, () => {}); test('adds', () => {}); });\n`;

test('counts a skipped test apart from passed ones, with its reason', async () => {
  const { exitCode, lines, last } = await tallyOf('skips', PASSES + SKIPS);
  assert.equal(last, '2 passed, 0 failed, 5 skipped');
  assert.equal(exitCode, 0);
  assert.deepEqual(
    lines.filter((line) => line.startsWith('skipped: ')).map((line) => line.replace(/\(.*\)/, '(…)')),
    [
      'skipped: on the moon (…): no moon',
      'skipped: noticed late (…): no sun',
      'skipped: for no reason (…): no reason given',
      'skipped: a suite (…): no stars',
      'skipped: inside (…): no air',
    ],
  );
});

test('fails in CI because of a skip, and only there', async () => {
  const ci = { CI: 'true' };
  const skips = await tallyOf('ciSkips', PASSES + SKIPS, ci);
  assert.deepEqual(
    { exitCode: skips.exitCode, last: skips.last },
    { exitCode: 1, last: '2 passed, 0 failed, 5 skipped' },
  );
  const passes = await tallyOf('ciPasses', PASSES, ci);
  assert.deepEqual(
    { exitCode: passes.exitCode, last: passes.last },
    { exitCode: 0, last: '1 passed, 0 failed, 0 skipped' },
  );
});

test('counts a failed test once, and a suite that fails by itself', async () => {
  const { exitCode, last } = await tallyOf(
    'fails',
    `${PASSES}
    describe('outer', () => describe('inner', () => { test('fails', () => { throw new Error('no'); }); }));
    describe('broken', () => { throw new Error('no tests in here'); });\n`,
  );
  assert.deepEqual({ exitCode, last }, { exitCode: 1, last: '1 passed, 2 failed, 0 skipped' });
});

test('fails if everything was skipped', async () => {
  const { exitCode, last } = await tallyOf('nothing', SKIPS.replace(/test\('adds'.*?\);/, ''));
  assert.deepEqual({ exitCode, last }, { exitCode: 1, last: '0 passed, 0 failed, 5 skipped' });
});
