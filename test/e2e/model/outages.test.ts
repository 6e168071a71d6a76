// An outage of the model's provider is waited out. Meanwhile the run can be steered, paused and stopped, and its limits hold.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { Script, ScriptedAnswer } from '../../../activities/testing/index.ts';
import type { RunEvent, RunHandle } from '../../../client/index.ts';
import { MODEL_CALL } from '../../../core/limits.ts';
import { endToEnd } from '../../support/bench.ts';
import { eventually } from '../../support/waits.ts';

/** Retried soon, so that a test waits only where the run does. */
const busy: ScriptedAnswer = { fault: 'status', status: 503, headers: { 'retry-after-ms': '1' } };

endToEnd('an outage of the model', (bench) => {
  const work = defineTool({
    name: 'work',
    description: 'Works.',
    input: z.object({}),
    effect: 'read',
    run: () => 'worked',
  });

  /** Refuses so many requests from the given turn on. */
  const down = (requests: number, fromTurn = 1): Script => {
    let refused = 0;
    return ({ turn, messages }) => {
      if (turn >= fromTurn && refused < requests) {
        refused += 1;
        return busy;
      }
      return turn < fromTurn ? { calls: [{ tool: 'work' }] } : `Done: ${messages.at(-1)?.content}`;
    };
  };

  async function unavailable(handle: RunHandle): Promise<RunEvent> {
    for await (const event of handle.events()) if (event.type === 'model_unavailable') return event;
    throw new Error('It was never unavailable.');
  }

  const brief = bench.agent({ modelOutage: '1 h', script: down(MODEL_CALL.attempts) });
  test('is waited out, in the same turn', async () => {
    const handle = await bench.holdfast.start(brief.name, 'Go.');
    const event = await unavailable(handle);
    assert.deepEqual(
      { type: event.type, turn: 'turn' in event && event.turn, error: 'error' in event && /503/.test(event.error) },
      { type: 'model_unavailable', turn: 1, error: true },
    );
    const { run, result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      {
        status: result.status,
        output: result.output,
        turns: result.turns,
        requests: bench.model.countRequests(brief.name),
      },
      { status: 'completed', output: 'Done: Go.', turns: 1, requests: MODEL_CALL.attempts + 1 },
    );
    assert.deepEqual(
      run.turns.map(({ turn, attempts, error }) => ({ turn, attempts, error })),
      [{ turn: 1, attempts: MODEL_CALL.attempts + 1, error: null }],
    );
  });

  const long = bench.agent({ modelOutage: '20 s', script: down(1_000) });
  test('ends the run once it has lasted too long', async () => {
    const { run, result } = await bench.run(long);
    const { reasonCode, reasonParameters } = result;
    assert.deepEqual(
      { status: result.status, reasonCode, requests: bench.model.countRequests(long.name) },
      { status: 'model_failed', reasonCode: 'model_unavailable', requests: MODEL_CALL.attempts + 1 },
    );
    assert.match(result.reason ?? '', /503.* The model could not be called for \d+(\.\d+)? seconds\.$/);
    assert.ok(Number(Object(reasonParameters).forMs) >= 10_000);
    assert.equal(run.reasonCode, 'model_unavailable');
  });

  const stopped = bench.agent({ modelOutage: '1 h', tools: [work], script: down(1_000, 2) });
  test('ends at once if the run is stopped', async () => {
    const handle = await bench.holdfast.start(stopped.name, 'Go.');
    await unavailable(handle);
    await handle.stop({ by: 'ann' });
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, requests: bench.model.countRequests(stopped.name) },
      { status: 'stopped', requests: 1 + MODEL_CALL.attempts },
    );
  });

  const limited = bench.agent({
    endsVary: true,
    modelOutage: '1 h',
    timeLimit: '3 s',
    tools: [work],
    script: down(1_000, 2),
  });
  const thrifty = bench.agent({
    endsVary: true,
    modelOutage: '1 h',
    budget: { activeTime: '3 s' },
    tools: [work],
    script: down(1_000, 2),
  });
  test('ends the run at its limits of time', async () => {
    const [byLimit, byBudget] = await Promise.all([bench.run(limited), bench.run(thrifty)]);
    assert.deepEqual(
      { byLimit: byLimit.result.status, byBudget: byBudget.result.status },
      { byLimit: 'time_limit', byBudget: 'budget' },
    );
  });

  const steered = bench.agent({ modelOutage: '1 h', script: down(MODEL_CALL.attempts) });
  test('is ended sooner by a message', async () => {
    const handle = await bench.holdfast.start(steered.name, 'Go.');
    await unavailable(handle);
    await handle.steer('Try now.');
    const { run, result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, output: result.output, userMessages: run.turns.map(({ userMessages }) => userMessages) },
      { status: 'completed', output: 'Done: Try now.', userMessages: [['Go.', 'Try now.']] },
    );
  });

  const paused = bench.agent({ modelOutage: '1 h', script: down(MODEL_CALL.attempts) });
  test('calls nothing while the run is paused', async () => {
    const handle = await bench.holdfast.start(paused.name, 'Go.');
    await unavailable(handle);
    await handle.pause();
    await eventually(async () => (await handle.read()).paused !== null);
    assert.equal(bench.model.countRequests(paused.name), MODEL_CALL.attempts);
    await handle.resume();
    assert.equal((await bench.finished(handle.workflowId)).result.output, 'Done: Go.');
  });

  const wrong = bench.agent({ modelOutage: '1 h', script: () => ({ fault: 'status', status: 400 }) });
  test("is no fault of the request's, which fails at once", async () => {
    const { result } = await bench.run(wrong);
    assert.deepEqual(
      { status: result.status, reasonCode: result.reasonCode, requests: bench.model.countRequests(wrong.name) },
      { status: 'model_failed', reasonCode: 'model_error', requests: 1 },
    );
  });
});
