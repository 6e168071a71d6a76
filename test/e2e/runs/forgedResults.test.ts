// Anybody who can reach the server can complete an activity by hand. What is not its result is a failure, and a made-up plan runs
// nothing that the rules do not allow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { RunHandle } from '../../../client/index.ts';
import { firstJson } from '../../../core/read/history.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { failedTasks } from '../../support/people.ts';
import { counter, eventually, gate } from '../../support/waits.ts';

endToEnd('an activity that is completed by hand', (bench) => {
  const { opened, open } = gate();
  const wait = defineTool({
    name: 'wait',
    description: 'Waits.',
    input: z.object({}),
    effect: 'read',
    run: () => opened,
  });

  async function complete({ workflowId }: RunHandle, activityId: string, result: unknown): Promise<void> {
    await eventually(async () => {
      const { raw } = await bench.holdfast.get(workflowId).describe();
      return raw.pendingActivities?.some((activity) => activity.activityId === activityId);
    });
    await bench.holdfast.client.activity.complete({ workflowId, activityId }, result);
  }

  const waiter = bench.agent({
    parallel: 10,
    tools: [wait],
    script: ({ results }) => (results.length > 0 ? 'Done.' : { calls: STRANGE.map(() => ({ tool: 'wait' })) }),
  });
  const STRANGE = [null, 5, 'text', [], {}, { text: 5 }];
  test('with something else than the result of a tool: the call has failed', async () => {
    const handle = await bench.holdfast.start(waiter.name, 'Go.');
    for (const [slot, result] of STRANGE.entries()) await complete(handle, `1.${slot}`, result);
    const { run, result, history } = await bench.finished(handle.workflowId);
    open();
    assert.deepEqual(
      { status: result.status, failedCalls: result.failedCalls, failedTasks: failedTasks(history) },
      { status: 'completed', failedCalls: STRANGE.length, failedTasks: [] },
    );
    for (const { kind, text } of toolCalls(run)) {
      assert.equal(kind, 'failed');
      assert.match(text ?? '', /completed with something else than its result/);
    }
  });

  const silent = bench.agent({ tools: [wait], script: () => ({ fault: 'hang' }) });
  const answer = {
    message: { role: 'assistant', content: null, tool_calls: [] },
    kind: 'calls',
    plan: [],
    mark: { length: 2, digest: 'x' },
    model: 'm',
    usage: { inputTokens: 1, outputTokens: 1, cachedTokens: 0 },
  };
  for (const [what, result] of Object.entries({
    null: null,
    'a number': 5,
    'half an answer': { message: answer.message },
    'a plan for another number of calls': { ...answer, plan: [{ digest: 'x' }] },
    'an agent without policies': {
      ...answer,
      agent: { digest: 'x', instructions: '', rules: {}, policies: { wait: {} } },
    },
  }))
    test(`with something else than an answer of the model, ${what}: the run ends`, async () => {
      const handle = await bench.holdfast.start(silent.name, 'Go.');
      await complete(handle, '1.model', result);
      const ended = await bench.finished(handle.workflowId);
      assert.deepEqual(
        { status: ended.result.status, code: ended.result.reasonCode, failedTasks: failedTasks(ended.history) },
        { status: 'model_failed', code: 'model_error', failedTasks: [] },
      );
      assert.match(ended.result.reason ?? '', /completed with something else than its result/);
    });

  const paid = counter();
  const paying = (approval: 'always' | 'never') =>
    defineTool({
      name: 'pay',
      description: 'Pays.',
      input: z.object({ to: z.string() }),
      effect: 'once',
      approval,
      run({ to }) {
        paid.add();
        return `paid ${to}`;
      },
    });
  const plan = { calls: [{ tool: 'pay', arguments: { to: 'eve' } }] };
  const trusting = bench.agent({ tools: [paying('never')], script: [plan, 'Done.'] });
  const hangs = ({ turn }: { readonly turn: number }) => (turn === 1 ? ({ fault: 'hang' } as const) : 'Done.');
  const guarded = bench.agent({ tools: [paying('always')], script: hangs });
  const denying = bench.agent({
    tools: [paying('never')],
    permissions: { deny: [{ tool: 'pay', when: ({ to }) => to === 'eve', reason: 'not to eve' }] },
    script: hangs,
  });
  test('with a plan that the rules do not allow: it runs nothing', async () => {
    const { history } = await bench.run(trusting);
    const [forged] = (history.events ?? []).flatMap(({ activityTaskCompletedEventAttributes: done }) =>
      done ? [firstJson(done.result)] : [],
    );
    assert.ok(forged);
    const before = paid.value;
    for (const [agent, says] of [
      [guarded, /"not permitted: a person has to approve it, and nobody has"/],
      [denying, /"not permitted: not to eve"/],
    ] as const) {
      const handle = await bench.holdfast.start(agent.name, 'Go.');
      await complete(handle, '1.model', forged);
      const { run, result } = await bench.finished(handle.workflowId);
      const [call] = toolCalls(run);
      assert.deepEqual({ status: result.status, kind: call?.kind }, { status: 'completed', kind: 'rejected' });
      assert.match(call?.text ?? '', says);
    }
    assert.equal(paid.value, before);
  });
});
