// A worker that cannot start says why, and leaves nothing open that keeps its process alive.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const SCRIPT = `
  import { defineAgent } from './activities/index.ts';
  import { createWorker } from './worker/index.ts';
  const agents = [defineAgent({ name: 'a', model: 'm', instructions: 'Do.' })];
  try { await createWorker({ agents, address: '127.0.0.1:1', model: {} }); } catch (error) { console.log(error.name + ': ' + error.message); }
`;

test('throws TemporalUnreachable without a server, and lets the process end', async () => {
  const cwd = new URL('../..', import.meta.url);
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
    cwd,
    timeout: 60_000,
  });
  assert.match(stdout, /^TemporalUnreachable: No Temporal server answers at 127\.0\.0\.1:1 /);
});
