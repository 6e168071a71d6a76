// A worker may forget everything: without its cache, after a restart, and with a wrong cache, the model is sent the run's own
// transcript, or nothing.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { Script } from '../../../activities/testing/index.ts';
import { FAILURE, MODEL_ACTIVITY } from '../../../core/names.ts';
import type { History } from '../../../core/read/history.ts';
import type { ModelCallInput } from '../../../core/types.ts';
import { createWorker } from '../../../worker/index.ts';
import { type Bench, endToEnd } from '../../support/bench.ts';
import { lastSent, sentTo } from '../../support/sent.ts';
import { conversation, golden } from '../../support/toolTexts.ts';
import { counter, eventually, gate } from '../../support/waits.ts';

const KB = 1024;

const fetch = defineTool({
  name: 'fetch',
  description: 'Fetches a text.',
  input: z.object({ bytes: z.number().default(100) }),
  effect: 'read',
  run: ({ bytes }) => '.'.repeat(bytes),
});

/** Two calls a turn, and in the third as many as fit no payload together. */
const turns =
  (n: number): Script =>
  ({ turn }) => {
    if (turn > n) return 'Done.';
    const [count, bytes] = turn === 3 ? [12, 50 * KB] : [2, 500];
    return { calls: Array.from({ length: count }, () => ({ tool: 'fetch', arguments: { bytes } })) };
  };

/** Runs several at once, and compares what the model was sent with what was said. */
async function sendsAll(bench: Bench, agent: Parameters<Bench['run']>[0], inputs: readonly string[]): Promise<void> {
  const done = await Promise.all(inputs.map((input) => bench.run(agent, input)));
  for (const { run, result } of done) {
    assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'completed', turns: 7 });
    assert.deepEqual(lastSent(bench, agent, run), conversation(run).slice(0, -1));
  }
}

for (const [what, bytes] of [
  ['off', 0],
  ['too small for all of them', 8 * KB],
] as const)
  endToEnd(
    `a cache that is ${what}`,
    (bench) => {
      const agent = bench.agent({ tools: [fetch], parallel: 12, script: turns(6) });
      test('sends the model the whole transcript in each of four concurrent runs', () =>
        sendsAll(bench, agent, ['one', 'two', 'three', 'four']));

      const linked = bench.agent({ tools: [fetch], maxHistoryEvents: 40, maxTurns: 30, script: turns(2) });
      test('sends it whole after continue-as-new, and over the messages of a session', async () => {
        const handle = await bench.holdfast.start(linked.name, 'first', { session: true });
        for (const text of ['second', 'third', 'fourth']) await handle.send(text);
        await handle.close();
        await handle.result();
        const { run, history } = await bench.finished(handle.workflowId);
        assert.ok(history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId);
        assert.deepEqual(lastSent(bench, linked, run), conversation(run).slice(0, -1));
      });
    },
    { transcriptCacheBytes: bytes },
  );

endToEnd('a worker that is stopped between two turns', (bench) => {
  const started = counter();
  const proceed = gate();
  const waits = defineTool({
    name: 'waits',
    description: 'Waits for the test.',
    input: z.object({}),
    effect: 'idempotent',
    run: async (_, { attempt }) => {
      started.add();
      await proceed.opened;
      return `attempt ${attempt}`;
    },
  });
  const agent = bench.agent({
    tools: [waits, fetch],
    script: [{ text: 'First.', calls: [{ tool: 'fetch' }] }, { calls: [{ tool: 'waits' }] }, 'Done.'],
  });
  // Two workers on one task queue, which in memory has one.
  bench.onServer('leaves the transcript to the next worker, which queries it', async () => {
    const taskQueue = `test-${randomUUID()}`;
    const worker = () =>
      createWorker({
        agents: [agent],
        address: bench.address,
        namespace: 'default',
        taskQueue,
        model: { apiKey: 'offline', baseURL: bench.model.baseURL },
        temporal: bench.cached ? {} : { maxCachedWorkflows: 0 },
      });
    const first = await worker();
    const firstRuns = first.run();
    const workflowId = randomUUID();
    await bench.holdfast.client.workflow.start('agent', {
      taskQueue,
      workflowId,
      args: [{ agent: agent.name, input: workflowId }],
    });
    await started.until(1);
    first.shutdown();
    // It is leaving, and lets the call finish: what comes of it, the next one has to take up.
    await eventually(async () => first.worker.getState() !== 'RUNNING');
    proceed.open();
    await firstRuns;
    const second = await worker();
    const secondRuns = second.run();
    try {
      const { result, run } = await bench.finished(workflowId);
      assert.deepEqual(
        { status: result.status, turns: result.turns, failedCalls: result.failedCalls },
        { status: 'completed', turns: 3, failedCalls: 0 },
      );
      assert.deepEqual(lastSent(bench, agent, run), conversation(run).slice(0, -1));
    } finally {
      second.shutdown();
      await secondRuns;
    }
  });
});

/** Gives model calls another digest than the workflow's: what is cached and what the workflow says fit neither. */
const tampers: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    execute(call, next) {
      const input = call.args[0] as ModelCallInput;
      const times = Number(/^tampered_(\d+)/.exec(input.agent)?.[1] ?? 0);
      if (info.activityType !== MODEL_ACTIVITY || input.turn < 2 || info.attempt > times) return next(call);
      const known = { ...input.known, digest: 'other' };
      return next({ ...call, args: [{ ...input, known }] });
    },
  },
});

endToEnd(
  'a digest that does not match',
  (bench) => {
    const script = [{ calls: [{ tool: 'fetch' }] }, 'Done.'];
    const once = bench.agent({ name: 'tampered_1', tools: [fetch], script });
    test('costs an attempt without a model call, and is repaired by the next', async () => {
      const { result, run, history } = await bench.run(once, 'Go.', golden(bench.cached, 'digest-healed'));
      assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'completed', turns: 2 });
      assert.equal(sentTo(bench, once).length, 2);
      assert.deepEqual(
        run.turns.map(({ attempts }) => attempts),
        [1, 2],
      );
      const [failure] = lastFailures(history);
      assert.equal(failure?.type, FAILURE.transcriptMismatch);
      assert.match(failure.message, /do not match its digest\. Nothing was sent to the model\.$/);
      assert.deepEqual(lastSent(bench, once, run), conversation(run).slice(0, -1));
    });

    const always = bench.agent({ name: 'tampered_9', tools: [fetch], script });
    test('ends the run with the reason if it persists', async () => {
      const { result } = await bench.run(always);
      assert.deepEqual(
        { status: result.status, turns: result.turns, calls: result.calls },
        { status: 'model_failed', turns: 2, calls: 1 },
      );
      assert.match(
        result.reason ?? '',
        /^The first 2 messages of the transcript that the workflow returned do not match/,
      );
      assert.equal(sentTo(bench, always).length, 1);
    });
  },
  { temporal: { interceptors: { activity: [tampers] } } },
);

/** What the attempts before the last failed with, from what history keeps of it. */
function lastFailures({ events }: History): { type: string; message: string }[] {
  return (events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) => {
    const { lastFailure } = (started ?? {}) as {
      lastFailure?: { message: string; applicationFailureInfo?: { type?: string } } | null;
    };
    return lastFailure ? [{ type: lastFailure.applicationFailureInfo?.type ?? '', message: lastFailure.message }] : [];
  });
}
