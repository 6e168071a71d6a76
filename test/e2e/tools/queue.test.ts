// Tools on a queue of their own, which any Temporal worker serves. Here it is one of TypeScript that knows nothing of Holdfast; a
// worker of Python serves the one in docs/tools.md.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { RawValue } from '@temporalio/common';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';
import { gate } from '../../support/waits.ts';

const queue = `elsewhere-${randomUUID()}`;
const input = z.object({ n: z.number(), unit: z.string().default('cm') });

const seen: { tool: string; args: unknown; context: Record<string, unknown>; attempt: number }[] = [];
const returns: Record<string, unknown> = {
  text: 'twelve inches',
  object: { inches: 12, of: ['a', null] },
  nothing: undefined,
  long: 'x'.repeat(100_000),
  // Half a character, which a model API would refuse.
  half: 'twelve \ud83d',
  // What a worker of Python makes of a number that is none, and of bytes.
  number: RawValue.fromPayload({ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{"a":NaN}') }),
  bytes: Buffer.from('null'),
};
let stuck = gate();

function activities() {
  const note = (args: unknown, context: Record<string, unknown>) => {
    const { activityType: tool, attempt } = Context.current().info;
    seen.push({ tool, args, context, attempt });
    return { tool, attempt };
  };
  return {
    ...Object.fromEntries(
      Object.entries(returns).map(([name, value]) => [
        name,
        async (args: unknown, context: Record<string, unknown>) => {
          note(args, context);
          return value;
        },
      ]),
    ),
    async flaky(args: unknown, context: Record<string, unknown>) {
      if (note(args, context).attempt < 3) throw new Error('not yet');
      return 'at last';
    },
    async refuses() {
      throw ApplicationFailure.nonRetryable('there is no patient 7', 'NoPatient');
    },
    async once(args: unknown, context: Record<string, unknown>) {
      note(args, context);
      throw new RangeError('too far');
    },
    async dumps() {
      throw ApplicationFailure.nonRetryable('x'.repeat(500_000), 'Dump');
    },
    async hangs() {
      await stuck.opened;
    },
  };
}

const tool = (name: string, options: Partial<{ effect: 'read' | 'once'; timeout: string; queue: string }> = {}) =>
  defineTool({ name, description: 'Is elsewhere.', input, effect: 'read', queue, ...options } as never);

endToEnd('tools on a queue of their own', (bench) => {
  before(() => bench.worker({ taskQueue: queue, activities: activities() }));

  const names = Object.keys(returns);
  const all = bench.agent({
    tools: names.map((name) => tool(name)),
    script: ({ turn }) =>
      turn === 1 ? { calls: names.map((name) => ({ tool: name, arguments: { n: 30 } })) } : 'Done.',
  });
  test('get the arguments as an object, and return whatever JSON they like', async () => {
    const { run } = await bench.run(all);
    const [text, object, nothing, long, half, ...bad] = toolTexts(run);
    assert.deepEqual([text, object, nothing], ['twelve inches', '{"inches":12,"of":["a",null]}', 'null']);
    assert.match(long!, /^x+\n\[cut: the first [\d,]+ bytes of 100,000 bytes\]$/);
    assert.equal(half, 'twelve \ufffd');
    for (const one of bad) assert.match(one, /its result is not JSON/);
    const call = seen.find(
      ({ tool: name, context }) => name === 'object' && String(context['idempotencyKey']).startsWith(run.workflowId),
    );
    const { idempotencyKey, callId, ...context } = call!.context;
    // As the model wrote them: the default is the schema's of TypeScript.
    assert.deepEqual(
      { args: call!.args, context },
      { args: { n: 30 }, context: { agent: all.name, turn: 1, slot: 1 } },
    );
    assert.equal(callId, run.turns[0]?.calls[1]?.callId);
    assert.match(String(idempotencyKey), new RegExp(`^${run.workflowId}/`));
    const { events } = await bench.holdfast.client.workflow.getHandle(run.workflowId).fetchHistory();
    const queues = events?.flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
      names.includes(scheduled?.activityType?.name ?? '') ? [scheduled?.taskQueue?.name] : [],
    );
    assert.deepEqual(
      queues,
      names.map(() => queue),
    );
  });

  const failing = bench.agent({
    tools: [
      tool('flaky'),
      tool('refuses'),
      tool('once', { effect: 'once' }),
      tool('hangs', { timeout: '1 s' }),
      tool('dumps'),
      tool('text'),
    ],
    script: ({ turn }) =>
      turn === 1
        ? {
            calls: [
              ...['flaky', 'refuses', 'once', 'hangs', 'dumps'].map((name) => ({ tool: name, arguments: { n: 1 } })),
              { tool: 'text', arguments: { n: 'one' } },
            ],
          }
        : 'Done.',
  });
  test('are retried by their policy, and what goes wrong there is told to the model', async () => {
    stuck = gate();
    const { run } = await bench.run(failing, 'Go.', golden(bench.cached, 'queue-failing'));
    stuck.open();
    const calls = run.turns[0]!.calls.map(({ ok, kind, attempts }) => ({ ok, kind, attempts }));
    assert.deepEqual(calls, [
      { ok: true, kind: null, attempts: 3 },
      { ok: false, kind: 'failed', attempts: 1 },
      { ok: false, kind: 'failed', attempts: 1 },
      { ok: false, kind: 'timeout', attempts: 3 },
      { ok: false, kind: 'failed', attempts: 1 },
      { ok: false, kind: 'invalid_arguments', attempts: 0 },
    ]);
    const texts = toolTexts(run);
    assert.match(texts[1]!, /there is no patient 7/);
    assert.match(texts[2]!, /too far/);
    assert.match(texts[3]!, /timed out after 1 second/);
    assert.match(texts[4]!, /^\{"error":"x+… \[cut: the first [\d,]+ of 500,000 characters\]/);
    assert.ok(texts[4]!.length < 10_000);
  });
});

test('refuses what only a worker of its own could do', () => {
  const wrong: [object, RegExp][] = [
    [{ run: () => 1 }, /set one of run, thread and queue/],
    [{ queue: '' }, /queue must be a task queue/],
    [{ queue: undefined }, /set one of run, thread and queue/],
    [{ present: 'list' }, /present is for tools that this worker runs/],
    [{ workerParallel: 2 }, /workerParallel is for tools that this worker runs/],
  ];
  for (const [options, message] of wrong) assert.throws(() => tool('x', options), message, JSON.stringify(options));
});
