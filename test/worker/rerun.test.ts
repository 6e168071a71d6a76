// Recorded runs, played again: nothing happens that the record has, and what it does not have is named.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { type Agent, asTool, defineAgent, defineTool, external } from '../../activities/index.ts';
import type { Script } from '../../activities/testing/index.ts';
import { type Recording, recordingOf, rerun, testAgent } from '../../worker/testing/index.ts';
import { quietLogs } from '../support/quiet.ts';

quietLogs();

const happened: string[] = [];

const tool = (name: string, effect: 'read' | 'idempotent' | 'once') =>
  defineTool({
    name,
    description: name,
    input: z.object({ order: z.number() }),
    effect,
    run: ({ order }) => {
      happened.push(name);
      return { [name]: order };
    },
  });

const clerk = defineAgent({
  name: 'clerk',
  model: 'gpt-5',
  instructions: 'Help.',
  tools: [tool('file_away', 'idempotent')],
});

const refunds = (options: object = {}) =>
  defineAgent({
    name: 'refunds',
    model: 'gpt-5',
    instructions: 'Refund.',
    tools: [
      tool('get_order', 'read'),
      tool('refund', 'idempotent'),
      tool('send_letter', 'once'),
      external({
        name: 'sign',
        description: 'Signs.',
        input: z.object({ order: z.number() }),
        effect: 'once',
      } as never),
      asTool(clerk, { name: 'ask_clerk', description: 'Asks the clerk.' }),
    ],
    approvals: { refund: 'always' },
    ...options,
  });

const call = (name: string, order: number) => ({ tool: name, arguments: { order } });

const script = (order: number): Script => [
  { calls: [call('get_order', order)] },
  { calls: [call('refund', order), call('send_letter', order), call('sign', order)] },
  { calls: [{ tool: 'ask_clerk', arguments: { input: `File ${order}.` } }] },
  `Order ${order} is refunded.`,
];

/** Runs the agent, with a person who decides, and returns what is recorded. */
async function record(agent: Agent, order: number): Promise<Recording> {
  const clerks: Script = [{ calls: [call('file_away', order)] }, 'Filed.'];
  await using lab = await testAgent(agent, { script: { refunds: script(order), clerk: clerks } });
  const run = await lab.start(`Refund ${order}`, { id: `order-${order}` });
  for (const question of await run.waiting())
    if (question.kind === 'approval')
      await (question.external ? run.respond(question.call, 'signed') : run.approve(question.call, { by: 'ann' }));
  assert.equal((await run.result()).status, 'completed');
  return recordingOf(...(await run.histories()));
}

describe('rerun', () => {
  test('plays runs from their record, and nothing happens', async () => {
    const recordings = [await record(refunds(), 1), await record(refunds(), 2)];
    assert.deepEqual(happened.splice(0).sort(), [
      'file_away',
      'file_away',
      'get_order',
      'get_order',
      'refund',
      'refund',
      'send_letter',
      'send_letter',
    ]);
    const results = await rerun(JSON.parse(JSON.stringify(recordings)), {
      agents: [refunds()],
      model: 'recorded',
      times: 3,
    });
    assert.deepEqual(
      results.map(({ workflowId, time, ok, difference, stopped }) => ({ workflowId, time, ok, difference, stopped })),
      [1, 2].flatMap((order) =>
        [1, 2, 3].map((time) => ({ workflowId: `order-${order}`, time, ok: true, difference: null, stopped: null })),
      ),
    );
    const [{ before, after }] = results as [(typeof results)[number]];
    assert.deepEqual({ ...after, cost: 0 }, { ...before, cost: 0 });
    assert.deepEqual(happened, []);
  });

  test('calls what only reads if that is allowed, and what is named', async () => {
    const recording = await record(refunds(), 3);
    happened.length = 0;
    const options = { agents: [refunds()], model: 'recorded' as const, parallel: 1 };
    const [read] = await rerun([recording], { ...options, reads: true });
    assert.deepEqual({ ok: read?.ok, happened: happened.splice(0) }, { ok: true, happened: ['get_order'] });
    await rerun([recording], { ...options, live: new Set(['refund']) });
    assert.deepEqual(happened.splice(0), ['refund']);
  });

  test('stops where the record has no call, and names the nearest one', async () => {
    const recording = await record(refunds(), 4);
    happened.length = 0;
    const answers = recording.answers.map((answer, at) =>
      at === 0 ? { ...answer, calls: [{ tool: 'get_order', arguments: '{"order":5}', id: 'x' }] } : answer,
    );
    const [result] = await rerun([{ ...recording, answers }], { agents: [refunds()], model: 'recorded', parallel: 1 });
    assert.deepEqual(
      { ok: result?.ok, stopped: result?.stopped, happened },
      {
        ok: false,
        stopped: {
          kind: 'call',
          call: '1.0',
          tool: 'get_order',
          arguments: { order: 5 },
          nearest: { call: '1.0', arguments: { order: 4 } },
        },
        happened: [],
      },
    );
  });

  test('finds what a changed agent does otherwise', async () => {
    const recording = await record(refunds(), 6);
    const strict = refunds({ permissions: { deny: [{ tool: 'send_letter', reason: 'no letters' }] } });
    const [result] = await rerun([recording], { agents: [strict], model: 'recorded', parallel: 1 });
    assert.deepEqual(
      { ok: result?.ok, what: result?.difference?.what, call: result?.difference?.call },
      { ok: false, what: 'result', call: '2.1' },
    );
    assert.match(String(result?.difference?.after), /no letters/);
  });

  test('stops for a person whose decision the record does not have', async () => {
    const recording = await record(refunds(), 7);
    const [result] = await rerun([recording], {
      agents: [refunds({ approvals: { get_order: 'always' } })],
      model: 'recorded',
      parallel: 1,
    });
    assert.deepEqual(result?.stopped, { kind: 'decision', call: '1.0', tool: 'get_order' });
  });
});
