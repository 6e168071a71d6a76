// A cancelled run stops at once, settles every call as far as it is known, and returns its results.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool, type ToolContext } from '../../../activities/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import type { Effect } from '../../../core/types.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';
import { counter } from '../../support/waits.ts';

const CANCELED = 4;

endToEnd('cancelling', (bench) => {
  const started = counter();
  const told = counter();

  function tool(name: string, effect: Effect, run: (ctx: ToolContext) => unknown) {
    return defineTool({
      name,
      description: 'Waits.',
      input: z.object({}),
      effect,
      heartbeat: '1 s',
      run: (_, ctx) => run(ctx),
    });
  }
  const wait = (ctx: ToolContext) => {
    started.add();
    ctx.signal.addEventListener('abort', () => told.add(), { once: true });
    return new Promise(() => {});
  };
  const deaf = tool('deaf', 'read', wait);
  const sends = tool('sends', 'once', wait);
  const listens = tool('listens', 'idempotent', async ({ signal }) => {
    started.add();
    await once(signal, 'abort');
    told.add();
    throw signal.reason;
  });
  const quick = tool('quick', 'read', () => 'done before');
  const never = tool('never', 'once', () => started.add(1_000));

  const batch = bench.agent({
    tools: [deaf, sends, listens, quick, never],
    parallel: 4,
    script: [
      {
        text: 'So far.',
        calls: ['quick', 'deaf', 'sends', 'listens', 'deaf', 'never'].map((name) => ({ tool: name })),
      },
    ],
  });
  test('settles each call of a batch by its state, without waiting for deaf tools', async () => {
    const id = golden(bench.cached, 'cancelled').id ?? 'cancelled-replaying';
    const handle = await bench.holdfast.start(batch.name, 'Go.', { id });
    await started.until(4);
    await handle.cancel();
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      {
        status: result.status,
        output: result.output,
        calls: result.calls,
        failedCalls: result.failedCalls,
        turns: result.turns,
      },
      { status: 'cancelled', output: 'So far.', calls: 6, failedCalls: 5, turns: 1 },
    );
    assert.equal((await handle.describe()).status.code, CANCELED);
    const failure = (name: string, kind: string, error: string) => JSON.stringify({ error, tool: name, kind });
    assert.deepEqual(toolTexts(run), [
      'done before',
      failure('deaf', 'cancelled', 'cancelled'),
      failure(
        'sends',
        'outcome_unknown',
        'stopped while it ran; it may or may not have happened: check before you do it again',
      ),
      failure('listens', 'cancelled', 'cancelled'),
      failure('deaf', 'cancelled', 'cancelled'),
      failure('never', 'cancelled', 'cancelled before it started'),
    ]);
    await told.until(4);
    assert.equal(started.value, 4);
    assert.deepEqual(
      toolCalls(run).map(({ attempts }) => attempts),
      [1, 1, 1, 1, 1, 0],
    );
  });

  const modelHangs = bench.agent({ tools: [quick], script: [{ calls: [{ tool: 'quick' }] }, { fault: 'hang' }] });
  test('aborts the model call, and keeps the results so far', async () => {
    const handle = await bench.holdfast.start(modelHangs.name, 'Go.');
    const asked = (state: string) => (requests: typeof bench.model.requests) =>
      requests.some((request) => request.agent === modelHangs.name && request.turn === 2 && request.state === state);
    await bench.model.until(asked('open'));
    await handle.cancel();
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, turns: result.turns, calls: result.calls, failedCalls: result.failedCalls },
      { status: 'cancelled', turns: 2, calls: 1, failedCalls: 0 },
    );
    await bench.model.until(asked('left'));
  });

  const retries = bench.agent({
    tools: [
      defineTool({
        name: 'fails',
        description: 'Fails, and is tried again in a minute.',
        input: z.object({}),
        effect: 'read',
        retry: { initial: '60 s', max: '60 s' },
        run: () => {
          failed.add();
          throw new Error('not yet');
        },
      }),
    ],
    script: [{ calls: [{ tool: 'fails' }] }],
  });
  const failed = counter();
  test('does not wait for a retry back-off', async () => {
    const handle = await bench.holdfast.start(retries.name, 'Go.');
    await failed.until(1);
    await handle.cancel();
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, calls: result.calls, failed: failed.value },
      { status: 'cancelled', calls: 1, failed: 1 },
    );
  });

  const finished = bench.agent({ script: ['Done.'] });
  test('changes nothing in a run that is over', async () => {
    const { run } = await bench.run(finished);
    const handle = bench.holdfast.get(run.workflowId);
    await handle.cancel().catch(() => {});
    assert.equal((await handle.result()).status, 'completed');
  });
});
