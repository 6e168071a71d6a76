// `fork` and `diff`, and what `show` and `list` say of forks.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { connect, type Holdfast } from '../../client/index.ts';
import { createWorker, type HoldfastWorker } from '../../worker/index.ts';
import { quietLogs } from '../support/quiet.ts';
import { serverAddress } from '../support/server.ts';
import { eventually } from '../support/waits.ts';
import { holdfast } from './command.ts';

const tool = (name: string, effect: 'read' | 'once') =>
  defineTool({ name, description: 'Does it.', input: z.object({}), effect, run: () => `${name} is done` });
const refunder = defineAgent({
  name: 'fork-refunder',
  model: 'none',
  instructions: 'Refund.',
  tools: [tool('check', 'read'), tool('pay_back', 'once')],
  offline: ({ turn, messages }) =>
    turn === 1
      ? { calls: [{ tool: 'check' }] }
      : turn === 2
        ? { calls: [{ tool: 'pay_back' }] }
        : `${messages[0]?.content} ${messages.findLast(({ role }) => role === 'tool')?.content}`,
});

quietLogs();
let address: string;
let client: Holdfast;
let worker: HoldfastWorker;
let running: Promise<void>;
let dir: string;
let id: string;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-forks-'));
  address = await serverAddress();
  client = await connect({ address, namespace: 'default' });
  worker = await createWorker({ agents: [refunder], address, namespace: 'default', model: {} });
  running = worker.run();
  const handle = await client.start(refunder.name, 'Refund 4711.');
  await handle.result();
  id = handle.workflowId;
});
after(async () => {
  worker.shutdown();
  await running;
  await client.close();
  await rm(dir, { recursive: true });
});

const run = (...args: string[]) => holdfast([...args, '--address', address]);

async function forked(...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('fork', id, ...options);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Started as a fork of .* Follow it: .* watch /);
  return stdout.trim();
}

test('starts a fork whose effects wait, and names it and its original', async () => {
  const fork = await forked('--turn', '2', '--edit-result', '1.0={"ok":false}', '--message', 'Hurry.');
  assert.ok(fork.startsWith(`${id}-fork-`));
  const waiting = await eventually(async () => {
    const { stdout } = await run('approvals', fork);
    return stdout.includes('pay_back') && stdout;
  });
  assert.match(waiting.replaceAll(/\s+/g, ' '), /belongs to a fork of .* effect once: it could happen a second time/);
  assert.equal((await run('approve', fork)).code, 0);
  await client.get(fork).result();
  const shown = await run('show', fork);
  assert.match(shown.stdout.replaceAll(/\s+/g, ' '), new RegExp(`Fork of ${id} at turn 2: calls with an effect wait`));
  assert.match(shown.stdout, new RegExp(`turn 1 \\(1 call\\): of ${id}`));
  assert.match(shown.stdout, /> Hurry\./);
  const { fork: of, earlier } = JSON.parse((await run('show', fork, '--json')).stdout);
  assert.deepEqual([of.of.workflowId, of.of.turn, of.effects], [id, 2, 'ask']);
  assert.deepEqual(earlier, { turns: 1, calls: 1, failedCalls: 0 });

  const original = await eventually(async () => {
    const { stdout } = await run('show', id);
    return stdout.includes('Forks:') && stdout;
  });
  assert.match(original.replaceAll(/\s+/g, ' '), new RegExp(`Forks:.* ${fork} \\(turn 2\\)`));
  assert.match((await run('list', '--agent', refunder.name)).stdout, new RegExp(`fork of ${id}, turn 2`));
});

test('shows where a fork and its original part, and what each took', async () => {
  const instructions = join(dir, 'instructions.md');
  await writeFile(instructions, 'Refund in haste.');
  const options = ['--turn', '3', '--instructions', instructions, '--drop-tool', 'check', '--effects', 'block'];
  const fork = await forked(...options, '--id', `fork-${id}`);
  assert.equal(fork, `fork-${id}`);
  assert.equal((await client.get(fork).result()).output, 'Refund in haste. pay_back is done');
  const { code, stdout } = await run('diff', id, fork);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^At turn 3, the request differs in its instructions:\n {2}A: Refund\.\n {2}B: Refund in haste\.\n/,
  );
  assert.match(stdout, /from turn 3:\n {2}turns +1 +1\n/);

  const file = join(dir, 'run.json');
  await run('export', id, '--output', file);
  const same = await run('diff', id, file, '--json');
  assert.equal(same.code, 0);
  const { difference, runs } = JSON.parse(same.stdout);
  assert.equal(difference, null);
  assert.deepEqual(runs[0], runs[1]);
  const again = await client.start(refunder.name, 'Refund 4712.');
  await again.result();
  const other = await run('diff', file, again.workflowId);
  assert.match(
    other.stdout,
    /^The runs were started with another input:\n {2}A: Refund 4711\.\n {2}B: Refund 4712\.\n/,
  );
});

test('refuses what is not there, with one sentence and the exit code of a usage error', async () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['fork', id], /--turn/],
    [['fork', id, '--turn', '0'], /whole number/],
    [['fork', id, '--turn', '9'], /which has turns 1 to 3/],
    [['fork', 'nobody', '--turn', '1'], /There is no run "nobody"/],
    [['fork', id, '--turn', '2', '--effects', 'all'], /ask, block, live/],
    [['fork', id, '--turn', '2', '--edit-result', '1.0'], /expected a call id and JSON/],
    [['fork', id, '--turn', '2', '--edit-result', '1.0=no'], /the result is no JSON/],
    [['fork', id, '--turn', '2', '--edit-result', '2.0=1'], /has no call 2\.0 before turn 2/],
    [['fork', id, '--turn', '2', '--drop-tool', 'chekc'], /Did you mean check\?/],
    [['fork', id, '--turn', '2', '--instructions', join(dir, 'none.md')], /none\.md cannot be read/],
    [['fork', id, '--turn', '2', '--message', ' '], /message is empty/],
    [['fork', id, '--turn', '2', '--model', ''], /model is empty/],
    [['fork', id, '--turn', '2', '--id', id], /already\. Choose another id/],
    [['diff', id, 'nobody'], /There is no run "nobody"/],
    [['diff', id, join(dir, 'none.json')], /There is no file/],
    [['diff', id, dir], /is a folder/],
  ];
  const ended = await Promise.all(wrong.map(async ([args, says]) => ({ args, says, ...(await run(...args)) })));
  for (const { args, says, code, stdout, stderr } of ended) {
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    assert.equal(stdout, '');
    assert.match(stderr, says, args.join(' '));
  }
});
