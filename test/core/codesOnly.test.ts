// No code reads English: with codes in place of the texts of all reasons, the read model and the command line behave the same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const FILES = [
  'test/core/readRun.test.ts',
  'test/core/budget.test.ts',
  'test/core/warnings.test.ts',
  'test/cli/showRun.test.ts',
  'test/cli/lines.test.ts',
  'test/cli/compaction.test.ts',
  'test/cli/text.test.ts',
];

function withCodes(...args: readonly string[]) {
  // A test runner of its own, not a part of this one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return promisify(execFile)(process.execPath, ['--import', './test/support/codesOnly.ts', ...args], {
    cwd: root,
    env: { ...env, HOLDFAST_TEST_CODES: '1' },
    maxBuffer: 1e8,
  });
}

test('passes the read model and command line tests with codes for texts', async () => {
  const { stdout } = await withCodes('--test', ...FILES).catch((error: { stdout: string }) => error);
  assert.match(stdout, /^ℹ fail 0$/m, stdout.slice(-4_000));
  const passed = Number(/^ℹ pass (\d+)$/m.exec(stdout)?.[1]);
  assert.ok(passed > 20, `${passed} tests passed`);
});

test('agrees between reader and workflow without any texts', async () => {
  const { stdout } = await withCodes('test/simulation/codes.ts');
  assert.equal(stdout.trim(), '300 seeds played');
});
