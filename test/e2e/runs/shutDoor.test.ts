// Any input, update, query or signal ends as a typed failure or is ignored: no workflow task ever fails.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { WorkflowFailedError, type WorkflowHandle, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { newRunId } from '../../../client/runId.ts';
import { FAILURE, QUESTIONS_QUERY, SIGNAL, TRANSCRIPT_QUERY, UPDATE, WORKFLOW_TYPE } from '../../../core/names.ts';
import { endToEnd } from '../../support/bench.ts';
import { PAYLOADS } from '../../support/strangeRuns.ts';

/** 2 MB of nesting. */
const deep = (): unknown => {
  let value: unknown = 1;
  for (let depth = 0; depth < 1_000; depth++) value = { [`level${'x'.repeat(2_000)}`]: value };
  return value;
};

endToEnd('invalid input', (bench) => {
  const agent = bench.agent({ script: () => 'Done.' });
  const good = { agent: agent.name, input: 'Go.' };

  const starts: Readonly<Record<string, readonly unknown[]>> = {
    'no argument at all': [],
    null: [null],
    'a text': ['Go.'],
    'a list': [[good]],
    'no agent': [{ input: 'Go.' }],
    'an agent that is a list': [{ agent: ['x'], input: 'Go.' }],
    'an input that is an object': [{ agent: agent.name, input: { text: 'Go.' } }],
    'an empty input': [{ agent: agent.name, input: '' }],
    'a carried state within the input': [{ ...good, carried: {} }],
    'a parent within the input': [{ ...good, parent: { depth: 1, reports: true } }],
    'a misspelt option': [{ ...good, maxTurn: 3 }],
    'turns that are no number': [{ ...good, maxTurns: '3' }],
    'a budget that is a list': [{ ...good, budget: [1] }],
    '2 MB of nesting as an option': [{ ...good, budget: deep() }],
    '2 MB of nesting as the input': [{ agent: agent.name, input: deep() }],
    'a made-up parent': [good, { parent: { depth: 1, reports: true } }],
    'a made-up carried state': [good, { handOver: {} }],
    'half a carried state': [good, { handOver: { version: 1, agentName: agent.name } }],
    'a carried state of another version': [good, { handOver: { version: 2 } }],
    'a made-up fork without a state': [
      good,
      { fork: { of: { workflowId: 'w', runId: 'r', turn: 1 }, effects: 'live' } },
    ],
    'a made-up fork of nothing': [good, { fork: {}, handOver: {} }],
    'a second argument that is a list': [good, [1]],
    'a second argument that is a text': [good, 'carried'],
    'a second argument of other fields': [good, { carried: {} }],
  };
  for (const [what, args] of Object.entries(starts))
    test(`fails a run in its first task that is started with ${what}`, async () => {
      const { client } = bench.holdfast;
      const handle = await client.workflow.start(WORKFLOW_TYPE, {
        args: [...args],
        workflowId: `shut-${newRunId()}`,
        taskQueue: bench.taskQueue,
      });
      await assert.rejects(handle.result(), (error) => {
        assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure);
        assert.equal(error.cause.type, FAILURE.invalidInput);
        assert.ok(error.cause.message.length < 1_000, error.cause.message);
        return true;
      });
      const { tasks, failedTasks } = await tasksOf(handle);
      assert.deepEqual({ tasks, failedTasks }, { tasks: 1, failedTasks: 0 });
    });

  test('ignores foreign signals, and refuses updates and queries with the problem', async () => {
    const waiting = await bench.holdfast.start(agent.name, '', { session: true });
    const handle = bench.holdfast.client.workflow.getHandle(waiting.workflowId);
    const strange: readonly unknown[] = [undefined, null, 5, 'text', [], { command: 'dance' }, { child: {} }, deep()];
    for (const signal of [SIGNAL.fromParent, SIGNAL.fromChild, 'unheardOf'])
      for (const word of strange) await handle.signal(signal, word);
    // It has no parent that could stop it.
    await handle.signal(SIGNAL.fromParent, { command: 'stop', by: 'eve' });
    for (const update of Object.values(UPDATE))
      for (const word of [5, 'text', [1], { text: 7, message: [], call: {}, budget: [], by: 5 }])
        await assert.rejects(handle.executeUpdate(update, { args: [word] }), (error) => {
          assert.ok(
            error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure,
            `${error}`,
          );
          assert.equal(error.cause.type, FAILURE.refusedCommand, `${update} ${JSON.stringify(word)}`);
          return true;
        });
    for (const args of [['first'], [-1], [0, {}], [1.5]])
      await assert.rejects(handle.query(TRANSCRIPT_QUERY, ...args), /must be a whole number/);
    assert.deepEqual(await handle.query(QUESTIONS_QUERY, { any: 'thing' }), []);
    assert.equal((await waiting.ask('Hello.')).status, 'completed');
    await waiting.close();
    assert.equal((await bench.finished(waiting.workflowId)).result.status, 'completed');
    assert.equal((await tasksOf(handle)).failedTasks, 0);
  });
});

endToEnd('payloads that cannot be decoded', (bench) => {
  const agent = bench.agent({ script: () => 'Done.' });

  test('are dropped in signals with a warning, and refused in updates and queries', async () => {
    const waiting = await bench.holdfast.start(agent.name, '', { session: true });
    const { workflowId } = waiting;
    const { client } = bench.holdfast;
    const handle = client.workflow.getHandle(workflowId);
    const to = { namespace: client.options.namespace, workflowExecution: { workflowId } };
    const inputs = Object.values(PAYLOADS).flatMap((payload) => [
      { payloads: [payload] },
      { payloads: [json({ command: 'pause' }), payload] },
    ]);
    for (const payload of Object.values(PAYLOADS))
      for (const name of [UPDATE.send, UPDATE.pause])
        await assert.rejects(
          client.workflowService
            .updateWorkflowExecution({
              ...to,
              waitPolicy: { lifecycleStage: COMPLETED },
              request: { meta: { updateId: randomUUID() }, input: { name, args: { payloads: [payload] } } },
            })
            .then(({ outcome }) => assert.fail(String(outcome?.failure?.message))),
          /Unknown encoding|not valid JSON|Unexpected|Missing/,
        );
    for (const input of inputs)
      for (const signalName of [SIGNAL.fromParent, SIGNAL.fromChild, 'unheardOf'])
        await client.workflowService.signalWorkflowExecution({ ...to, signalName, input });
    assert.equal((await waiting.ask('Hello.')).status, 'completed');
    await waiting.close();
    const { result, run } = await bench.finished(workflowId);
    assert.deepEqual(
      result.warnings.map(({ code, parameters }) => ({ code, parameters })),
      [{ code: 'signal_unreadable', parameters: { signal: SIGNAL.fromParent } }],
    );
    assert.deepEqual(run.warnings, result.warnings);
    assert.equal((await tasksOf(handle)).failedTasks, 0);
  });
});

/** The update has ended. */
const COMPLETED = 3;

function json(value: unknown) {
  return { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify(value)) };
}

async function tasksOf(handle: WorkflowHandle): Promise<{ tasks: number; failedTasks: number }> {
  const { events = [] } = await handle.fetchHistory();
  const count = (of: 'workflowTaskCompletedEventAttributes' | 'workflowTaskFailedEventAttributes') =>
    (events ?? []).filter((event) => event[of]).length;
  return {
    tasks: count('workflowTaskCompletedEventAttributes'),
    failedTasks: count('workflowTaskFailedEventAttributes'),
  };
}
