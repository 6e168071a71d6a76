// `show`: what failed and where the time went, and the files that it writes.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { connect, type Holdfast } from '../../client/index.ts';
import { createWorker, type HoldfastWorker } from '../../worker/index.ts';
import { quietLogs } from '../support/quiet.ts';
import { serverAddress } from '../support/server.ts';
import { holdfast } from './command.ts';

const search = defineTool({
  name: 'search',
  description: 'Searches.',
  input: z.object({}),
  effect: 'read',
  run: () => 'nothing',
});
const pay = defineTool({
  name: 'pay_back',
  description: 'Pays.',
  input: z.object({}),
  effect: 'once',
  run: () => {
    throw new Error('the bank is closed');
  },
});
const agent = defineAgent({
  name: 'show-time',
  model: 'none',
  instructions: 'Search.',
  tools: [search, pay],
  offline: ({ turn }) =>
    turn <= 4 ? { calls: [{ tool: 'search' }] } : turn === 5 ? { calls: [{ tool: 'pay_back' }] } : 'Not paid.',
});

quietLogs();
let address: string;
let client: Holdfast;
let worker: HoldfastWorker;
let running: Promise<void>;
let dir: string;
let id: string;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-time-'));
  address = await serverAddress();
  client = await connect({ address, namespace: 'default' });
  worker = await createWorker({ agents: [agent], address, namespace: 'default', model: {} });
  running = worker.run();
  const handle = await client.start(agent.name, 'Refund 4711.');
  await handle.result();
  id = handle.workflowId;
});
after(async () => {
  worker.shutdown();
  await running;
  await client.close();
  await rm(dir, { recursive: true });
});

const show = (...args: string[]) => holdfast(['show', id, ...args, '--address', address]);

test('begins with what failed, folds repeated calls, and sums up where the time went', async () => {
  const { code, stdout, stderr } = await show();
  assert.equal(code, 0, stderr);
  const lines = stdout.split('\n');
  assert.match(lines[0] ?? '', /^Turn 5: call 5\.0 of pay_back failed.*: .*the bank is closed/);
  assert.match(stdout, /turns 1–4, model/);
  assert.equal(stdout.match(/same call × 4/g)?.length, 1);
  assert.match(stdout, /^Time: .*model \d+ % \(.* s\)/m);
});

test('prints the split, the critical path and the cost with --time', async () => {
  const { code, stdout, stderr } = await show('--time');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Where the time went: .* s$/m);
  assert.match(stdout, /^ {2}turn 6, model +.* s/m);
  assert.match(stdout, /^ {2}call 5\.0 +.* s {2}pay_back$/m);
  assert.match(stdout, /^ {2}model +[\d,]+ in +[\d,]+ out {2}offline\/show-time$/m);
});

test('has all of it in --json, and its causes add up to the whole', async () => {
  const { stdout } = await show('--json');
  const { time, criticalPath, costs, failure, durationMs, usage } = JSON.parse(stdout);
  const sum = Object.values<number>(time.byCause).reduce((a, b) => a + b, 0);
  assert.equal(sum, time.totalMs);
  assert.equal(time.totalMs, durationMs);
  assert.equal(time.parts.at(-1).to, time.to);
  assert.equal(criticalPath.length, 11);
  assert.equal(failure.call, '5.0');
  const tokens = costs.byTurn.reduce(
    (n: number, { cost }: { cost: { inputTokens: number } }) => n + cost.inputTokens,
    0,
  );
  assert.equal(tokens, usage.inputTokens);
});

test('writes a picture, a page and a report that only their owner can read', async () => {
  const [svg, html, markdown] = ['run.svg', 'run.html', 'run.md'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  const { code, stdout, stderr } = await show('--svg', svg, '--html', html, '--markdown', markdown);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '');
  assert.match(await readFile(svg, 'utf8'), /^<svg [\s\S]*same call × 4[\s\S]*<\/svg>\n$/);
  assert.match(await readFile(html, 'utf8'), /^<!doctype html>[\s\S]*<a href="#call-5\.0">/);
  assert.match(await readFile(markdown, 'utf8'), /^# Run [\s\S]*## Critical path/);
  for (const file of [svg, html, markdown]) assert.equal((await stat(file)).mode & 0o077, 0);
});

test('names the option of a file that cannot be written, or that is asked for with another view', async () => {
  const folder = await show('--html', dir);
  assert.notEqual(folder.code, 0);
  assert.match(folder.stderr, /cannot be written: it is a folder\. Choose another file with --html\./);
  const both = await show('--svg', join(dir, 'x.svg'), '--json');
  assert.notEqual(both.code, 0);
  assert.match(both.stderr, /--svg.*--json/);
});
