// A tool's effect decides what happens to its calls, however they end. The table is in docs/effects.md; killed workers are in
// test/durability/effects.test.ts.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { z } from 'zod';
import { defineTool, type ToolContext } from '../../../activities/index.ts';
import type { Script } from '../../../activities/testing/index.ts';
import type { RunHandle } from '../../../client/index.ts';
import { type Call, toolCalls } from '../../../core/read/run.ts';
import type { Effect } from '../../../core/types.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden } from '../../support/toolTexts.ts';
import { type Counter, counter, eventually, type Gate, gate } from '../../support/waits.ts';

const TOOLS: readonly (readonly [name: string, effect: Effect])[] = [
  ['look', 'read'],
  ['put', 'idempotent'],
  ['send', 'once'],
];
const UNKNOWN = 'it may or may not have happened: check before you do it again';

/** Tools of each effect, and what has happened in them, told apart by the name that a run gives them. */
function hands(run: (ctx: ToolContext, of: { gate: Gate; name: string }) => unknown, timeout = '30 s') {
  const starts = new Map<string, Counter>();
  const gates = new Map<string, Gate>();
  const keys = new Map<string, string[]>();
  const startsOf = (what: string) => of(starts, what, counter);
  const gateOf = (name: string) => of(gates, name, gate);
  const tools = TOOLS.map(([name, effect]) =>
    defineTool({
      name,
      description: 'Does something.',
      input: z.object({ name: z.string() }),
      effect,
      heartbeat: '1 s',
      // Both are text that defineTool parses.
      timeout: timeout as '30 s',
      ...(effect !== 'once' && { retry: { attempts: 2, initial: '1 ms' } }),
      run: ({ name: given }, ctx) => {
        of(keys, `${given} ${name}`, () => []).push(ctx.idempotencyKey);
        startsOf(`${given} ${name}`).add();
        return run(ctx, { gate: gateOf(given), name: given });
      },
    }),
  );
  return {
    tools,
    gateOf,
    startsOf,
    /** How often each of the three has started. */
    started: (name: string) => TOOLS.map(([tool]) => startsOf(`${name} ${tool}`).value),
    keysOf: (what: string) => keys.get(what) ?? [],
    allRunning: (name: string) => Promise.all(TOOLS.map(([tool]) => startsOf(`${name} ${tool}`).until(1))),
  };
}

function of<T>(map: Map<string, T>, name: string, make: () => T): T {
  const found = map.get(name) ?? make();
  map.set(name, found);
  return found;
}

/** One call of each, and one more that finds no place; the run's input names them. */
const callsEach: Script = ({ turn, input }) =>
  turn === 1
    ? { calls: ['look', 'put', 'send', 'send'].map((tool) => ({ tool, arguments: { name: input } })) }
    : 'Done.';

const essence = ({ tool, ok, kind, attempts }: Call) => [tool, ok ? 'ok' : kind, attempts];
const errorOf = ({ text }: Call): string => JSON.parse(text ?? '').error;

endToEnd('in flight', (bench) => {
  const waiting = hands(async ({ signal }, { gate: { opened } }) => {
    await Promise.race([
      opened,
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ]);
    return 'done';
  });
  const agent = bench.agent({ tools: waiting.tools, parallel: 3, script: callsEach });
  const start = async (name: string) => {
    const handle = await bench.holdfast.start(agent.name, name, { id: `${name}-${randomUUID()}` });
    await waiting.allRunning(name);
    return handle;
  };
  const ended = async (handle: RunHandle) => {
    await handle.result();
    const { run, result } = await bench.finished(handle.workflowId);
    return { calls: toolCalls(run), status: result.status };
  };
  const stopped = [
    ['look', 'cancelled', 1],
    ['put', 'cancelled', 1],
    ['send', 'outcome_unknown', 1],
  ];

  test('cancel: read and idempotent calls are cancelled, a once call is unknown', async () => {
    const name = `cancel ${bench.mode}`;
    const handle = await start(name);
    await handle.cancel();
    const { calls, status } = await ended(handle);
    assert.deepEqual(calls.map(essence), [...stopped, ['send', 'cancelled', 0]]);
    assert.equal(errorOf(calls[2]!), `stopped while it ran; ${UNKNOWN}`);
    assert.equal(errorOf(calls[3]!), 'cancelled before it started');
    assert.deepEqual({ status, started: waiting.started(name) }, { status: 'cancelled', started: [1, 1, 1] });
  });

  test('interrupt: the same, and the run continues', async () => {
    const name = `interrupt ${bench.mode}`;
    const handle = await start(name);
    await handle.interrupt('Leave it.');
    const { calls, status } = await ended(handle);
    assert.deepEqual(calls.map(essence), [...stopped, ['send', 'cancelled', 0]]);
    assert.equal(errorOf(calls[3]!), 'interrupted before it started');
    assert.deepEqual({ status, started: waiting.started(name) }, { status: 'completed', started: [1, 1, 1] });
  });

  test('cancelCall: settles each call by its effect, without a retry', async () => {
    const name = `cancelCall ${bench.mode}`;
    const handle = await start(name);
    // The queued one first: it would start when the next ends.
    for (const call of ['1.3', '1.0', '1.1', '1.2']) await handle.cancelCall(call);
    const { calls, status } = await ended(handle);
    assert.deepEqual(calls.map(essence), [...stopped, ['send', 'cancelled', 0]]);
    assert.deepEqual({ status, started: waiting.started(name) }, { status: 'completed', started: [1, 1, 1] });
  });

  test('stop: running calls finish, and queued ones do not start', async () => {
    const name = `stop ${bench.mode}`;
    const handle = await start(name);
    await handle.stop();
    waiting.gateOf(name).open();
    const { calls, status } = await ended(handle);
    assert.deepEqual(calls.map(essence), [
      ['look', 'ok', 1],
      ['put', 'ok', 1],
      ['send', 'ok', 1],
      ['send', 'cancelled', 0],
    ]);
    assert.deepEqual({ status, started: waiting.started(name) }, { status: 'stopped', started: [1, 1, 1] });
  });

  const hanging = hands(() => new Promise(() => {}), '500 ms');
  const late = bench.agent({ tools: hanging.tools, script: callsEach });
  test('timeout: retries read and idempotent calls, a once call is unknown', async () => {
    const name = `late ${bench.mode}`;
    const { run } = await bench.run(late, name, golden(bench.cached, 'effects-timeout'));
    const calls = toolCalls(run);
    assert.deepEqual(calls.map(essence), [
      ['look', 'timeout', 2],
      ['put', 'timeout', 2],
      ['send', 'outcome_unknown', 1],
      ['send', 'outcome_unknown', 1],
    ]);
    assert.equal(errorOf(calls[2]!), `timed out after 500 milliseconds; ${UNKNOWN}`);
    for (const [tool, times] of [
      ['look', 1],
      ['put', 1],
      ['send', 2],
    ] as const)
      assert.equal(new Set(hanging.keysOf(`${name} ${tool}`)).size, times, `${tool}: a key for each call`);
  });

  const failing = hands(() => {
    throw new Error('no');
  });
  const failed = bench.agent({ tools: failing.tools, script: callsEach });
  test('error: a once call that throws has failed, and is not unknown', async () => {
    const name = `thrown ${bench.mode}`;
    const { run } = await bench.run(failed, name);
    assert.deepEqual(toolCalls(run).map(essence), [
      ['look', 'failed', 2],
      ['put', 'failed', 2],
      ['send', 'failed', 1],
      ['send', 'failed', 1],
    ]);
  });
});

/** The tool has run, and nobody learns of it. */
const loseResult: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(call, next) {
      const result = await next(call);
      if (info.activityType === 'send' && info.attempt === 1) throw new Error('the result was lost');
      return result;
    },
  },
});

endToEnd(
  'a once call whose attempts somebody raised by hand',
  (bench) => {
    const sending = hands((_, { gate: { opened } }) => opened.then(() => 'sent'));
    const agent = bench.agent({
      tools: sending.tools,
      script: ({ turn, input: name }) => (turn === 1 ? { calls: [{ tool: 'send', arguments: { name } }] } : 'Done.'),
    });
    test('does not run a second time, and is unknown', async () => {
      const name = `raised ${bench.mode}`;
      const id = `raised-${randomUUID()}`;
      await bench.holdfast.start(agent.name, name, { id });
      await sending.startsOf(`${name} send`).until(1);
      await bench.holdfast.client.workflowService.updateActivityOptions({
        namespace: 'default',
        execution: { workflowId: id },
        id: '1.0',
        activityOptions: { retryPolicy: { maximumAttempts: 3 } },
        updateMask: { paths: ['retry_policy.maximum_attempts'] },
      });
      sending.gateOf(name).open();
      const { run, result } = await bench.finished(id);
      const [call] = toolCalls(run);
      assert.deepEqual(
        { status: result.status, started: sending.started(name), call: essence(call!), error: errorOf(call!) },
        {
          status: 'completed',
          started: [0, 0, 1],
          call: ['send', 'outcome_unknown', 2],
          error: `an earlier attempt may have run it; ${UNKNOWN}`,
        },
      );
    });
  },
  { temporal: { interceptors: { activity: [loseResult] } } },
);

const tooMuch: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(call, next) {
      const result = await next(call);
      // More than the server takes of a payload: what the host returns never is.
      // Noise, since what can be compressed travels compressed.
      const noise = () => ({ text: randomBytes(2_500_000).toString('base64') });
      return TOOLS.some(([name]) => name === info.activityType) ? noise() : result;
    },
  },
});

endToEnd(
  'a result that the server does not take',
  (bench) => {
    const quick = hands(() => 'done');
    const agent = bench.agent({ tools: quick.tools, script: callsEach });
    test('is a failure, and unknown for a once call', async () => {
      const name = `too much ${bench.mode}`;
      const { run, result } = await bench.run(agent, name);
      assert.equal(result.status, 'completed');
      const [look, put, ...sends] = toolCalls(run).map(({ kind }) => kind);
      assert.deepEqual({ look, put }, { look: 'failed', put: 'failed' });
      assert.deepEqual(sends, ['outcome_unknown', 'outcome_unknown']);
      assert.deepEqual(quick.started(name)[2], 2);
    });
  },
  { temporal: { interceptors: { activity: [tooMuch] } } },
);

endToEnd(
  'a call that no worker takes',
  (bench) => {
    const held = hands((_, { gate: { opened } }) => opened.then(() => 'done'));
    const agent = bench.agent({
      tools: held.tools,
      parallel: 6,
      script: ({ turn, input: name }) =>
        turn === 1 ? { calls: [...TOOLS, ...TOOLS].map(([tool]) => ({ tool, arguments: { name } })) } : 'Done.',
    });
    test('does not run, which a once call reports, and waits a day at most', async () => {
      const name = `queued ${bench.mode}`;
      const { id = name } = golden(bench.cached, 'effects-never-started');
      const handle = await bench.holdfast.start(agent.name, name, { id });
      await eventually(async () => held.started(name).some((times) => times === 1));
      const { workflowService } = bench.holdfast.client;
      const { pendingActivities } = (await handle.describe()).raw;
      const waiting = pendingActivities?.filter(({ lastStartedTime }) => !lastStartedTime) ?? [];
      assert.equal(waiting.length, 5, 'the worker has one place');
      for (const { activityId } of waiting)
        await workflowService.updateActivityOptions({
          namespace: 'default',
          execution: { workflowId: id },
          id: activityId ?? '',
          activityOptions: { scheduleToStartTimeout: { seconds: 1 as never } },
          updateMask: { paths: ['schedule_to_start_timeout'] },
        });
      const calls = async () => toolCalls(await handle.read());
      await eventually(async () => (await calls()).filter(({ ok }) => ok === false).length === 5);
      held.gateOf(name).open();
      await handle.result();
      const { run, result } = await bench.finished(id);
      assert.equal(result.status, 'completed');
      assert.equal(
        held.started(name).reduce((sum, times) => sum + times, 0),
        1,
      );
      const lost = toolCalls(run).filter(({ ok }) => !ok);
      assert.deepEqual(new Set(lost.map(({ tool }) => tool)), new Set(TOOLS.map(([tool]) => tool)));
      const why = 'no worker started the call within 24 hours';
      // Of a call that is tried again, an attempt before may have run.
      for (const call of lost)
        assert.deepEqual(
          { kind: call.kind, error: errorOf(call) },
          { kind: 'timeout', error: call.tool === 'send' ? `did not run: ${why}` : why },
        );
    });
  },
  { temporal: { maxConcurrentActivityTaskExecutions: 1, maxEagerActivityReservationsPerWorkflowTask: 0 } },
);
