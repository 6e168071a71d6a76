// Commands that meet at the edges: an interrupt and the turn limit, a stop and a rule that hangs, a budget and a question, a
// sub-agent's pause and its continue-as-new.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { asTool, defineTool } from '../../../activities/index.ts';
import { CommandRejected } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked } from '../../support/people.ts';
import { toolTexts } from '../../support/toolTexts.ts';
import { counter, eventually } from '../../support/waits.ts';

endToEnd('edge cases of commands', (bench) => {
  const input = z.object({ n: z.number().optional() });
  const call = (tool: string, args: object = {}) => ({ tool, arguments: args });
  /** A tool that says when it has begun, and waits until it is stopped. */
  function waiting() {
    const began = counter();
    const tool = defineTool({
      name: 'waits',
      description: 'Waits until it is stopped.',
      input,
      effect: 'read',
      heartbeat: '1 s',
      run: async (_, { signal }) => {
        began.add();
        await once(signal, 'abort');
        throw signal.reason;
      },
    });
    return { began, tool };
  }
  const quick = defineTool({ name: 'quick', description: 'Is quick.', input, effect: 'read', run: () => 'quick' });
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input,
    effect: 'idempotent',
    approval: 'always',
    run: () => 'paid',
  });

  const first = waiting();
  const restless = bench.agent({ tools: [first.tool], maxTurns: 2, script: () => ({ calls: [call('waits')] }) });
  test('counts an interrupted turn against the limit of turns', async () => {
    const handle = await bench.holdfast.start(restless.name, 'Go.');
    for (const turn of [1, 2]) {
      await first.began.until(turn);
      await handle.interrupt();
    }
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, turns: result.turns, began: first.began.value },
      { status: 'max_turns', turns: 2, began: 2 },
    );
  });

  const second = waiting();
  const talker = bench.agent({
    tools: [second.tool],
    script: ({ turn }) => (turn === 1 ? { calls: [call('waits')] } : `turn ${turn}`),
  });
  test("ends a session's message on an interrupt without one while a tool runs", async () => {
    const handle = await bench.holdfast.start(talker.name, '', { session: true });
    const reply = handle.ask('Go.');
    await second.began.until(1);
    await handle.interrupt();
    assert.deepEqual(await reply, {
      message: 1,
      status: 'stopped',
      output: null,
      reason: 'interrupted',
      reasonCode: 'interrupted',
      reasonParameters: {},
    });
    assert.equal((await handle.ask('Again.')).output, 'turn 2');
    await handle.close();
    await bench.finished(handle.workflowId);
  });

  const impatient = bench.agent({
    tools: [pay],
    approvalTimeout: '500 ms',
    whenApprovalExpires: 'end',
    script: [{ calls: [call('pay')] }, 'Never said.'],
  });
  test('ends a session if an approval times out and the rules say so', async () => {
    const handle = await bench.holdfast.start(impatient.name, 'Go.', { session: true });
    const { result } = await bench.finished(handle.workflowId);
    assert.equal(result.status, 'stopped');
    assert.match(result.reason ?? '', /nobody decided within/);
  });

  const checking = counter();
  const guarded = bench.agent({
    tools: [pay],
    beforeTool: async ({ arguments: args }) => {
      if ((args as { n?: number }).n !== 9) return;
      checking.add();
      await new Promise(() => {});
    },
    script: [{ calls: [call('pay')] }, 'Done.'],
  });
  test('stops without waiting for a guardrail that hangs over an edit', async () => {
    const before = checking.value;
    const handle = await bench.holdfast.start(guarded.name, 'Go.');
    await asked(handle);
    const edit = assert.rejects(handle.edit('1.0', { n: 9 }), CommandRejected);
    await checking.until(before + 1);
    await handle.stop();
    const { result, run, history } = await bench.finished(handle.workflowId);
    await edit;
    assert.equal(result.status, 'stopped');
    assert.equal(toolCalls(run)[0]?.kind, 'cancelled');
    // Had it been waited for, its activity would have ended, or timed out.
    const ended = (history.events ?? []).filter((event) => event.activityTaskTimedOutEventAttributes);
    assert.equal(ended.length, 0);
  });

  const frugal = bench.agent({
    tools: [quick, pay],
    budget: { toolCalls: 1 },
    script: [{ calls: [call('quick'), call('quick'), call('pay')] }, 'Never said.'],
  });
  test('asks nobody about a call that the budget does not allow', async () => {
    const { result, run } = await bench.run(frugal);
    assert.deepEqual({ status: result.status, toolCalls: result.spend.toolCalls }, { status: 'budget', toolCalls: 1 });
    assert.deepEqual(
      toolCalls(run).map(({ ok, kind }) => kind ?? ok),
      [true, 'rejected', 'rejected'],
    );
    assert.match(toolTexts(run)[2] ?? '', /budget of 1 tool calls?/);
  });

  const payer = bench.agent({ tools: [pay], script: [{ calls: [call('pay')] }, 'Paid.'] });
  const oneByOne = bench.agent({
    tools: [asTool(payer, { description: 'Pays.' })],
    parallel: 1,
    script: [{ calls: ['a', 'b', 'c'].map((text) => call(payer.name, { input: text })) }, 'All paid.'],
  });
  test('runs three sub-agents with parallel 1 while they wait for people', async () => {
    const handle = await bench.holdfast.start(oneByOne.name, 'Go.');
    const children = [0, 1, 2].map((slot) => bench.holdfast.get(`${handle.workflowId}.1.${slot}`));
    for (const child of children)
      await eventually(() =>
        child
          .questions()
          .catch(() => [])
          .then((open) => open.length > 0),
      );
    for (const child of children.toReversed()) await child.approve();
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, failedCalls: result.failedCalls },
      { status: 'completed', failedCalls: 0 },
    );
  });

  const naps = counter();
  const nap = defineTool({
    name: 'nap',
    description: 'Takes its time.',
    input,
    effect: 'read',
    run: async () => {
      naps.add();
      await sleep(300);
      return 'slept';
    },
  });
  const sleeper = bench.agent({
    tools: [nap],
    maxTurns: 30,
    script: ({ turn }) => (turn <= 20 ? { calls: [call('nap')] } : 'Rested.'),
  });
  const watcher = bench.agent({
    tools: [asTool(sleeper, { description: 'Sleeps.' })],
    budget: { activeTime: '1 s', atLimit: 'ask' },
    script: [{ calls: [call(sleeper.name, { input: 'Sleep.' })] }, 'Good morning.'],
  });
  test('pauses sub-agents at a limit of active time that asks, until it is raised', async () => {
    const before = naps.value;
    const handle = await bench.holdfast.start(watcher.name, 'Go.');
    await eventually(async () => (await handle.questions()).some(({ kind }) => kind === 'budget'));
    const child = bench.holdfast.get(`${handle.workflowId}.1.0`);
    // It learns of it between two turns.
    await eventually(async () => (await child.describe()).raw.pendingActivities?.length === 0);
    assert.ok(naps.value - before < 20, `${naps.value - before} of 20 were taken before it was asked`);
    await handle.stop();
    const { result } = await bench.finished(handle.workflowId);
    assert.equal(result.status, 'stopped');
  });

  const gates = new Map<string, PromiseWithResolvers<void>>();
  const gateOf = (key: string) => {
    const found = gates.get(key) ?? Promise.withResolvers<void>();
    gates.set(key, found);
    return found;
  };
  const atGate = counter();
  const waitAtGate = defineTool({
    name: 'wait_at_gate',
    description: 'Waits for the gate.',
    input: z.object({ key: z.string() }),
    effect: 'read',
    run: async ({ key }) => {
      atGate.add();
      await gateOf(key).promise;
      return 'through';
    },
  });
  const long = defineTool({
    name: 'long',
    description: 'Takes longer.',
    input,
    effect: 'read',
    run: async () => {
      await sleep(1_500);
      return 'done';
    },
  });
  const agents = [21, 24, 27, 30].map((maxHistoryEvents) => {
    const child = bench.agent({
      name: `child${maxHistoryEvents}`,
      maxHistoryEvents,
      tools: [waitAtGate, long],
      script: ({ turn, input: key }) => {
        if (turn === 1) return { calls: [call('wait_at_gate', { key })] };
        return turn === 2 ? { calls: [call('long')] } : 'ok';
      },
    });
    return bench.agent({
      name: `parent${maxHistoryEvents}`,
      tools: [asTool(child, { description: 'Works.' })],
      script: ({ turn, input: key }) => (turn === 1 ? { calls: [call(child.name, { input: key })] } : 'done'),
    });
  });
  test('counts the time of a sub-agent that continues as new when it is resumed', async () => {
    await Promise.all(
      agents.map(async ({ name }) => {
        const key = `${name}-${bench.mode}`;
        const handle = await bench.holdfast.start(name, key);
        const child = bench.holdfast.get(`${handle.workflowId}.1.0`);
        await eventually(async () => (await child.read().catch(() => null))?.turns[0]?.calls[0]?.scheduledAtMs);
        await handle.pause();
        await eventually(async () =>
          (await child.history()).events?.some(
            (event) =>
              'workflowExecutionSignaledEventAttributes' in event && event.workflowExecutionSignaledEventAttributes,
          ),
        );
        gateOf(key).resolve();
        await eventually(async () => (await child.describe()).raw.pendingActivities?.length === 0);
        await handle.resume();
        const [above, below] = [await handle.result(), await child.result()];
        assert.ok(below.spend.activeMs >= 1_500);
        assert.ok(above.spend.activeMs >= 1_400, `${name}: ${above.spend.activeMs} of ${below.spend.activeMs} ms`);
      }),
    );
  });
});
