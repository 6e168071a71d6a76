// A session stays open for messages: each has its reply, in order, whatever happened to the one before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { Script, ScriptedRequest } from '../../../activities/testing/index.ts';
import { CommandRejected, type Holdfast, type RunHandle, RunOver } from '../../../client/index.ts';
import type { RunEvent } from '../../../core/read/run.ts';
import type { Reply } from '../../../core/types.ts';
import { workflowCode } from '../../../worker/workflowBundle.ts';
import { endToEnd } from '../../support/bench.ts';
import { conversation, golden } from '../../support/toolTexts.ts';
import { gate } from '../../support/waits.ts';

/** Every message of the user that the model was sent, in order. */
function userTexts({ messages }: ScriptedRequest): string[] {
  return messages.flatMap(({ role, content }) => (role === 'user' && content !== null ? [content] : []));
}

/** Repeats all that it has been told: what it says shows what it was sent. */
const echo: Script = (request) => userTexts(request).join(' ');

/** What a follower is told of replies, until there are `n`. */
async function repliesOf(handle: RunHandle, n: number): Promise<Reply[]> {
  const replies: Reply[] = [];
  for await (const event of handle.events()) {
    if (event.type === 'reply') replies.push(event.reply);
    if (replies.length === n) break;
  }
  return replies;
}

const completed = (message: number, output: string): Reply => ({
  message,
  status: 'completed',
  output,
  reason: null,
  reasonCode: null,
  reasonParameters: null,
});

endToEnd('sessions', (bench) => {
  const say = defineTool({
    name: 'say',
    description: 'Says it.',
    input: z.object({ what: z.string() }),
    effect: 'read',
    retry: { attempts: 1 },
    run: ({ what }) => {
      if (what === 'fail') throw new Error('it failed');
      return what;
    },
  });

  const talker = bench.agent({ script: echo });
  const open = async (name = talker.name, input = '', id?: string) =>
    bench.holdfast.start(name, input, { session: true, ...(id !== undefined && { id }) });

  test('answers each message, with the whole transcript', async () => {
    const { id } = golden(bench.cached, 'session');
    const handle = await open(talker.name, '', id);
    assert.deepEqual(await handle.ask('a'), completed(1, 'a'));
    assert.deepEqual(await handle.ask('b', { by: 'ann' }), completed(2, 'a b'));
    assert.deepEqual(await handle.ask('c'), completed(3, 'a b c'));
    const idle = await handle.read();
    assert.deepEqual(
      { status: idle.status, session: idle.session, turns: idle.turns.length },
      { status: 'running', session: true, turns: 3 },
    );
    assert.equal((await handle.close({ by: 'ann' })).state, 'stopping');
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, output: result.output, reason: result.reason, turns: result.turns },
      { status: 'completed', output: 'a b c', reason: null, turns: 3 },
    );
    assert.deepEqual(
      conversation(run).map(({ role, content }) => `${role}: ${content}`),
      ['user: a', 'assistant: a', 'user: b', 'assistant: a b', 'user: c', 'assistant: a b c'],
    );
  });

  test('answers its input as the first message', async () => {
    const handle = await open(talker.name, 'first');
    assert.deepEqual(await repliesOf(handle, 1), [completed(1, 'first')]);
    assert.deepEqual(await handle.ask('second'), completed(2, 'first second'));
    await handle.close();
    assert.equal((await bench.finished(handle.workflowId)).result.output, 'first second');
  });

  const slow = gate();
  const queued = bench.agent({
    script: async (request) => {
      if (userTexts(request).length === 1) await slow.opened;
      return userTexts(request).join(' ');
    },
  });
  const asked = (agent: string) => (requests: typeof bench.model.requests) =>
    requests.some((request) => request.agent === agent);
  test('queues messages during a turn, in order, and each id once', async () => {
    const handle = await open(queued.name);
    assert.deepEqual(await handle.send('a'), { message: 1, reply: null });
    await bench.model.until(asked(queued.name));
    assert.deepEqual(await handle.send('b', { id: 'b' }), { message: 2, reply: null });
    assert.deepEqual(await handle.send('b again', { id: 'b' }), { message: 2, reply: null });
    const c = handle.ask('c');
    const again = handle.ask('b', { id: 'b' });
    await untilSaid(handle, 'c');
    assert.equal((await handle.close()).state, 'stopping');
    await assert.rejects(
      handle.send('too late'),
      (error) => error instanceof CommandRejected && /about to end/.test(error.message),
    );
    slow.open();
    const told = await repliesOf(handle, 3);
    assert.deepEqual(told, [completed(1, 'a'), completed(2, 'a b'), completed(3, 'a b c')]);
    assert.deepEqual(await c, told[2]);
    assert.deepEqual(await again, told[1]);
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'completed', turns: 3 });
  });

  test('returns the same reply for the same id later', async () => {
    const handle = await open();
    const first = await handle.ask('a', { id: 'one' });
    await handle.ask('b');
    assert.deepEqual(await handle.ask('a', { id: 'one' }), first);
    await handle.close();
    assert.equal((await bench.finished(handle.workflowId)).result.turns, 2);
  });

  const sleepy = bench.agent({ script: echo, idleTimeout: '1 s' });
  test('ends after its idle timeout, with the reason', async () => {
    const handle = await open(sleepy.name, 'a', golden(bench.cached, 'session-idle').id);
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, output: result.output, reason: result.reason },
      { status: 'completed', output: 'a', reason: 'No message for 1 second.' },
    );
    await assert.rejects(handle.ask('b'), RunOver);
    await assert.rejects(handle.send('b'), RunOver);
  });

  test('refuses an invalid message, and continues', async () => {
    const handle = await open();
    const refused = (why: RegExp) => (error: unknown) => error instanceof CommandRejected && why.test(error.message);
    await assert.rejects(handle.send('  '), refused(/text must not be empty/));
    await assert.rejects(
      handle.send('x'.repeat(256 * 1024 + 1)),
      refused(/text may have 262,144 bytes; it has 262,145/),
    );
    await assert.rejects(handle.send('x', { id: '' }), refused(/id must be a text of 1 to 200 characters/));
    await assert.rejects(
      handle.send('x', { by: 'y'.repeat(5_000) }),
      refused(/by may have 4,000 characters; it has 5,000/),
    );
    assert.deepEqual(await handle.ask('a'), completed(1, 'a'));
    await handle.close();
    await bench.finished(handle.workflowId);
  });

  test('refuses more messages than its queue may hold', async () => {
    const handle = await open();
    await handle.pause();
    const large = 'x'.repeat(200 * 1024);
    await handle.send(large);
    await handle.send(large);
    await assert.rejects(handle.send(large), /2 messages wait to be answered. Send more when they are./);
    await handle.stop();
    await bench.finished(handle.workflowId);
  });

  const waits = gate();
  const plain = bench.agent({
    script: async () => {
      await waits.opened;
      return 'Done.';
    },
  });
  test('needs session: true', async () => {
    const handle = await bench.holdfast.start(plain.name, 'Go.');
    const no = (error: unknown) => error instanceof CommandRejected && /is not a session/.test(error.message);
    await assert.rejects(handle.send('a'), no);
    await assert.rejects(handle.ask('a'), no);
    await assert.rejects(handle.close(), no);
    waits.open();
    await bench.finished(handle.workflowId);
  });

  const faulty = bench.agent({
    tools: [say],
    maxTurns: 2,
    script: (request) => {
      const said = userTexts(request);
      switch (said.at(-1)) {
        case 'bad':
          return { fault: 'status', status: 400 };
        case 'loop':
          return { calls: [{ tool: 'say', arguments: { what: `${request.turn}` } }] };
        case 'fail':
          return { calls: [0, 1].map(() => ({ tool: 'say', arguments: { what: 'fail' } })) };
        case 'no':
          return { refusal: 'I would rather not.' };
        default:
          return said.join(' ');
      }
    },
  });
  test('replies with the failure of a message, and continues with the next', async () => {
    const { id } = golden(bench.cached, 'session-failures');
    const handle = await open(faulty.name, '', id);
    const how = async (text: string) => {
      const { message, status, output, reason } = await handle.ask(text);
      return { message, status, output, why: reason !== null };
    };
    assert.deepEqual(await how('bad'), { message: 1, status: 'model_failed', output: null, why: true });
    assert.deepEqual(await how('loop'), { message: 2, status: 'max_turns', output: null, why: true });
    assert.deepEqual(await how('fail'), { message: 3, status: 'all_tools_failed', output: null, why: true });
    assert.deepEqual(await how('no'), { message: 4, status: 'refused', output: null, why: true });
    // The same again: nothing of before is counted against it.
    assert.equal((await how('fail')).status, 'all_tools_failed');
    assert.deepEqual(await how('well'), {
      message: 6,
      status: 'completed',
      output: 'bad loop fail no fail well',
      why: false,
    });
    const told = await repliesOf(handle, 6);
    assert.deepEqual(
      told.map(({ message, status }) => [message, status]),
      [
        [1, 'model_failed'],
        [2, 'max_turns'],
        [3, 'all_tools_failed'],
        [4, 'refused'],
        [5, 'all_tools_failed'],
        [6, 'completed'],
      ],
    );
    await handle.close();
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      conversation(run)
        .slice(0, 2)
        .map(({ role }) => role),
      ['user', 'user'],
      'the model never answered the first',
    );
  });

  const hangs = bench.agent({
    script: (request) => (userTexts(request).at(-1) === 'hang' ? { fault: 'hang' } : echoOf(request)),
  });
  test('replies with its end to everybody who waits, when stopped or cancelled', async () => {
    for (const end of ['stop', 'cancel'] as const) {
      const handle = await open(hangs.name);
      await handle.ask('a');
      const hanging = handle.ask('hang');
      await untilSaid(handle, 'hang');
      const behind = handle.ask('behind');
      await untilSaid(handle, 'behind');
      if (end === 'cancel') await handle.cancel();
      else {
        await handle.stop({ by: 'ann', why: 'enough' });
        // It stops at the next boundary, and this model would never come to one.
        await handle.interrupt();
      }
      const status = end === 'cancel' ? 'cancelled' : 'stopped';
      const replies = await Promise.all([hanging, behind]);
      assert.deepEqual(
        replies.map((reply) => [reply.message, reply.output]),
        [
          [2, null],
          [3, null],
        ],
      );
      assert.equal(replies[1]?.status, status);
      const { result } = await bench.finished(handle.workflowId);
      assert.equal(result.status, status);
      if (end === 'stop') assert.equal(result.reason, 'Stopped by ann: enough');
    }
  });

  test('accepts 11 waiting messages at once, and commands beside them', async () => {
    const handle = await open();
    await handle.pause();
    const asks = Array.from({ length: 11 }, (_, i) => handle.ask(`m${i}`));
    await untilSaid(handle, ...Array.from({ length: 11 }, (_, i) => `m${i}`));
    // With as many updates waiting as the server allows, this could not get in.
    await handle.resume();
    const replies = await Promise.all(asks);
    assert.deepEqual(
      replies.map(({ status }) => status),
      Array.from({ length: 11 }, () => 'completed'),
    );
    assert.deepEqual(
      replies.map(({ message }) => message).sort((a, b) => a - b),
      Array.from({ length: 11 }, (_, i) => i + 1),
    );
    await handle.close();
    assert.equal((await bench.finished(handle.workflowId)).result.turns, 11);
  });

  const continuing = bench.agent({
    tools: [say],
    maxHistoryEvents: 30,
    script: (request) => {
      const said = userTexts(request);
      if (said.at(-1) === 'work' && request.results.length === 0)
        return { calls: [{ tool: 'say', arguments: { what: `${request.turn}` } }] };
      return `${said.length}: ${said.at(-1)}`;
    },
  });
  test('continues as new without losing a message or a waiting sender', async () => {
    const handle = await open(continuing.name, 'first', golden(bench.cached, 'session-links').id);
    const events = eventsOf(handle);
    const texts = ['a', 'work', 'b', 'work', 'c', 'work', 'd', 'work'];
    for (const [i, text] of texts.entries()) {
      const reply = await handle.ask(text, { id: `id ${i}` });
      assert.deepEqual(reply, completed(i + 2, `${i + 2}: ${text}`));
    }
    // Known from previous histories.
    assert.deepEqual(await handle.ask('a', { id: 'id 0' }), completed(2, '2: a'));
    assert.deepEqual(await handle.send('work', { id: 'id 7' }), { message: 9, reply: completed(9, '9: work') });
    await handle.close();
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, output: result.output, turns: result.turns, calls: result.calls },
      { status: 'completed', output: '9: work', turns: 13, calls: 4 },
    );
    assert.deepEqual(
      { modelCalls: result.spend.modelCalls, toolCalls: result.spend.toolCalls },
      { modelCalls: 13, toolCalls: 4 },
    );
    assert.ok(result.spend.inputTokens > 0);
    assert.equal(result.spend.inputTokens, run.spend.inputTokens);
    assert.deepEqual(
      run.turns.map(({ turn }) => turn),
      Array.from({ length: 13 }, (_, i) => i + 1),
    );
    assert.deepEqual(
      run.turns.flatMap((turn) => turn.userMessages),
      ['first', ...texts],
    );
    const told = await events;
    const times = (type: RunEvent['type']) => told.filter((event) => event.type === type).length;
    assert.deepEqual(
      { started: times('started'), ended: times('ended'), replies: times('reply'), messages: times('message') },
      { started: 1, ended: 1, replies: 9, messages: 8 },
    );
    assert.ok(times('continued') >= 3, `continued as new ${times('continued')} times`);
    const { memo } = await handle.describe();
    assert.deepEqual(
      { agent: memo?.['agent'], status: memo?.['status'], replied: memo?.['replied'] },
      {
        agent: continuing.name,
        status: 'completed',
        replied: { message: 9, status: 'completed', reason: null, reasonCode: null, reasonParameters: null },
      },
    );
    await replayLinks(bench.holdfast, handle.workflowId, told);
  });

  const many = bench.agent({
    maxHistoryEvents: bench.cached ? 300 : 50,
    script: (request) => `${userTexts(request).length}`,
  });
  test('answers many messages over many histories, each once and in order', async () => {
    const handle = await open(many.name);
    const events = eventsOf(handle);
    // Without a cache every task replays all of them: fewer show the same.
    const n = bench.cached ? 200 : 30;
    let sent = 0;
    const numbers: number[] = [];
    // Several at once, so that some come while the run continues as new.
    const sender = async () => {
      while (sent < n) numbers.push((await handle.send(`${++sent}`)).message);
    };
    await Promise.all([sender(), sender(), sender(), sender()]);
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      Array.from({ length: n }, (_, i) => i + 1),
    );
    await handle.close();
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { turns: result.turns, output: result.output, transcriptLength: result.transcriptLength },
      { turns: n, output: `${n}`, transcriptLength: 2 * n },
    );
    const told = await events;
    assert.deepEqual(
      told.flatMap((event) => (event.type === 'reply' ? [[event.reply.message, event.reply.output]] : [])),
      Array.from({ length: n }, (_, i) => [i + 1, `${i + 1}`]),
    );
    assert.equal(new Set(run.turns.flatMap((turn) => turn.userMessages)).size, n);
    assert.ok(told.filter(({ type }) => type === 'continued').length >= 3);
  });

  test('refuses malformed payloads without being blocked by one', async () => {
    const handle = await open();
    const raw = bench.holdfast.client.workflow.getHandle(handle.workflowId);
    const updates = ['send', 'close', 'steer', 'interrupt', 'pause', 'resume', 'stop', 'cancelCall', 'raise', 'decide'];
    const payloads = bench.cached ? [null, 7, 'text', true, [], [{}], { by: 7 }, { why: {} }] : [null, []];
    for (const update of updates)
      for (const payload of payloads)
        await assert.rejects(
          raw.executeUpdate(update, { args: [payload] }),
          (error: Error & { cause?: { type?: string } }) => error.cause?.type === 'CommandRefused',
          `${update} ${JSON.stringify(payload)}`,
        );
    for (const [update, payload] of [
      ['send', {}],
      ['send', { text: 7 }],
      ['send', { text: 'x', id: 7 }],
      ['steer', {}],
      ['steer', { message: null }],
      ['interrupt', { message: 7 }],
      ['cancelCall', {}],
      ['cancelCall', { call: { a: 1 } }],
      ['raise', {}],
      ['raise', { budget: { tokens: 'many' } }],
      ['decide', { call: '1.0' }],
    ] as const)
      await assert.rejects(
        raw.executeUpdate(update, { args: [payload] }),
        WorkflowUpdateFailedError,
        `${update} ${JSON.stringify(payload)}`,
      );
    for (const update of ['send', 'steer', 'cancelCall', 'raise', 'decide'])
      await assert.rejects(raw.executeUpdate(update), WorkflowUpdateFailedError, `${update} without arguments`);
    await assert.rejects(raw.executeUpdate('nothing'));
    for (const signal of ['fromParent', 'fromChild', 'nothing']) {
      for (const payload of payloads) await raw.signal(signal, payload);
      await raw.signal(signal);
    }
    assert.deepEqual(await handle.ask('a'), completed(1, 'a'));
    await raw.executeUpdate('close');
    const { result, history } = await bench.finished(handle.workflowId);
    assert.equal(result.status, 'completed');
    assert.equal(
      history.events?.some(
        (event) => 'workflowTaskFailedEventAttributes' in event && event.workflowTaskFailedEventAttributes,
      ),
      false,
    );
  });
});

function echoOf(request: ScriptedRequest): string {
  return userTexts(request).join(' ');
}

/** Resolves when all of that has been taken in. */
async function untilSaid(handle: RunHandle, ...texts: string[]): Promise<void> {
  const left = new Set(texts);
  for await (const event of handle.events() as AsyncIterable<RunEvent>) {
    if (event.type === 'message') left.delete(event.text);
    if (left.size === 0) return;
  }
}

/** All that a follower is told, until the run's end. */
async function eventsOf(handle: RunHandle): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of handle.events()) events.push(event);
  return events;
}

/** The bench replays the last history of a run; this one replays those before it. */
async function replayLinks({ client }: Holdfast, workflowId: string, told: readonly RunEvent[]): Promise<void> {
  const runIds = told.flatMap((event) => (event.type === 'continued' ? [event.runId] : []));
  for (const runId of runIds) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    await Worker.runReplayHistory({ workflowBundle: await workflowCode() }, history, workflowId);
  }
}
