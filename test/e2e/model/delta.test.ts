// The model is sent the whole transcript every time, and history grows only by what is new.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { Script } from '../../../activities/testing/index.ts';
import { MODEL_ACTIVITY, WORKFLOW_TYPE } from '../../../core/names.ts';
import { firstJson, type History } from '../../../core/read/history.ts';
import type { ModelCallInput } from '../../../core/types.ts';
import { createWorker } from '../../../worker/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { lastSent, sentTo } from '../../support/sent.ts';
import { conversation, golden } from '../../support/toolTexts.ts';

const KB = 1024;

const fetch = defineTool({
  name: 'fetch',
  description: 'Fetches a text.',
  input: z.object({ n: z.number(), bytes: z.number().default(100) }),
  effect: 'read',
  run: ({ n, bytes }) => `${n} `.padEnd(bytes, '.'),
});

function modelInputs(history: History): ModelCallInput[] {
  return (history.events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
    scheduled?.activityType?.name === MODEL_ACTIVITY ? [firstJson(scheduled.input) as ModelCallInput] : [],
  );
}

const turns =
  (n: number, calls: (turn: number) => number, bytes?: number): Script =>
  ({ turn }) =>
    turn <= n
      ? {
          text: `Turn ${turn}.`,
          calls: Array.from({ length: calls(turn) }, (_, i) => ({ tool: 'fetch', arguments: { n: i, bytes } })),
        }
      : 'Done.';

endToEnd('the transcript', (bench) => {
  const usual = bench.agent({ tools: [fetch], script: turns(5, (turn) => turn) });
  test('reaches the model whole, and history once per message', async () => {
    const { run, history } = await bench.run(usual, 'Go.', golden(bench.cached, 'five-turns'));
    const sent = sentTo(bench, usual);
    assert.equal(sent.length, 6);
    const all = conversation(run);
    for (const [i, [system, ...messages]] of sent.entries()) {
      assert.deepEqual(system, { role: 'system', content: `You are ${usual.name}.` });
      const answers = messages.filter(({ role }) => role === 'assistant').length;
      assert.equal(answers, i);
      assert.deepEqual(messages, all.slice(0, messages.length));
    }
    assert.deepEqual(sent.at(-1)?.slice(1), all.slice(0, -1));

    const inputs = modelInputs(history);
    const fresh = inputs.flatMap((input) => input.fresh ?? []);
    assert.deepEqual(
      fresh,
      all.filter(({ role }) => role !== 'assistant'),
    );
    for (const input of inputs) assert.equal(input.known.length + (input.fresh?.length ?? 0), input.length);
  });

  const large = bench.agent({ tools: [fetch], parallel: 50, script: turns(1, () => 50, 60 * KB) });
  test('is queried in pages if 50 results of 60 kB do not fit a payload', async () => {
    const { result, run, history } = await bench.run(large);
    assert.deepEqual(
      { status: result.status, calls: result.calls, failedCalls: result.failedCalls },
      { status: 'completed', calls: 50, failedCalls: 0 },
    );
    assert.equal(modelInputs(history)[1]?.fresh, null);
    assert.deepEqual(sentTo(bench, large).at(-1)?.slice(1), conversation(run).slice(0, -1));
  });

  const shared = bench.agent({ tools: [fetch], script: turns(3, () => 1) });
  test('does not mix between two concurrent runs of an agent', async () => {
    const inputs = ['one', 'two', 'three'];
    const done = await Promise.all(inputs.map((input) => bench.run(shared, input)));
    for (const [i, { run }] of done.entries()) {
      assert.equal(run.input, inputs[i]);
      assert.deepEqual(lastSent(bench, shared, run), conversation(run).slice(0, -1));
    }
  });

  const handedOver = bench.agent({ tools: [fetch], script: turns(8, () => 2) });
  // In memory, a task queue has one worker.
  bench.onServer('reaches a worker that has never seen the run by query', async () => {
    // Two workers share a queue, and each has seen only those model calls of a run that the server dealt to it.
    const taskQueue = `test-${randomUUID()}`;
    const workers = await Promise.all(
      ['one', 'two'].map((identity) =>
        createWorker({
          agents: [handedOver],
          address: bench.address,
          namespace: 'default',
          taskQueue,
          model: { apiKey: 'offline', baseURL: bench.model.baseURL },
          temporal: {
            identity,
            // An eager start would stay with the worker that has the workflow.
            maxEagerActivityReservationsPerWorkflowTask: 0,
            ...(!bench.cached && { maxCachedWorkflows: 0 }),
          },
        }),
      ),
    );
    const running = workers.map((worker) => worker.run());
    try {
      const ids = Array.from({ length: 4 }, () => randomUUID());
      for (const workflowId of ids)
        await bench.holdfast.client.workflow.start(WORKFLOW_TYPE, {
          taskQueue,
          workflowId,
          args: [{ agent: handedOver.name, input: workflowId }],
        });
      const done = await Promise.all(ids.map((id) => bench.finished(id)));
      for (const { result, run } of done) {
        assert.deepEqual(
          { status: result.status, turns: result.turns, calls: result.calls },
          { status: 'completed', turns: 9, calls: 16 },
        );
        assert.deepEqual(lastSent(bench, handedOver, run), conversation(run).slice(0, -1));
      }
      assert.ok(done.some(({ history }) => modelWorkers(history).size === 2));
    } finally {
      for (const { worker } of workers) worker.shutdown();
      await Promise.all(running);
    }
  });
});

/** Who took the model calls of a run. */
function modelWorkers(history: History): Set<string> {
  const model = new Set<string>();
  const workers = new Set<string>();
  for (const { eventId, activityTaskScheduledEventAttributes: scheduled, ...event } of history.events ?? []) {
    if (scheduled?.activityType?.name === MODEL_ACTIVITY) model.add(String(eventId));
    // Our own type of an event leaves out what the engine does not read.
    const started = event.activityTaskStartedEventAttributes as {
      scheduledEventId?: unknown;
      identity?: string;
    } | null;
    if (started?.identity && model.has(String(started.scheduledEventId))) workers.add(started.identity);
  }
  return workers;
}
