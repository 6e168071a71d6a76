// The read model has what the workflow has, even for calls that end without an event and are in no later model call.
// `bench.finished` compares the two transcripts of every run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { asTool, defineTool, handoff } from '../../../activities/index.ts';
import { readRun } from '../../../core/read/readRun.ts';
import { resultOf, toolCalls } from '../../../core/read/run.ts';
import { endToEnd, transcriptOf } from '../../support/bench.ts';
import { conversation, golden } from '../../support/toolTexts.ts';
import { counter, eventually, gate } from '../../support/waits.ts';

endToEnd('the read model', (bench) => {
  const n = z.object({ n: z.number().optional() });
  const call = (tool: string, args: object = {}) => ({ tool, arguments: args });
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: n,
    effect: 'read',
    approval: 'always',
    run: () => 'paid',
  });
  const big = defineTool({
    name: 'big',
    description: 'Says much.',
    input: n,
    effect: 'read',
    run: () => 'x'.repeat(60_000),
  });
  const quick = defineTool({ name: 'quick', description: 'Quick.', input: n, effect: 'read', run: () => 'quick' });
  const other = bench.agent({ name: 'other', script: [{ text: 'other' }] });
  const third = bench.agent({ name: 'third', script: [{ text: 'third' }] });
  const toOther = handoff(other, { description: 'To the other.' });
  const toThird = handoff(third, { description: 'To the third.' });

  async function asked(handle: { questions(): Promise<readonly unknown[]> }) {
    await eventually(async () => (await handle.questions()).length > 0);
  }

  async function readsAlike(workflowId: string) {
    const run = await bench.holdfast.get(workflowId).read();
    assert.deepEqual(conversation(run), await transcriptOf(bench.holdfast, workflowId));
    return run;
  }

  const edited = bench.agent({ tools: [pay], script: [{ calls: [call('pay', { n: 1 })] }, { text: 'done' }] });

  test('reads an edited call that never ran as a failure, with its change', async () => {
    const handle = await bench.holdfast.start(edited.name, 'Go.', golden(bench.cached, 'edited-then-interrupted'));
    await asked(handle);
    await handle.pause();
    await handle.edit('1.0', { n: 9 });
    await handle.interrupt('Go on.');
    await handle.resume();
    await handle.result();
    const { run } = await bench.finished(handle.workflowId);
    const [paid] = toolCalls(run);
    assert.equal(paid?.kind, 'cancelled');
    assert.equal(paid?.text?.split('A person changed').length, 2);
  });

  const much = bench.agent({
    tools: [pay, big],
    parallel: 10,
    approvalTimeout: '1 s',
    script: [{ calls: [call('pay'), ...Array(10).fill(call('big'))] }, { text: 'done' }],
  });

  test('reads an expired call as rejected beside oversized results', async () => {
    const { run, result } = await bench.run(much);
    assert.equal(toolCalls(run)[0]?.kind, 'rejected');
    assert.equal(result.failedCalls, 1);
  });

  const passes = bench.agent({
    tools: [quick, toOther, toThird],
    maxTurns: 1,
    parallel: 1,
    script: [{ calls: [call('quick'), call('hand_off_to_other'), call('hand_off_to_third')] }],
  });

  test('reads the first handoff of the last turn as done, and later ones as not', async () => {
    const { run, result } = await bench.run(passes, 'Go.', golden(bench.cached, 'handoff-in-the-last-turn'));
    assert.equal(result.status, 'max_turns');
    assert.deepEqual(
      toolCalls(run).map(({ ok, kind }) => kind ?? ok),
      [true, true, 'rejected'],
    );
    assert.equal(result.failedCalls, 1);
  });

  const blocked = gate();
  const began = counter();
  const slow = defineTool({
    name: 'slow',
    description: 'Waits for the test.',
    input: n,
    effect: 'read',
    async run() {
      began.add();
      await blocked.opened;
      return 'slow';
    },
  });
  const stops = bench.agent({
    tools: [slow, toOther, pay],
    script: [{ calls: [call('slow'), call('hand_off_to_other'), call('pay')] }],
  });

  test('reads a handoff before a stop as done, and pending calls as not run', async () => {
    const handle = await bench.holdfast.start(stops.name, 'Go.');
    await began.until(1);
    await asked(handle);
    assert.deepEqual(
      toolCalls(await handle.read()).map(({ ok }) => ok),
      [null, true, null],
    );
    await handle.stop();
    blocked.open();
    await handle.result();
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      toolCalls(run).map(({ ok, kind }) => kind ?? ok),
      [true, true, 'cancelled'],
    );
  });

  const late = bench.agent({ tools: [pay], maxTurns: 1, approvalTimeout: '1 s', script: [{ calls: [call('pay')] }] });

  test('reads an approval that times out in the last turn as rejected', async () => {
    const { run } = await bench.run(late, 'Go.', golden(bench.cached, 'expired-in-the-last-turn'));
    assert.equal(toolCalls(run)[0]?.kind, 'rejected');
  });

  test('reads it as rejected in a session that waits for its next message', async () => {
    const handle = await bench.holdfast.start(late.name, 'Go.', { session: true });
    await eventually(async () => (await handle.describe()).memo?.['replied']);
    const run = await readsAlike(handle.workflowId);
    assert.equal(toolCalls(run)[0]?.kind, 'rejected');
    await handle.close();
    await handle.result();
    await bench.finished(handle.workflowId);
  });

  const kid = bench.agent({ name: 'kid', script: () => 'grown' });
  const crowd = bench.agent({
    tools: [asTool(kid, { description: 'A child.' })],
    maxTurns: 1,
    maxSubAgents: 1,
    script: [{ calls: [call('kid', { input: 'a' }), call('kid', { input: 'b' })] }],
  });

  test('reads a sub-agent beyond the limit in the last turn as rejected', async () => {
    const { run } = await bench.run(crowd);
    assert.deepEqual(
      toolCalls(run).map(({ ok, kind }) => kind ?? ok),
      [true, 'rejected'],
    );
  });

  const poor = bench.agent({
    tools: [quick, pay],
    maxTurns: 1,
    budget: { toolCalls: 1 },
    script: [{ calls: [call('quick'), call('quick'), call('pay')] }],
  });

  test('reads calls beyond the budget in the last turn as rejected', async () => {
    const { run } = await bench.run(poor);
    assert.deepEqual(
      toolCalls(run).map(({ ok, kind }) => kind ?? ok),
      [true, 'rejected', 'rejected'],
    );
  });

  const begun = counter();
  const thinks = bench.agent({
    script: async ({ turn }) => {
      begun.add();
      if (turn === 1) await new Promise((resolve) => setTimeout(resolve, 5_000).unref());
      return 'late';
    },
  });

  test('counts an interrupted model call during the run as at its end', async () => {
    const handle = await bench.holdfast.start(thinks.name, '', { session: true });
    const reply = handle.ask('One.');
    await begun.until(1);
    await handle.interrupt();
    await reply;
    const before = (await handle.read()).spend;
    await handle.close();
    const after = (await handle.result()).spend;
    assert.equal(before.modelCalls, 1);
    assert.deepEqual({ ...before, activeMs: 0 }, { ...after, activeMs: 0 });
  });

  const continuing = bench.agent({
    maxHistoryEvents: 20,
    budget: { modelCalls: 3, atLimit: 'ask' },
    script: ({ turn }) => `answer ${turn}`,
  });

  test('reads a run without its first history like the whole run', async () => {
    const handle = await bench.holdfast.start(continuing.name, '', { session: true });
    for (const text of ['a', 'b', 'c']) await handle.ask(text);
    await handle.send('d');
    await asked(handle);
    const { runId } = await handle.describe();
    // RunCommands make its history long: it continues as new while it asks.
    await eventually(async () => {
      await handle.pause();
      await handle.resume();
      return (await handle.describe()).runId !== runId;
    });
    await asked(handle);
    const [whole, part] = [await handle.read(), readRun(await handle.history())];
    assert.equal(whole.questions.length, 1);
    assert.deepEqual(part.questions, whole.questions);
    assert.deepEqual(conversation(part), conversation(whole));
    assert.deepEqual(part.spend, whole.spend);
    await handle.cancel();
    const result = await handle.result();
    const later = resultOf(readRun(await handle.history()));
    assert.equal(result.turns, 3);
    assert.deepEqual(later, result);
  });
});
