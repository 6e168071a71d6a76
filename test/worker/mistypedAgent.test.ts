// A run of an agent that no worker knows: a mistyped name fails at once, and one that a worker may still come with is tried again.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { defineAgent } from '../../activities/define/defineAgent.ts';
import { connect, type RunHandle } from '../../client/index.ts';
import { misspelt } from '../../core/text.ts';
import { createWorker, type WorkerOptions } from '../../worker/index.ts';
import { quietLogs } from '../support/quiet.ts';
import { serverAddress } from '../support/server.ts';

quietLogs();

const agent = (name: string) =>
  defineAgent({ name, model: 'm', instructions: 'You are brief.', offline: () => `I am ${name}.` });

async function queue(t: TestContext) {
  const address = await serverAddress();
  const taskQueue = `mistyped-${randomUUID()}`;
  const holdfast = await connect({ address, taskQueue });
  t.after(() => holdfast.close());
  return {
    holdfast,
    /** Returns a function that ends the worker. Each has an identity of its own, as processes do. */
    async serve(names: readonly string[], temporal: WorkerOptions['temporal'] = {}) {
      const identity = randomUUID();
      const worker = await createWorker({
        agents: names.map(agent),
        address,
        taskQueue,
        temporal: { identity, ...temporal },
      });
      const running = worker.run();
      let isOver = false;
      const end = async () => {
        if (!isOver) worker.shutdown();
        isOver = true;
        await running;
      };
      t.after(end);
      await polls(holdfast, identity);
      return end;
    },
  };
}

/** Until the server lists the worker. */
async function polls(holdfast: Awaited<ReturnType<typeof connect>>, identity: string): Promise<void> {
  const request = { namespace: 'default', taskQueue: { name: holdfast.taskQueue }, taskQueueType: 2 };
  for (;;) {
    const { pollers } = await holdfast.client.workflowService.describeTaskQueue(request);
    if (pollers?.some((one) => one.identity === identity)) return;
  }
}

async function secondAttempt(run: RunHandle): Promise<void> {
  for await (const event of run.events()) {
    if (event.type !== 'attempt' || event.attempt < 2) continue;
    assert.equal(event.lastFailure, 'unknown_agent');
    return;
  }
  assert.fail('The run ended with its first attempt.');
}

test('fails a mistyped name at once, where all workers have the same agents', async (t) => {
  const { holdfast, serve } = await queue(t);
  await serve(['clock', 'refunds']);
  await serve(['refunds', 'clock']);
  const run = await holdfast.start('clok', 'What time is it?');
  const result = await run.result();
  assert.equal(result.status, 'model_failed');
  assert.equal(result.reasonCode, 'unknown_agent');
  assert.match(result.reason, /does not serve an agent "clok"\. .* Did you mean "clock"\?/);
  assert.equal((await run.read()).turns[0]?.attempts, 1);
});

test('waits for another worker of the queue, which may know the agent', async (t) => {
  const { holdfast, serve } = await queue(t);
  const end = await serve(['clock']);
  const endOther = await serve(['refunds']);
  const run = await holdfast.start('clok', 'What time is it?');
  await secondAttempt(run);
  await Promise.all([end(), endOther()]);
  await serve(['clok']);
  assert.equal((await run.result()).output, 'I am clok.');
});

test('waits for another worker, where a build id says nothing about agents', async (t) => {
  const { holdfast, serve } = await queue(t);
  const end = await serve(['clock'], { buildId: 'mine' });
  const run = await holdfast.start('clok', 'What time is it?');
  await secondAttempt(run);
  await end();
  await serve(['clok']);
  assert.equal((await run.result()).output, 'I am clok.');
});

test('waits for the worker of a new agent, which a deploy starts after the run', async (t) => {
  const { holdfast, serve } = await queue(t);
  const end = await serve(['clock']);
  const run = await holdfast.start('nightly', 'Close the books.');
  await secondAttempt(run);
  await end();
  await serve(['nightly']);
  assert.equal((await run.result()).output, 'I am nightly.');
});

test('takes a name for mistyped only if it cannot be one of its own', () => {
  const known = ['clock', 'refunds', 'desk2'];
  for (const name of ['clok', 'Clock', 'colck', 'refund']) assert.notEqual(misspelt(name, known), undefined, name);
  for (const name of ['refunds2', 'desk3', 'refunds-eu', 'nightly', 'desk'])
    assert.equal(misspelt(name, known), undefined, name);
});
