// Effects in forks: those of the original do not happen again unless somebody says so, whatever kind of tool has them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { asTool, defineTool, external, handoff, mcp } from '../../../activities/index.ts';
import type { RunHandle } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked, inboxOf } from '../../support/people.ts';
import { eventually } from '../../support/waits.ts';

const folder = await mkdtemp(join(tmpdir(), 'holdfast-effects-'));
const file = join(folder, 'effects');
const sums = fileURLToPath(new URL('../../support/mcpServer.ts', import.meta.url));
const queue = `effects-${randomUUID()}`;
const plant = (what: string) => appendFile(file, `${what}\n`).then(() => `planted ${what}`);

/** What has happened since, in no order. */
async function planted(): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .flatMap((line) => line.split(' ').slice(0, 1))
    .filter(Boolean)
    .sort();
}

async function forget(): Promise<void> {
  await rm(file, { force: true });
}

let last: Promise<unknown> = Promise.resolve();
/** Tests count effects in one file, so they take turns. */
function alone(name: string, body: () => Promise<void>): void {
  test(name, () => {
    const mine = last.then(forget).then(body);
    last = mine.catch(() => undefined);
    return mine;
  });
}

after(() => rm(folder, { recursive: true }));

const input = z.object({});
const tool = (name: string, effect: 'read' | 'idempotent' | 'once', options: object = {}) =>
  defineTool({ name, description: 'Plants an effect.', input, effect, run: () => plant(name), ...options } as never);

endToEnd('effects in forks', (bench) => {
  before(() => bench.worker({ taskQueue: queue, activities: { queued: () => plant('queued') } }));

  const reads = tool('reads', 'read');
  const below = bench.agent({
    tools: [reads, tool('below_once', 'once')],
    script: ({ turn }) => (turn === 1 ? { calls: [{ tool: 'reads' }, { tool: 'below_once' }] } : 'Below is done.'),
  });
  const next = bench.agent({
    tools: [tool('next_once', 'once')],
    script: ({ results }) =>
      results.some(({ tool: name }) => name === 'next_once') ? 'All done.' : { calls: [{ tool: 'next_once' }] },
  });
  const threaded = defineTool({
    name: 'threaded',
    description: 'Plants an effect.',
    input: z.object({ file: z.string(), what: z.string() }),
    effect: 'idempotent',
    thread: new URL('../../support/threads/plant.ts', import.meta.url),
  });
  const queued = defineTool({ name: 'queued', description: 'Plants.', input, effect: 'once', queue });
  const server = mcp({ name: 'sums', command: process.execPath, args: [sums], env: { CALLS: file }, effect: 'once' });
  const all = bench.agent({
    tools: [
      reads,
      tool('idempotent', 'idempotent'),
      tool('once', 'once'),
      tool('approved', 'once', { approval: () => ({ ask: 'Really?' }) }),
      threaded,
      queued,
      server,
      external({ name: 'outside', description: 'Is done outside.', input }),
      asTool(below, { name: 'below', description: 'Plants below.' }),
      handoff(next, { name: 'pass_on', description: 'Passes it on.' }),
    ],
    parallel: 20,
    script: ({ turn }) =>
      turn === 1
        ? {
            calls: [
              { tool: 'reads' },
              { tool: 'idempotent' },
              { tool: 'once' },
              { tool: 'approved' },
              { tool: 'threaded', arguments: { file, what: 'threaded' } },
              { tool: 'queued' },
              { tool: 'add', arguments: { a: 1, b: 2 } },
              { tool: 'outside' },
              { tool: 'below', arguments: { input: 'Go.' } },
            ],
          }
        : turn === 2
          ? { calls: [{ tool: 'pass_on' }] }
          : 'Not reached.',
  });
  const HELD = ['add', 'approved', 'idempotent', 'once', 'outside', 'queued', 'threaded'];

  async function original(): Promise<RunHandle> {
    const handle = await bench.holdfast.start(all.name, 'Go.');
    for (const { call, external: isOutside } of await asked(handle, 2))
      await (isOutside ? handle.respond(call, 'done outside') : handle.approve(call));
    assert.equal((await handle.result()).output, 'All done.');
    return handle;
  }

  alone('happen only once a person has approved them', async () => {
    const run = await original();
    const happened = await planted();
    assert.deepEqual(happened, [
      ...['add', 'approved', 'below_once', 'idempotent', 'next_once', 'once', 'queued', 'reads', 'reads', 'threaded'],
    ]);
    const forked = () => planted().then((now) => now.length - happened.length);

    const fork = await run.fork({ turn: 1 });
    const pending = await asked(fork, HELD.length);
    assert.deepEqual(pending.map(({ tool: name }) => name).sort(), HELD);
    for (const { because } of pending) assert.equal(because?.code, 'fork_asks');
    assert.equal(pending.find(({ tool: name }) => name === 'approved')?.question, 'Really?');
    const [child] = await eventually(async () => {
      const inbox = await inboxOf(bench.holdfast, `${fork.workflowId}.1.8`);
      return inbox.length === 1 && inbox;
    });
    assert.deepEqual(
      child!.questions.map((question) => question.kind === 'approval' && question.tool),
      ['below_once'],
    );
    // The reads of the run and of its sub-agent, and nothing else.
    await eventually(async () => (await forked()) === 2);

    const [first] = pending.filter(({ tool: name }) => name === 'once');
    await fork.approve(first!.call);
    await eventually(async () => (await forked()) === 3);
    for (const { call, tool: name } of pending) if (name !== 'once') await fork.reject(call, { why: 'no more' });
    await bench.holdfast.get(`${fork.workflowId}.1.8`).reject('1.1');
    // The agent that gets the conversation is held as well.
    const [ofNext] = await asked(fork);
    assert.equal(ofNext!.tool, 'next_once');
    await fork.reject(ofNext!.call);
    assert.equal((await bench.finished(fork.workflowId)).result.output, 'All done.');
    assert.equal(await forked(), 3);
    assert.deepEqual(
      (await run.forks()).map(({ workflowId, turn }) => [workflowId, turn]),
      [[fork.workflowId, 1]],
    );
  });

  alone('do not happen where they are blocked', async () => {
    const run = await original();
    const before = (await planted()).length;
    const fork = await run.fork({ turn: 1, effects: 'block' });
    const { run: read } = await bench.finished(fork.workflowId);
    assert.equal(read.output, 'All done.');
    const blocked = toolCalls(read).filter(({ reason }) => reason?.code === 'fork_blocks');
    assert.deepEqual(blocked.map(({ tool: name }) => name).sort(), [...HELD, 'next_once'].sort());
    const { run: child } = await bench.finished(`${fork.workflowId}.1.8`);
    assert.deepEqual(
      toolCalls(child).map(({ tool: name, ok, reason }) => [name, ok, reason?.code ?? null]),
      [
        ['reads', true, null],
        ['below_once', false, 'fork_blocks'],
      ],
    );
    assert.equal((await planted()).length - before, 2);
  });

  alone('happen as the agent says where they are live', async () => {
    const run = await original();
    const happened = await planted();
    const fork = await run.fork({ turn: 2, effects: 'live' });
    await bench.finished(fork.workflowId);
    assert.deepEqual(await planted(), [...happened, 'next_once'].sort());
  });
});
