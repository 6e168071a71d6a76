// Tools of MCP servers in reruns and in tests of recordings: no server is started unless a tool of it is called.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Agent, defineAgent, mcp } from '../../activities/index.ts';
import {
  playRecording,
  type Recording,
  recordingOf,
  recordTest,
  rerun,
  testAgent,
} from '../../worker/testing/index.ts';
import { quietLogs } from '../support/quiet.ts';
import { eventually } from '../support/waits.ts';

quietLogs();

const SUMS = fileURLToPath(new URL('../support/mcpServer.ts', import.meta.url));
const TASKS = fileURLToPath(new URL('../support/taskServer.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'holdfast-rerun-mcp-'));
after(() => rm(folder, { recursive: true }));
const CALLS = join(folder, 'calls');
const lines = (file: string) => readFile(file, 'utf8').then((text) => text.split('\n').slice(0, -1));

/** `args`: what the server is; one that does not start would end a worker. */
const sums = (args: readonly string[] = [SUMS], name = 'sums') =>
  defineAgent({
    name,
    model: 'gpt-5',
    instructions: 'Add.',
    tools: [mcp({ name, command: process.execPath, args, env: { CALLS }, effect: 'read', prefix: 'my_' })],
  });
const BROKEN = ['-e', 'process.exit(1)'];

async function record(agent: Agent): Promise<Recording> {
  await using lab = await testAgent(agent, {
    script: [{ calls: [{ tool: 'my_add', arguments: { a: 1, b: 2 } }] }, 'Three.'],
  });
  const run = await lab.start('Add 1 and 2.');
  assert.equal((await run.result()).status, 'completed');
  return JSON.parse(JSON.stringify(recordingOf(...(await run.histories()))));
}

test('plays the tools of an MCP server without the server, and calls those that are live', async () => {
  const recording = await record(sums());
  assert.equal((await lines(CALLS)).length, 1);
  const options = { model: 'recorded', parallel: 1 } as const;
  const [played] = await rerun([recording], { ...options, agents: [sums(BROKEN)] });
  assert.deepEqual({ ok: played?.ok, stopped: played?.stopped }, { ok: true, stopped: null });
  assert.equal((await lines(CALLS)).length, 1);

  // The server of an agent that has no part in it does not start.
  const agents = [sums(), sums(BROKEN, 'other')];
  const [read] = await rerun([recording], { ...options, agents, reads: true });
  assert.deepEqual([read?.ok, (await lines(CALLS)).length], [true, 2]);
  const [named] = await rerun([recording], { ...options, agents, live: new Set(['my_add']) });
  assert.deepEqual([named?.ok, (await lines(CALLS)).length], [true, 3]);
});

test('writes a test that needs no MCP server, and lists the tools of one that were not called', async () => {
  const recording = await record(sums());
  const written = await recordTest(recording, {
    agents: [sums(BROKEN)],
    module: './agents.ts',
    recordingFile: './a.recording.json',
  });
  assert.ok(written.manifest.unseen.includes('my_die'), written.manifest.unseen.join());
  assert.ok(!written.manifest.unseen.includes('my_add'));
  const { calls, changedRequests } = await playRecording([sums(BROKEN)], JSON.parse(written.recording));
  assert.deepEqual([calls[0]?.ok, changedRequests], [true, []]);
});

test('cancels no task of a server when a run that cancelled one is played', async () => {
  const agent = defineAgent({
    name: 'tasks',
    model: 'gpt-5',
    instructions: 'Work.',
    whenAllToolsFail: 'continue',
    tools: [mcp({ name: 'tasks', command: process.execPath, args: [TASKS], env: { FOLDER: folder }, effect: 'once' })],
  });
  const log = join(folder, 'log');
  let recording: Recording;
  {
    await using lab = await testAgent(agent, {
      script: [{ calls: [{ tool: 'work', arguments: { ms: 600_000 } }] }, 'Done.'],
    });
    const run = await lab.start('Work.');
    const isLogged = (what: RegExp) => eventually(async () => what.test(await readFile(log, 'utf8').catch(() => '')));
    await isLogged(/^get work-/m);
    await run.cancelCall('1.0');
    assert.equal((await run.result()).status, 'completed');
    await isLogged(/^cancel work-/m);
    recording = JSON.parse(JSON.stringify(recordingOf(...(await run.histories()))));
  }
  const before = await lines(log);
  const [result] = await rerun([recording], { agents: [agent], model: 'recorded', parallel: 1 });
  assert.deepEqual(
    { ok: result?.ok, difference: result?.difference, stopped: result?.stopped },
    { ok: true, difference: null, stopped: null },
  );
  assert.deepEqual(await lines(log), before);
});
