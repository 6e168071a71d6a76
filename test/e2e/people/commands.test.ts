// Commands take effect once, however often they are sent, are checked in one way, and reach the run that they are for.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { CommandRejected, NoWorker, type Run, RunNotFound, RunOver } from '../../../client/index.ts';
import { commandsTo, type RunCommands } from '../../../client/runCommands.ts';
import { QUESTIONS_QUERY, SIGNAL, TRANSCRIPT_QUERY, UPDATE, WORKFLOW_TYPE } from '../../../core/names.ts';
import type { RunInput } from '../../../core/types.ts';
import { HoldfastPlugin } from '../../../worker/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked, failedTasks } from '../../support/people.ts';
import { golden } from '../../support/toolTexts.ts';
import { counter, eventually } from '../../support/waits.ts';

// What Temporal's SDKs answer about a workflow's handlers.
const METADATA_QUERY = '__temporal_workflow_metadata';

endToEnd('commands', (bench) => {
  const none = z.object({});
  const starts = counter();
  const hang = defineTool({
    name: 'hang',
    description: 'Waits until it is stopped.',
    input: none,
    effect: 'read',
    heartbeat: '1 s',
    async run(_, { signal }) {
      starts.add();
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  });
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: none,
    effect: 'once',
    approval: 'always',
    run: () => 'paid',
  });

  const userTexts = (run: Run) => run.transcript.flatMap(({ role, content }) => (role === 'user' ? [content] : []));
  const raw = (workflowId: string) => bench.holdfast.client.workflow.getHandle(workflowId);
  const update = (handle: WorkflowHandle, name: string, input: unknown) =>
    handle.executeUpdate<unknown, [unknown]>(name, { args: [input] });
  const refused = (why: RegExp) => (error: unknown) => error instanceof CommandRejected && why.test(error.message);
  const why = (error: unknown) => ((error as Error).cause as Error).message;

  const talker = bench.agent({ script: ({ turn }) => `answer ${turn}` });
  test('take effect once if they are sent again with their id', async () => {
    const taskQueue = `orders-${randomUUID()}`;
    const unserved = await bench.connect({ taskQueue });
    const handle = await unserved.start(talker.name, '', { session: true, ...golden(bench.cached, 'sent-again') });
    const { workflowId } = handle;
    const impatient = commandsTo({
      client: unserved.client,
      workflowId,
      currentExecution: async () => unserved.client.workflow.getHandle(workflowId),
      read: () => handle.read(),
      toError: (error) => error,
      answerMs: 500,
    });
    // What a person does: reads the error, starts a worker, and sends it again as the error says.
    const lost = async (send: (orders: RunCommands) => Promise<unknown>): Promise<string> => {
      const error: unknown = await send(impatient).then(
        () => 'an answer',
        (error) => error,
      );
      assert.ok(error instanceof NoWorker, String(error));
      assert.match(error.message, /may still execute the command/);
      return /with the id "(\w+)", it is accepted once/.exec(error.message)?.[1] ?? assert.fail(error.message);
    };
    const sent = await lost((orders) => orders.send('two'));
    const own = await lost((orders) => orders.send('three', { id: 'mine' }));
    assert.equal(own, 'mine');
    const steered = await lost((orders) => orders.steer('four'));
    const interrupted = await lost((orders) => orders.interrupt('five'));
    await assert.rejects(
      impatient.pause(),
      (error) => error instanceof NoWorker && /Sending it again is safe/.test(error.message),
    );

    const model = { apiKey: 'offline', baseURL: bench.model.baseURL };
    const worker = await bench.worker({ taskQueue, plugins: [new HoldfastPlugin({ agents: [talker], model })] });
    try {
      await handle.send('two', { id: sent });
      await handle.send('three', { id: own });
      await handle.steer('four', { id: steered });
      await handle.interrupt('five', { id: interrupted });
      await handle.resume();
      await handle.close();
      const { run } = await bench.finished(workflowId);
      assert.deepEqual(userTexts(run).toSorted(), ['five', 'four', 'three', 'two']);
    } finally {
      await worker.close();
      await unserved.close();
    }
  });

  const hanging = bench.agent({
    tools: [hang],
    script: ({ turn }) => (turn <= 2 ? { calls: [{ tool: 'hang', arguments: {} }] } : { text: 'done' }),
  });
  test('abort only what was in flight if an interrupt is sent twice', async () => {
    const handle = await bench.holdfast.start(hanging.name, 'Go.', golden(bench.cached, 'interrupt-twice'));
    await starts.until(1);
    await handle.interrupt('first', { id: 'i1' });
    await starts.until(2);
    await handle.interrupt('first', { id: 'i1' });
    await handle.steer('second', { id: 's1' });
    await handle.steer('second', { id: 's1' });
    const [, second] = (await handle.read()).turns;
    assert.equal(second?.calls[0]?.ok, null, 'the tool of the second turn runs on');
    await handle.interrupt(undefined, { id: 'i2' });
    const { run, history } = await bench.finished(handle.workflowId);
    assert.deepEqual(userTexts(run), ['Go.', 'first', 'second']);
    assert.equal(run.turns.length, 3);
    assert.equal(starts.value, 2);
    assert.deepEqual(failedTasks(history), []);
  });

  const long = bench.agent({ maxHistoryEvents: 20, script: ({ turn }) => `answer ${turn}` });
  test('are remembered by id in the next history', async () => {
    const handle = await bench.holdfast.start(long.name, '', { session: true });
    await handle.steer('told', { id: 's1' });
    const { runId: before } = await handle.describe();
    for (let n = 1; (await handle.describe()).runId === before; n += 1) await handle.ask(`more ${n}`);
    await handle.steer('told', { id: 's1' });
    await handle.close();
    const { run } = await bench.finished(handle.workflowId);
    assert.equal(userTexts(run).filter((text) => text === 'told').length, 1);
  });

  const payer = bench.agent({
    tools: [pay],
    budget: { toolCalls: 5, atLimit: 'ask' },
    script: ({ turn }) => (turn === 1 ? { calls: [{ tool: 'pay', arguments: {} }] } : { text: `answer ${turn}` }),
  });
  test('take null for an absent field', async () => {
    const handle = await bench.holdfast.start(payer.name, 'Go.', {
      session: true,
      ...golden(bench.cached, 'null-is-not-said'),
    });
    const [question] = await asked(handle);
    const { call, digest } = question!;
    const nobody = { by: null, why: null };
    const send = (name: string, input: object = {}) => update(raw(handle.workflowId), name, { ...nobody, ...input });
    await send(UPDATE.pause);
    await send(UPDATE.resume);
    await send(UPDATE.raise, { budget: { toolCalls: 6 } });
    await send(UPDATE.decide, { call, digest, verdict: 'approve', arguments: null, text: null });
    await send(UPDATE.steer, { message: 'steered', id: null });
    await send(UPDATE.send, { text: 'sent', id: null, wait: true });
    await send(UPDATE.send, { text: 'sent', id: null, wait: true });
    await send(UPDATE.interrupt, { message: null, id: null });
    await send(UPDATE.stop);
    const { run, result, history } = await bench.finished(handle.workflowId);
    assert.deepEqual(userTexts(run), ['Go.', 'steered', 'sent', 'sent']);
    assert.equal(result.reason, 'Stopped.');
    assert.deepEqual(failedTasks(history), []);
  });

  test('refuse an invalid name and reason with the same text', async () => {
    const handle = await bench.holdfast.start(payer.name, 'Go.', { session: true });
    const [question] = await asked(handle);
    const { call, digest } = question!;
    const inputs: Record<string, object> = {
      [UPDATE.decide]: { call, digest, verdict: 'approve' },
      [UPDATE.send]: { text: 'x' },
      [UPDATE.steer]: { message: 'x' },
      [UPDATE.interrupt]: { message: 'x' },
      [UPDATE.cancelCall]: { call },
      [UPDATE.raise]: { budget: { toolCalls: 6 } },
    };
    for (const name of Object.values(UPDATE)) {
      const order = (input: object) => update(raw(handle.workflowId), name, { ...inputs[name], ...input });
      for (const field of ['by', 'why']) {
        await assert.rejects(order({ [field]: 7 }), (error) => why(error) === `${field} must be a string, not 7.`);
        await assert.rejects(
          order({ [field]: 'x'.repeat(4_001) }),
          (error) => why(error) === `${field} may have 4,000 characters; it has 4,001.`,
        );
      }
    }
    for (const name of [UPDATE.send, UPDATE.steer, UPDATE.interrupt])
      await assert.rejects(update(raw(handle.workflowId), name, { ...inputs[name], id: '' }), (error) =>
        /id must be a text of 1 to 200 characters/.test(why(error)),
      );
    const nothing = { tokens: 5, atLimit: 'stop' };
    await assert.rejects(handle.raise({ ...nothing, toolCalls: 6 }), refused(/atLimit .* cannot be raised/));
    assert.equal((await asked(handle)).length, 1, 'nothing of all that was taken');
    await handle.reject(call, { why: 'x'.repeat(4_000) });
    await handle.close();
    await bench.finished(handle.workflowId);
  });

  test('are described to who lists them, as the Web UI does', async () => {
    const handle = await bench.holdfast.start(talker.name, '', { session: true });
    const { definition } = await bench.holdfast.client.workflow
      .getHandle(handle.workflowId)
      .query<{ definition: Record<string, readonly { name: string; description?: string }[]> }>(METADATA_QUERY);
    const described = (kind: string) =>
      definition[kind]?.flatMap(({ name, description }) => (description ? [name] : [])) ?? [];
    assert.deepEqual(described('updateDefinitions').sort(), Object.values(UPDATE).sort());
    assert.deepEqual(described('signalDefinitions').sort(), Object.values(SIGNAL).sort());
    for (const query of [TRANSCRIPT_QUERY, QUESTIONS_QUERY]) assert.ok(described('queryDefinitions').includes(query));
    await handle.close();
    await bench.finished(handle.workflowId);
  });

  test("reach the run of the handle's run id, whoever has the workflow id", async () => {
    const workflowId = `again-${randomUUID()}`;
    const first = await bench.holdfast.start(long.name, '', { id: workflowId, session: true });
    const { runId: oldest } = await first.describe();
    for (let n = 1; n <= 12; n += 1) await first.ask(`more ${n}`);
    const latest = (await first.describe()).runId;
    assert.notEqual(latest, oldest, 'a run with several histories');
    await first.close();
    const { result } = await bench.finished(workflowId);

    const input: RunInput = { agent: talker.name, input: '', session: true };
    const other = await bench.holdfast.client.workflow.start(WORKFLOW_TYPE, {
      args: [input],
      taskQueue: bench.holdfast.taskQueue,
      workflowId,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    });
    await eventually(async () => (await other.describe()).historyLength > 2);
    for (const runId of [oldest, latest]) {
      const handle = bench.holdfast.get(workflowId, runId);
      assert.equal((await handle.describe()).status.name, 'COMPLETED');
      const end = (await handle.history()).events?.at(-1);
      assert.ok(end && 'workflowExecutionCompletedEventAttributes' in end, 'the end of its last history');
      assert.equal((await handle.result()).transcriptLength, result.transcriptLength);
      await assert.rejects(handle.cancel(), RunOver);
      await assert.rejects(handle.pause(), RunOver);
    }
    await assert.rejects(bench.holdfast.get(workflowId, randomUUID()).cancel(), RunNotFound);
    const now = bench.holdfast.get(workflowId);
    assert.equal((await now.describe()).runId, other.firstExecutionRunId);
    assert.equal((await now.ask('still here?')).status, 'completed');
    await bench.holdfast.get(workflowId, other.firstExecutionRunId).cancel();
    assert.equal((await now.result()).status, 'cancelled');
  });
});
