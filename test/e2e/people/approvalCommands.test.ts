// While an approval is pending, a run accepts all other commands: cancel, stop, interrupt, pause. It may continue as new with
// the same question.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { type AgentOptions, defineTool } from '../../../activities/index.ts';
import { CommandRejected, type RunHandle, RunOver } from '../../../client/index.ts';
import { readRun } from '../../../core/read/readRun.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked, failedTasks, inboxOf } from '../../support/people.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

endToEnd('while an approval is pending', (bench) => {
  const keys = new Map<string, string[]>();
  const paidTo = (to: string) => keys.get(to) ?? [];
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: z.object({ to: z.string(), amount: z.number(), note: z.string().default('') }),
    effect: 'idempotent',
    approval: ({ amount }) => amount > 100 && { ask: `Pay ${amount}?` },
    run: ({ to, amount }, { idempotencyKey }) => {
      keys.set(to, [...paidTo(to), idempotencyKey]);
      return `paid ${amount}`;
    },
  });
  const payer = (options: Partial<AgentOptions> = {}) =>
    bench.agent({
      tools: [pay],
      ...options,
      script: ({ turn, input, messages }) => {
        const said = messages.findLast(({ role }) => role === 'user')?.content ?? '';
        if (said !== input || !input.startsWith('[')) return `Heard: ${said}`;
        return turn === 1
          ? { calls: JSON.parse(input).map((args: object) => ({ tool: 'pay', arguments: args })) }
          : 'Done.';
      },
    });
  const start = (agent: { readonly name: string }, calls: readonly object[], id?: string) =>
    bench.holdfast.start(agent.name, JSON.stringify(calls), { id: id ?? `while-${randomUUID()}` });
  const goldenId = (shows: string) => golden(bench.cached, shows).id ?? `${shows}-replaying`;

  const plain = payer();
  /** A run with a call that is done, and one that waits. */
  async function waiting(to: string, id?: string): Promise<RunHandle> {
    const handle = await start(
      plain,
      [
        { to, amount: 1 },
        { to, amount: 500 },
      ],
      id,
    );
    await asked(handle);
    await eventually(async () => toolCalls(await handle.read())[0]?.ok);
    return handle;
  }
  const inbox = ({ workflowId }: RunHandle) => inboxOf(bench.holdfast, workflowId);

  test('cancels the run, with a valid transcript and no more decisions', async () => {
    const handle = await waiting('abe', goldenId('cancelled-while-asked'));
    await handle.cancel();
    const { result, run } = await bench.finished(handle.workflowId);
    assert.equal(result.status, 'cancelled');
    assert.deepEqual(
      toolCalls(run).map(({ ok, kind }) => [ok, kind]),
      [
        [true, null],
        [false, 'cancelled'],
      ],
    );
    assert.deepEqual({ questions: run.questions, paidTo: paidTo('abe').length }, { questions: [], paidTo: 1 });
    await assert.rejects(handle.approve('1.1'), RunOver);
    await eventually(async () => (await inbox(handle)).length === 0);
  });

  test('stops the run, without running the call', async () => {
    const handle = await waiting('bea', goldenId('stopped-while-asked'));
    await handle.stop({ by: 'ann', why: 'enough' });
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, reason: result.reason },
      { status: 'stopped', reason: 'Stopped by ann: enough' },
    );
    assert.deepEqual(toolTexts(run), [
      'paid 1',
      '{"error":"not run: the run was asked to stop","tool":"pay","kind":"cancelled"}',
    ]);
    assert.equal(paidTo('bea').length, 1);
    await assert.rejects(handle.approve('1.1'), RunOver);
  });

  test('interrupts the call, and continues with the message', async () => {
    const handle = await waiting('cid', goldenId('interrupted-while-asked'));
    await handle.interrupt('Never mind.', { by: 'ann' });
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, output: result.output },
      { status: 'completed', output: 'Heard: Never mind.' },
    );
    assert.deepEqual(toolTexts(run), [
      'paid 1',
      '{"error":"interrupted before it started","tool":"pay","kind":"cancelled"}',
    ]);
    assert.equal(paidTo('cid').length, 1);
  });

  test('cancels the call, and keeps the question about the other', async () => {
    const handle = await start(
      plain,
      [500, 600].map((amount) => ({ to: 'dan', amount })),
    );
    await asked(handle, 2);
    await handle.cancelCall('1.0');
    const [left, ...more] = await asked(handle);
    assert.deepEqual({ call: left?.call, more: more.length }, { call: '1.1', more: 0 });
    await assert.rejects(handle.approve('1.0'), { name: 'CommandRejected', message: /1\.0 is over/ });
    await handle.approve();
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), [
      '{"error":"cancelled before it started","tool":"pay","kind":"cancelled"}',
      'paid 600',
    ]);
    assert.equal(paidTo('dan').length, 1);
  });

  test('starts an approved call only when the run is resumed', async () => {
    const handle = await waiting('eve');
    assert.equal((await handle.pause()).state, 'paused');
    assert.equal((await handle.approve('1.1')).isFirst, true);
    // It has acted before it answers the next command.
    await handle.pause();
    assert.deepEqual(
      { scheduledAtMs: toolCalls(await handle.read())[1]?.scheduledAtMs, paidTo: paidTo('eve').length },
      { scheduledAtMs: null, paidTo: 1 },
    );
    await handle.resume();
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { told: toolTexts(run), paidTo: paidTo('eve').length },
      { told: ['paid 1', 'paid 500'], paidTo: 2 },
    );
  });

  const linked = payer({ maxHistoryEvents: 60 });
  /** RunCommands that change nothing, until the run has continued as new. */
  async function untilNewLink(handle: RunHandle): Promise<void> {
    const { runId } = await handle.describe();
    for (let orders = 0; orders < 200; orders++) {
      await handle.pause();
      await handle.resume();
      if ((await handle.describe()).runId !== runId) return;
    }
    assert.fail('It has not continued as new.');
  }

  test('continues as new with the same question, decision and idempotency key', async () => {
    const id = goldenId('asked-over-links');
    const handle = await start(
      linked,
      [
        { to: 'fay', amount: 1 },
        { to: 'fay', amount: 500 },
        { to: 'fay', amount: 600 },
      ],
      id,
    );
    const questions = await asked(handle, 2);
    const first = (await handle.describe()).runId;
    const sinceMs = await eventually(async () => (await inbox(handle))[0]?.sinceMs);
    await untilNewLink(handle);
    await untilNewLink(handle);

    assert.deepEqual(await asked(handle, 2), questions);
    const last = readRun(await handle.history());
    const essence = ({ questions: open }: typeof last) =>
      open.map((one) => one.kind === 'approval' && [one.call, one.digest, one.tool, one.arguments, one.question]);
    assert.deepEqual(essence(last), essence(await handle.read()), 'the last history alone has it too');
    assert.equal(last.transcript.length, (await handle.read()).transcript.length);
    const found = await eventually(async () => {
      const waits = await inbox(handle);
      return waits.length === 1 && waits[0]?.runId !== first && waits;
    });
    assert.deepEqual(
      found.map((one) => [one.workflowId, one.count, one.sinceMs, one.questions.map((question) => question.kind)]),
      [[id, 2, sinceMs, ['approval', 'approval']]],
    );

    await handle.approve('1.1', { by: 'ann' });
    await eventually(async () => paidTo('fay').length === 2);
    await untilNewLink(handle);
    const again = await handle.approve('1.1', { by: 'bob' });
    assert.deepEqual(
      { isFirst: again.isFirst, by: again.by },
      { isFirst: false, by: 'ann' },
      'the decision counts in the next history',
    );
    await handle.reject('1.2', { why: 'no' });
    const { run, result } = await bench.finished(id);
    assert.deepEqual(
      { status: result.status, turns: result.turns, runId: run.runId },
      { status: 'completed', turns: 2, runId: first },
    );
    assert.deepEqual(toolTexts(run), [
      'paid 1',
      'paid 500',
      '{"error":"rejected by a person: no","tool":"pay","kind":"rejected"}',
    ]);
    assert.deepEqual(
      toolCalls(run).map(({ decision }) => [decision?.verdict, decision?.by]),
      [
        [undefined, undefined],
        ['approve', 'ann'],
        ['reject', null],
      ],
    );
    assert.deepEqual(paidTo('fay')[1], `${id}/${first}/1.1/${questions[0]?.digest}`);
    const alone = readRun(await handle.history());
    assert.deepEqual(alone.transcript, run.transcript, 'the last history alone has the whole transcript');
    assert.deepEqual({ status: alone.status, output: alone.output }, { status: 'completed', output: 'Done.' });
    await eventually(async () => (await inbox(handle)).length === 0);
  });

  test('accepts commands through a handle of a later history', async () => {
    const handle = await start(linked, [{ to: 'gus', amount: 500 }]);
    await asked(handle);
    await untilNewLink(handle);
    const { runId } = await handle.describe();
    const later = bench.holdfast.get(handle.workflowId, runId);
    assert.equal((await later.approve('1.0')).isFirst, true);
    await bench.finished(handle.workflowId);
    assert.equal(paidTo('gus').length, 1);
  });

  const wordy = payer();
  test('keeps the memo small, and current after an edit', async () => {
    const note = '長い '.repeat(2_000);
    const calls = Array.from({ length: 30 }, (_, at) => ({ to: 'hal', note, amount: 500 + at }));
    const handle = await start(wordy, calls);
    await asked(handle, 30);
    const shown = await eventually(async () => (await inbox(handle))[0]);
    assert.deepEqual({ count: shown.count, questions: shown.questions.length }, { count: 30, questions: 10 });
    const [first] = shown.questions;
    assert.match(
      first?.kind === 'approval' ? first.arguments : '',
      /^\{"to":"hal","note":"(長い ){50,}長?い?"⟨5,\d{3} more characters⟩,"amount":500\}$/,
      'what decides is not cut',
    );
    const { memo } = await handle.describe();
    assert.ok(Buffer.byteLength(JSON.stringify(memo)) < 32_000, `${Buffer.byteLength(JSON.stringify(memo))} bytes`);
    assert.equal((await asked(handle, 30))[0]?.arguments, JSON.stringify(calls[0]), 'the run itself says it in full');
    await handle.edit('1.0', { to: 'hal', amount: 7 });
    const after = await eventually(async () => {
      const [waits] = await inbox(handle);
      return waits?.count === 29 && waits;
    });
    assert.deepEqual(
      after.questions.map((question) => question.kind === 'approval' && question.call),
      Array.from({ length: 10 }, (_, at) => `1.${at + 1}`),
    );
    await handle.stop();
    const { history } = await bench.finished(handle.workflowId);
    assert.deepEqual(failedTasks(history), []);
    assert.equal(paidTo('hal').length, 1);
    await assert.rejects(
      handle.edit('1.1', {}),
      (error) => error instanceof RunOver || error instanceof CommandRejected,
    );
  });
});
