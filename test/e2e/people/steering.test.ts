// People steer a running run: it receives their messages, stops what they stop, and continues or ends in order.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Agent, defineTool } from '../../../activities/index.ts';
import type { Script, ScriptedRequest } from '../../../activities/testing/index.ts';
import { CommandRejected, type RunHandle, RunOver, type StartOptions } from '../../../client/index.ts';
import { type Call, toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { conversation, golden, toolTexts } from '../../support/toolTexts.ts';
import { type Counter, counter, eventually, type Gate, gate } from '../../support/waits.ts';

/** What the user said, as the model was sent it. */
function userTexts({ messages }: ScriptedRequest): string[] {
  return messages.flatMap(({ role, content }) => (role === 'user' && content !== null ? [content] : []));
}

const report = (request: ScriptedRequest) => userTexts(request).join(' ');
const refused = (why: RegExp) => (error: unknown) => error instanceof CommandRejected && why.test(error.message);
const essence = ({ tool, ok, kind, attempts }: Call) => [tool, ok ? 'ok' : kind, attempts];

endToEnd('steering', (bench) => {
  // A gate and a count for each run: its input names them.
  const gates = new Map<string, Gate>();
  const counts = new Map<string, Counter>();
  const gateOf = (name: string) => of(gates, name, gate);
  const startsOf = (name: string) => of(counts, name, counter);
  const named = z.object({ name: z.string() });

  const waits = defineTool({
    name: 'waits',
    description: 'Waits for its gate.',
    input: named,
    effect: 'read',
    heartbeat: '1 s',
    run: async ({ name }, { signal }) => {
      startsOf(name).add();
      await Promise.race([gateOf(name).opened, once(signal, 'abort')]);
      if (signal.aborted) startsOf(`${name} cleaned up`).add();
      signal.throwIfAborted();
      return 'waited';
    },
  });
  const deaf = defineTool({
    name: 'deaf',
    description: 'Waits, and hears nothing.',
    input: named,
    effect: 'read',
    heartbeat: '1 s',
    run: async ({ name }) => {
      startsOf(name).add();
      await gateOf(name).opened;
      return 'heard nothing';
    },
  });
  const quick = defineTool({
    name: 'quick',
    description: 'Is quick.',
    input: named,
    effect: 'read',
    run: ({ name }) => {
      startsOf(name).add();
      return 'quick';
    },
  });

  let names = 0;
  /** A name that the run's tools go by. */
  const newName = () => `n${++names}${bench.cached ? 'c' : 'r'}`;
  const toolsOf =
    (...tools: string[]): Script =>
    (request) => {
      const name = userTexts(request)[0] ?? '';
      return request.turn === 1 ? { calls: tools.map((tool) => ({ tool, arguments: { name } })) } : report(request);
    };
  const withTools = (tools: string[], parallel = 5) =>
    bench.agent({ tools: [waits, deaf, quick], parallel, script: toolsOf(...tools) });
  const start = (agent: Agent, name: string, options: StartOptions = {}) =>
    bench.holdfast.start(agent.name, name, options);

  /** A model that answers the first time when the gate of its input is open. */
  const thinker = bench.agent({
    script: async (request) => {
      const [name = ''] = userTexts(request);
      if (request.turn > 1) return report(request);
      startsOf(name).add();
      await gateOf(name).opened;
      return 'First.';
    },
  });

  const oneWaits = withTools(['waits']);
  test('steer: sends messages during tools at the next turn, in order', async () => {
    const name = newName();
    const handle = await start(oneWaits, name, golden(bench.cached, 'steered'));
    await startsOf(name).until(1);
    assert.deepEqual(await handle.steer('one', { by: 'ann' }), { state: 'running', turn: 1 });
    await handle.steer('two');
    gateOf(name).open();
    const { result, run } = await bench.finished(handle.workflowId);
    assert.equal(result.output, `${name} one two`);
    assert.deepEqual(run.turns[1]?.userMessages, ['one', 'two']);
    assert.deepEqual(
      conversation(run).map(({ role }) => role),
      ['user', 'assistant', 'tool', 'user', 'user', 'assistant'],
    );
  });

  test('steer: adds a turn after what would be the last', async () => {
    const name = newName();
    const handle = await start(thinker, name);
    await startsOf(name).until(1);
    await handle.steer('one more thing');
    gateOf(name).open();
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, turns: result.turns, output: result.output },
      { status: 'completed', turns: 2, output: `${name} one more thing` },
    );
    assert.deepEqual(
      conversation(run).map(({ content }) => content),
      [name, 'First.', 'one more thing', `${name} one more thing`],
    );
    await assert.rejects(handle.steer('too late'), RunOver);
    await assert.rejects(handle.interrupt(), RunOver);
    await assert.rejects(handle.pause(), RunOver);
  });

  test('steer: restarts the turn limit', async () => {
    const name = newName();
    const handle = await start(oneWaits, name, { maxTurns: 1 });
    await startsOf(name).until(1);
    await handle.steer('go on');
    gateOf(name).open();
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, turns: result.turns, output: result.output },
      { status: 'completed', turns: 2, output: `${name} go on` },
    );
  });

  const chat = bench.agent({ script: report });
  test('steer, interrupt: are messages of an idle session', async () => {
    const handle = await bench.holdfast.start(chat.name, '', { session: true });
    await handle.steer('a');
    await eventually(async () => (await handle.read()).output === 'a');
    await handle.interrupt('b');
    await eventually(async () => (await handle.read()).output === 'a b');
    assert.deepEqual(await handle.ask('c'), {
      message: 3,
      status: 'completed',
      output: 'a b c',
      reason: null,
      reasonCode: null,
      reasonParameters: null,
    });
    await handle.close();
    await bench.finished(handle.workflowId);
  });

  test('steer: belongs to the message that is being answered', async () => {
    const name = newName();
    const handle = await bench.holdfast.start(thinker.name, '', { session: true });
    const reply = handle.ask(name);
    await startsOf(name).until(1);
    await handle.steer('more');
    gateOf(name).open();
    assert.deepEqual(await reply, {
      message: 1,
      status: 'completed',
      output: `${name} more`,
      reason: null,
      reasonCode: null,
      reasonParameters: null,
    });
    await handle.close();
    assert.equal((await bench.finished(handle.workflowId)).result.turns, 2);
  });

  const both = withTools(['waits', 'deaf', 'quick', 'waits'], 3);
  test('interrupt: aborts tools, starts none, and continues with the message', async () => {
    const name = newName();
    const handle = await start(both, name, golden(bench.cached, 'interrupted'));
    await startsOf(name).until(3);
    await handle.pause();
    await eventually(async () => toolCalls(await handle.read())[2]?.ok);
    await handle.resume();
    await startsOf(name).until(4);
    await handle.interrupt('something else', { by: 'ann' });
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, output: result.output, turns: result.turns },
      { status: 'completed', output: `${name} something else`, turns: 2 },
    );
    assert.deepEqual(toolCalls(run).map(essence), [
      ['waits', 'cancelled', 1],
      ['deaf', 'cancelled', 1],
      ['quick', 'ok', 1],
      ['waits', 'cancelled', 1],
    ]);
    await startsOf(`${name} cleaned up`).until(2);
    gateOf(name).open();
  });

  const queue = withTools(['waits', 'quick', 'quick'], 1);
  test('interrupt: starts nothing queued, and calls the model again', async () => {
    const name = newName();
    const handle = await start(queue, name);
    await startsOf(name).until(1);
    await handle.interrupt();
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, output: result.output, starts: startsOf(name).value },
      { status: 'completed', output: name, starts: 1 },
    );
    assert.deepEqual(
      toolTexts(run).map((text) => JSON.parse(text).error),
      ['cancelled', 'interrupted before it started', 'interrupted before it started'],
    );
  });

  test('interrupt: does not count as failing tools', async () => {
    const name = newName();
    const handle = await start(stubborn, name);
    for (const turn of [1, 2, 3]) {
      await startsOf(name).until(2 * turn);
      await handle.interrupt();
    }
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, turns: result.turns, failedCalls: result.failedCalls },
      { status: 'completed', turns: 4, failedCalls: 6 },
    );
  });
  const stubborn = bench.agent({
    tools: [waits],
    whenAllToolsFail: 'abort',
    script: (request) =>
      request.turn < 4
        ? { calls: [0, 1].map(() => ({ tool: 'waits', arguments: { name: userTexts(request)[0] } })) }
        : 'Done.',
  });

  const streams = bench.agent({
    script: (request) =>
      userTexts(request).length > 1 || request.attempt > 1
        ? report(request)
        : { text: 'A long answer. '.repeat(200), chunkDelayMs: 50 },
  });
  const asksTheModel = async (handle: RunHandle, text: string) => {
    await bench.model.until((requests) =>
      requests.some(({ agent, state }) => agent === streams.name && state === 'open'),
    );
    for await (const event of handle.events()) if (event.type === 'text' && event.text.includes(text)) return;
  };
  test('interrupt: discards the answer that the model is writing', async () => {
    const name = newName();
    const handle = await start(streams, name, golden(bench.cached, 'interrupted-answer'));
    await asksTheModel(handle, 'long');
    await handle.interrupt('be brief');
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, output: result.output, turns: result.turns },
      { status: 'completed', output: `${name} be brief`, turns: 2 },
    );
    assert.deepEqual(
      conversation(run).map(({ role, content }) => [role, content]),
      [
        ['user', name],
        ['user', 'be brief'],
        ['assistant', `${name} be brief`],
      ],
    );
    assert.equal(run.turns[0]?.text, null);
  });

  test('interrupt: ends the message of a session, and the next is answered', async () => {
    const name = newName();
    const handle = await bench.holdfast.start(streams.name, '', { session: true });
    const reply = handle.ask(name);
    await asksTheModel(handle, 'long');
    await handle.interrupt();
    assert.deepEqual(await reply, {
      message: 1,
      status: 'stopped',
      output: null,
      reason: 'interrupted',
      reasonCode: 'interrupted',
      reasonParameters: {},
    });
    const next = await handle.ask('again');
    assert.deepEqual({ status: next.status, output: next.output }, { status: 'completed', output: `${name} again` });
    await handle.close();
    await bench.finished(handle.workflowId);
  });

  test('interrupt: answers its message in a session as the interrupted one', async () => {
    const name = newName();
    const handle = await bench.holdfast.start(streams.name, '', { session: true });
    const reply = handle.ask(name);
    await asksTheModel(handle, 'long');
    await handle.interrupt('be brief');
    assert.deepEqual(await reply, {
      message: 1,
      status: 'completed',
      output: `${name} be brief`,
      reason: null,
      reasonCode: null,
      reasonParameters: null,
    });
    assert.equal((await handle.ask('next')).message, 2);
    await handle.close();
    await bench.finished(handle.workflowId);
  });

  test('interrupt: stops nothing if nothing is in flight', async () => {
    const handle = await bench.holdfast.start(chat.name, '', { session: true });
    assert.equal((await handle.interrupt()).state, 'idle');
    assert.equal((await handle.ask('a')).output, 'a');
    await handle.close();
    await bench.finished(handle.workflowId);
  });

  const three = withTools(['waits', 'quick', 'quick'], 1);
  test('pause: starts nothing until resume, and stops active time', async () => {
    const name = newName();
    const handle = await start(three, name, golden(bench.cached, 'paused'));
    await startsOf(name).until(1);
    assert.equal((await handle.pause({ by: 'ann', why: 'lunch' })).state, 'paused');
    assert.equal((await handle.pause()).state, 'paused');
    gateOf(name).open();
    await eventually(async () => toolCalls(await handle.read())[0]?.ok);
    const pausedMs = 1_500;
    await sleep(pausedMs);
    assert.equal(startsOf(name).value, 1, 'nothing has started');
    assert.equal((await handle.resume()).state, 'running');
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, failedCalls: result.failedCalls, starts: startsOf(name).value },
      { status: 'completed', failedCalls: 0, starts: 3 },
    );
    const tookMs = (run.endedAtMs ?? 0) - run.startedAtMs;
    assert.ok(result.spend.activeMs < tookMs - pausedMs / 2, `${result.spend.activeMs} of ${tookMs} ms were active`);
  });

  test('pause: starts no calls of an answer that arrives meanwhile', async () => {
    const name = newName();
    const handle = await start(asksLate, name);
    await startsOf(`${name} asked`).until(1);
    await handle.pause();
    gateOf(name).open();
    await eventually(async () => toolCalls(await handle.read()).length === 1);
    assert.equal((await handle.steer('hello')).state, 'paused');
    assert.equal(startsOf(name).value, 0);
    await handle.resume();
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual({ output: result.output, starts: startsOf(name).value }, { output: `${name} hello`, starts: 1 });
  });
  const asksLate = bench.agent({
    tools: [quick],
    script: async (request) => {
      const [name = ''] = userTexts(request);
      if (request.turn > 1) return report(request);
      startsOf(`${name} asked`).add();
      await gateOf(name).opened;
      return { calls: [{ tool: 'quick', arguments: { name } }] };
    },
  });

  test('accepts forty concurrent commands, though the server takes ten at once', async () => {
    const name = newName();
    const handle = await start(three, name);
    await startsOf(name).until(1);
    await handle.pause();
    const texts = Array.from({ length: 40 }, (_, at) => `order ${at}`);
    await Promise.all(texts.map((text) => handle.steer(text)));
    gateOf(name).open();
    await handle.resume();
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      run.turns
        .flatMap(({ userMessages: said }) => said)
        .slice(1)
        .sort(),
      texts.sort(),
    );
  });

  test('stops and cancels a paused run', async () => {
    for (const end of ['stop', 'cancel'] as const) {
      const name = newName();
      const handle = await start(three, name);
      await startsOf(name).until(1);
      await handle.pause();
      gateOf(name).open();
      await eventually(async () => toolCalls(await handle.read())[0]?.ok);
      await handle[end]();
      const { result, run } = await bench.finished(handle.workflowId);
      assert.equal(result.status, end === 'stop' ? 'stopped' : 'cancelled');
      assert.deepEqual(toolCalls(run).map(essence), [
        ['waits', 'ok', 1],
        ['quick', 'cancelled', 0],
        ['quick', 'cancelled', 0],
      ]);
    }
  });

  test('stop: lets running calls finish, and returns the results so far', async () => {
    const name = newName();
    const handle = await start(three, name, golden(bench.cached, 'stopped'));
    await startsOf(name).until(1);
    assert.equal((await handle.stop({ by: 'ann', why: 'wrong patient' })).state, 'stopping');
    await handle.stop({ by: 'bob' });
    await assert.rejects(handle.steer('but'), refused(/about to end/));
    gateOf(name).open();
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      {
        status: result.status,
        reason: result.reason,
        turns: result.turns,
        toolCalls: result.spend.toolCalls,
        modelCalls: result.spend.modelCalls,
      },
      { status: 'stopped', reason: 'Stopped by ann: wrong patient', turns: 1, toolCalls: 1, modelCalls: 1 },
    );
    assert.deepEqual(toolCalls(run).map(essence), [
      ['waits', 'ok', 1],
      ['quick', 'cancelled', 0],
      ['quick', 'cancelled', 0],
    ]);
  });

  const breaks = bench.agent({
    tools: [waits, quick],
    parallel: 2,
    whenAllToolsFail: 'abort',
    script: toolsOf('waits', 'waits', 'quick'),
  });
  test('stop: ends at once with an interrupt, and not as failing tools', async () => {
    const name = newName();
    const handle = await start(breaks, name);
    await startsOf(name).until(2);
    await handle.stop();
    await handle.interrupt();
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, reason: result.reason, starts: startsOf(name).value },
      { status: 'stopped', reason: 'Stopped.', starts: 2 },
    );
  });

  test('stop: runs no calls of the answer in flight, and keeps a final one', async () => {
    const name = newName();
    const handle = await start(asksLate, name);
    await startsOf(`${name} asked`).until(1);
    await handle.stop({ why: 'enough' });
    gateOf(name).open();
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, reason: result.reason },
      { status: 'stopped', reason: 'Stopped: enough' },
    );
    assert.deepEqual(toolCalls(run).map(essence), [['quick', 'cancelled', 0]]);
    assert.equal(startsOf(name).value, 0);

    const other = newName();
    const thinking = await start(thinker, other);
    await startsOf(other).until(1);
    await thinking.stop();
    gateOf(other).open();
    const whole = await bench.finished(thinking.workflowId);
    assert.deepEqual(
      { status: whole.result.status, output: whole.result.output },
      { status: 'completed', output: 'First.' },
    );
  });

  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: named,
    effect: 'once',
    approval: 'always',
    run: ({ name }) => startsOf(name).add(),
  });
  const payer = bench.agent({ tools: [pay], script: toolsOf('pay') });
  test('stop: ends a run that waits for a person, and an idle session', async () => {
    const name = newName();
    const handle = await start(payer, name);
    await eventually(async () => (await handle.questions()).length === 1);
    await handle.stop();
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual({ status: result.status, starts: startsOf(name).value }, { status: 'stopped', starts: 0 });
    assert.deepEqual(toolCalls(run).map(essence), [['pay', 'cancelled', 0]]);

    const session = await bench.holdfast.start(chat.name, '', { session: true });
    await session.ask('a');
    await session.stop({ by: 'bob' });
    const ended = await bench.finished(session.workflowId);
    assert.deepEqual(
      { status: ended.result.status, output: ended.result.output, reason: ended.result.reason },
      { status: 'stopped', output: 'a', reason: 'Stopped by bob.' },
    );
  });

  test('cancel: leaves a valid transcript of a session and a waiting run', async () => {
    const handle = await start(payer, newName());
    await eventually(async () => (await handle.questions()).length === 1);
    await handle.cancel();
    assert.equal((await bench.finished(handle.workflowId)).result.status, 'cancelled');

    const session = await bench.holdfast.start(both.name, '', { session: true });
    const name = newName();
    const reply = session.ask(name);
    await startsOf(name).until(3);
    await session.cancel();
    assert.deepEqual(await reply, {
      message: 1,
      status: 'cancelled',
      output: null,
      reason: 'The run was cancelled.',
      reasonCode: 'cancelled',
      reasonParameters: {},
    });
    assert.equal((await bench.finished(session.workflowId)).result.status, 'cancelled');
    await startsOf(`${name} cleaned up`).until(1);
    gateOf(name).open();
  });

  const each = withTools(['waits', 'deaf', 'waits', 'quick'], 3);
  test('cancelCall: cancels one call by call id or model call id, in any state', async () => {
    const name = newName();
    const handle = await start(each, name, golden(bench.cached, 'call-cancelled'));
    await startsOf(name).until(3);
    await handle.cancelCall('1.3', { by: 'ann' });
    await handle.cancelCall('1.0');
    // Until the run knows that it ended, it may be signalled again.
    const toldAgain = await eventually(() =>
      handle.cancelCall('1.0').then(
        () => null,
        (error: unknown) => ({ error }),
      ),
    );
    assert.ok(refused(/The call 1.0 is over/)(toldAgain.error), `${toldAgain.error}`);
    await assert.rejects(handle.cancelCall('1.4'), refused(/has no call "1.4"/));
    await assert.rejects(handle.cancelCall('2.0'), refused(/has no call "2.0"/));
    await handle.cancelCall('call_1_1');
    await eventually(async () => toolCalls(await handle.read())[1]?.kind);
    gateOf(name).open();
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, failedCalls: result.failedCalls },
      { status: 'completed', failedCalls: 3 },
    );
    assert.deepEqual(toolCalls(run).map(essence), [
      ['waits', 'cancelled', 1],
      ['deaf', 'cancelled', 1],
      ['waits', 'ok', 1],
      ['quick', 'cancelled', 0],
    ]);
    await assert.rejects(handle.cancelCall('1.0'), RunOver);
  });
});

/** The one of that name; made when it is first asked for. */
function of<T>(all: Map<string, T>, name: string, make: () => T): T {
  const known = all.get(name) ?? make();
  all.set(name, known);
  return known;
}
