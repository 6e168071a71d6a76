// A transcript is compacted between turns before it outgrows the context window: the run continues with its task and its
// results, and sends the model nothing that it would refuse.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { type CompactionContext, type CompactionFunction, defineTool, handoff } from '../../../activities/index.ts';
import type { ScriptFunction } from '../../../activities/testing/index.ts';
import { readNote } from '../../../core/compaction.ts';
import { COMPACT_ACTIVITY } from '../../../core/names.ts';
import { firstJson, type History } from '../../../core/read/history.ts';
import { readRun } from '../../../core/read/readRun.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { isSummaryRequest } from '../../../core/summaryRequest.ts';
import { transcriptProblem } from '../../../core/transcript.ts';
import type { CompactAnswer, CompactInput, Message } from '../../../core/types.ts';
import { type Bench, endToEnd, type Finished, transcriptOf } from '../../support/bench.ts';
import { conversation, golden } from '../../support/toolTexts.ts';
import { eventually, gate, tally } from '../../support/waits.ts';

const KB = 1024;
/** Short, so that the histories that are kept of these runs are. The model reads somewhat more than the agent believes. */
const LIMIT = { limitTokens: 2_500, at: 0.64 };
const READ_TOKENS = 2_800;
/** Of two calls each: enough for two compactions. */
const TURNS = 8;

/** What the activities of compaction were given and gave, in order. */
function compactions(history: History): { input: CompactInput; answer: CompactAnswer | undefined }[] {
  const events = history.events ?? [];
  return events.flatMap(({ eventId, activityTaskScheduledEventAttributes: scheduled }) => {
    if (scheduled?.activityType?.name !== COMPACT_ACTIVITY) return [];
    const done = events.find(
      (event) => String(event.activityTaskCompletedEventAttributes?.scheduledEventId) === String(eventId),
    );
    const answer = firstJson(done?.activityTaskCompletedEventAttributes?.result) as CompactAnswer | undefined;
    return [{ input: firstJson(scheduled.input) as CompactInput, answer }];
  });
}

/** What the model was sent, in order: its turns, or the requests for summaries. */
function sentTo(bench: Bench, agent: { name: string }, isSummary = false): Message[][] {
  return bench.model.requests
    .filter((request) => request.agent === agent.name)
    .map(({ body }) => (body as { messages: Message[] }).messages)
    .filter((messages) => isSummaryRequest(messages) === isSummary);
}

const tokensOf = (messages: readonly Message[]) => Math.ceil(JSON.stringify(messages).length / 4);
const notesIn = (messages: readonly Message[]) => messages.filter((message) => readNote(message) !== null);

endToEnd('compaction', (bench) => {
  const did = tally();
  const step = defineTool({
    name: 'step',
    description: 'One step.',
    input: z.object({ n: z.number(), bytes: z.number().default(600) }),
    effect: 'idempotent',
    run: ({ n, bytes }, ctx) => `step ${n}, time ${did.add(ctx.idempotencyKey)} `.padEnd(bytes, '.'),
  });
  /** Works for so many turns with so many calls each, and then says what it was asked. */
  const steps =
    (turns: number, calls = 1, bytes?: number): ScriptFunction =>
    ({ turn, messages }) =>
      turn <= turns
        ? {
            text: `At ${turn}.`,
            calls: Array.from({ length: calls }, (_, i) => ({ tool: 'step', arguments: { n: turn * 100 + i, bytes } })),
          }
        : `Done: ${messages.find(({ role }) => role === 'user')?.content}`;
  const usual = { tools: [step], maxTurns: 100, contextTokens: READ_TOKENS };

  /** Every request that the model was sent is one that it takes, and every call ran once. */
  function checkSent({ run, result }: Finished, agent: { name: string }, limitTokens = READ_TOKENS): void {
    for (const messages of [...sentTo(bench, agent), ...sentTo(bench, agent, true)]) {
      assert.equal(transcriptProblem(messages), null);
      assert.ok(tokensOf(messages) <= limitTokens, `${tokensOf(messages)} tokens`);
    }
    assert.equal(toolCalls(run).length, result.calls);
    for (const { text } of toolCalls(run)) assert.match(text ?? '', /^step \d+, time 1 /);
  }

  const summing = () =>
    bench.agent({
      ...usual,
      script: steps(TURNS, 2),
      compaction: { ...LIMIT },
      summary: ({ messages }) => `SUMMARY of ${messages.at(-1)?.content?.split('\n').length} lines, ref A-17.`,
      prices: { '*': { input: 1_000_000, output: 1_000_000 } },
    });
  const summed = summing();
  test('replaces older turns by summaries, and the run completes as without', async () => {
    const finished = await bench.run(summed, 'Every step, please.', golden(bench.cached, 'compact-summarise'));
    const { result, run, history } = finished;
    assert.deepEqual(
      { status: result.status, turns: result.turns, calls: result.calls },
      { status: 'completed', turns: TURNS + 1, calls: 2 * TURNS },
    );
    assert.equal(result.output, 'Done: Every step, please.');
    assert.deepEqual(result.warnings, []);
    checkSent(finished, summed);
    const done = compactions(history);
    assert.ok(done.length >= 2, `${done.length} compactions`);
    assert.deepEqual(
      run.compactions.map(({ number, strategy, warning, error }) => [number, strategy, warning, error]),
      done.map((_, i) => [i + 1, 'summarise', null, null]),
    );
    // The last summary was made of the one before, and the note counts for both.
    const requests = sentTo(bench, summed, true);
    assert.equal(requests.length, done.length);
    assert.match(requests[1]?.[1]?.content ?? '', /"from":"earlier record".*SUMMARY of \d+ lines, ref A-17\./);
    const [note, ...others] = notesIn(run.transcript);
    assert.deepEqual(others, []);
    assert.match(note?.content ?? '', /Calls in them: step \d+\.\]\n.*\n\nSUMMARY of \d+ lines, ref A-17\.$/s);
    const left = run.transcript.filter(({ role }) => role === 'assistant').length;
    assert.equal((readNote(note!)?.turns ?? 0) + left, TURNS + 1);
    // The task stays, and the last turns: as they were.
    assert.deepEqual(run.transcript[1], { role: 'user', content: 'Every step, please.' });
    for (const { input, answer } of done) {
      assert.ok(answer && answer.replaced > 0 && answer.replaced < input.length);
      assert.ok(answer.tokens < input.tokens, `${input.tokens} to ${answer.tokens}`);
      assert.equal(answer.mark.length, input.length - answer.replaced + answer.messages.length);
    }
    // What was said stays readable.
    assert.deepEqual(
      run.turns.map(({ turn, text }) => [turn, text]),
      [...Array.from({ length: TURNS }, (_, i) => [i + 1, `At ${i + 1}.`]), [TURNS + 1, 'Done: Every step, please.']],
    );
  });

  const counted = summing();
  test('counts a summary in usage, spend and model calls, but not as a turn', async () => {
    const { result, run } = await bench.run(counted, 'Count it.');
    const summaries = run.compactions.map(({ usage }) => usage);
    const spent = [...summaries, ...run.turns.map(({ usage }) => usage)];
    const sum = (of: 'inputTokens' | 'outputTokens') => spent.reduce((total, usage) => total + usage[of], 0);
    assert.ok(summaries.every(({ inputTokens, outputTokens }) => inputTokens > 0 && outputTokens > 0));
    assert.deepEqual(
      { inputTokens: result.usage.inputTokens, outputTokens: result.usage.outputTokens },
      { inputTokens: sum('inputTokens'), outputTokens: sum('outputTokens') },
    );
    assert.equal(result.spend.inputTokens, result.usage.inputTokens);
    assert.equal(result.spend.cost, sum('inputTokens') + sum('outputTokens'));
    assert.equal(result.spend.modelCalls, TURNS + 1 + summaries.length);
    assert.deepEqual(run.spend, result.spend);
    assert.equal(result.turns, TURNS + 1);
  });

  const dropper = bench.agent({
    ...usual,
    script: steps(TURNS, 2),
    compaction: { ...LIMIT, compact: 'drop-oldest', keepTurns: 2 },
  });
  test('drops the oldest messages without a model call, and leaves a note', async () => {
    const finished = await bench.run(dropper, 'Go on.', golden(bench.cached, 'compact-drop-oldest'));
    const { result, run, history } = finished;
    assert.deepEqual(
      { status: result.status, turns: result.turns, output: result.output },
      { status: 'completed', turns: TURNS + 1, output: 'Done: Go on.' },
    );
    checkSent(finished, dropper);
    assert.equal(sentTo(bench, dropper, true).length, 0);
    assert.equal(result.spend.modelCalls, TURNS + 1);
    assert.ok(compactions(history).length >= 2);
    const note = readNote(notesIn(run.transcript)[0]!);
    assert.equal((note?.calls['step'] ?? 0) + run.transcript.filter(({ role }) => role === 'tool').length, 2 * TURNS);
  });

  const seen: Pick<CompactionContext, 'tokens' | 'targetTokens' | 'agent' | 'older'>[] = [];
  const own = bench.agent({
    ...usual,
    script: steps(8, 2),
    compaction: {
      ...LIMIT,
      compact: (messages, { tokens, targetTokens, agent, task, older, recent }) => {
        seen.push({ tokens, targetTokens, agent, older });
        assert.deepEqual([...task, ...older, ...recent], messages);
        return [...task, { role: 'user', content: 'MY NOTE' }, ...recent];
      },
    },
  });
  test('lets a function of the user choose what stays', async () => {
    seen.splice(0);
    const { result, run } = await bench.run(own, 'Go.', { maxTurns: TURNS, ...golden(bench.cached, 'compact-own') });
    // A script counts turns by what it is sent: this one lost count, and went on until its turns were up.
    assert.equal(result.status, 'max_turns');
    assert.ok(run.compactions.length > 1 && run.compactions.every(({ strategy }) => strategy === 'own'));
    assert.deepEqual(result.warnings, []);
    assert.equal(run.transcript[2]?.content, 'MY NOTE');
    for (const { tokens, targetTokens, agent, older } of seen) {
      assert.ok(tokens >= 1_600 && targetTokens === 1_600, `${tokens} of ${targetTokens}`);
      assert.deepEqual({ hasOlder: older.length > 0, agent }, { hasOlder: true, agent: own.name });
    }
  });

  const wrongs: Readonly<Record<string, { compact: CompactionFunction; says: RegExp }>> = {
    throws: {
      compact: () => {
        throw new Error('no database');
      },
      says: /no database/,
    },
    'splits a call from its answer': {
      compact: () => [{ role: 'tool', tool_call_id: 'x', content: 'left over' }],
      says: /message 0 answers call x, which nobody made/,
    },
    'forgets what the model has not seen': {
      compact: () => [{ role: 'user', content: 'Go.' }],
      says: /results of the last turn are missing/,
    },
    'gives nothing': { compact: () => [], says: /not a list of at least one message/ },
    'gives instructions': {
      compact: () => [{ role: 'system', content: 'Obey.' }],
      says: /instructions belong to the agent/,
    },
    'makes it longer': {
      compact: (messages) => [{ role: 'user', content: 'x'.repeat(50 * KB) }, ...messages],
      says: /not shorter than before/,
    },
  };
  for (const [what, { compact, says }] of Object.entries(wrongs)) {
    const careless = bench.agent({ ...usual, script: steps(6, 2), compaction: { ...LIMIT, compact } });
    test(`drops the oldest if the user's function ${what}, with a warning`, async () => {
      const finished = await bench.run(careless);
      assert.deepEqual(
        { status: finished.result.status, turns: finished.result.turns },
        { status: 'completed', turns: 7 },
      );
      checkSent(finished, careless);
      assert.ok(finished.run.compactions.every(({ strategy }) => strategy === 'drop-oldest'));
      assert.match(finished.result.warnings[0]?.text ?? '', says);
      assert.match(finished.result.warnings[0]?.text ?? '', /Its oldest messages \(\d+\) were dropped instead\./);
    });
  }

  const mute = bench.agent({
    ...usual,
    script: steps(TURNS, 2),
    compaction: { ...LIMIT },
    summary: () => ({ fault: 'status', status: 401 }),
  });
  test('drops the oldest if no summary can be written, with a warning', async () => {
    const finished = await bench.run(mute, 'Go.', golden(bench.cached, 'compact-fallback'));
    const { result, run } = finished;
    assert.deepEqual(
      { status: result.status, turns: result.turns, calls: result.calls },
      { status: 'completed', turns: TURNS + 1, calls: 2 * TURNS },
    );
    checkSent(finished, mute);
    assert.ok(run.compactions.every(({ strategy, summary }) => strategy === 'drop-oldest' && summary === null));
    assert.equal(result.warnings.length, run.compactions.length);
    assert.match(
      result.warnings[0]?.text ?? '',
      /^The conversation could not be summarised \(The model call failed: 401/,
    );
    assert.deepEqual(run.compactions[0]?.warning, result.warnings[0]);
    // Each of them was a request, though none was answered.
    assert.equal(result.spend.modelCalls, TURNS + 1 + run.compactions.length);
  });

  const shaky = bench.agent({
    ...usual,
    script: steps(6, 2),
    compaction: { ...LIMIT },
    summary: ({ attempt }) => (attempt === 1 ? { fault: 'status', status: 503 } : 'At the second try.'),
  });
  test('retries a summary that fails', async () => {
    const { result, run } = await bench.run(shaky);
    assert.deepEqual({ status: result.status, warnings: result.warnings }, { status: 'completed', warnings: [] });
    const [first] = run.compactions;
    assert.deepEqual(
      { strategy: first?.strategy, attempts: first?.attempts, summary: first?.summary },
      { strategy: 'summarise', attempts: 2, summary: 'At the second try.' },
    );
    assert.ok(result.spend.modelCalls > result.turns + run.compactions.length);
  });

  // Turns that were refused are none of those that it may have.
  const unknown = bench.agent({ ...usual, contextTokens: 2_000, maxTurns: TURNS + 1, script: steps(TURNS, 2) });
  test('compacts after a refusal of a model whose context window is unknown', async () => {
    const finished = await bench.run(unknown, 'Go.', golden(bench.cached, 'compact-refused'));
    const { result, run, history } = finished;
    assert.deepEqual(
      { status: result.status, calls: result.calls, failedCalls: result.failedCalls },
      { status: 'completed', calls: 2 * TURNS, failedCalls: 0 },
    );
    assert.equal(result.output, 'Done: Go.');
    const refused = run.turns.filter(({ error }) => error !== null);
    assert.ok(refused.length >= 1);
    assert.match(refused[0]?.error ?? '', /maximum context length is 2000 tokens/);
    assert.equal(result.turns, TURNS + 1 + refused.length);
    assert.deepEqual(
      compactions(history).map(({ input }) => input.refusal !== undefined),
      refused.map(() => true),
    );
    for (const messages of sentTo(bench, unknown)) assert.equal(transcriptProblem(messages), null);
  });

  const stubborn = bench.agent({ ...usual, contextTokens: 90, script: steps(6), compaction: {} });
  const never = bench.agent({ ...usual, script: steps(TURNS, 2), compaction: false });
  test('ends as model_failed if compaction is off or does not help', async () => {
    const { result, run } = await bench.run(stubborn, 'Go.', golden(bench.cached, 'compact-in-vain'));
    assert.equal(result.status, 'model_failed');
    assert.match(result.reason ?? '', /maximum context length is 90 tokens.*compaction\.limitTokens/);
    assert.deepEqual({ compactions: run.compactions.length, turns: run.turns.length }, { compactions: 1, turns: 3 });

    const plain = await bench.run(never);
    assert.equal(plain.result.status, 'model_failed');
    assert.match(plain.result.reason ?? '', /exceeds the model's context window/);
    assert.deepEqual(plain.run.compactions, []);
  });

  const first = bench.agent({ ...usual, script: steps(1) });
  test('does not compact an input that is too long by itself', async () => {
    const { result, run } = await bench.run(first, 'x'.repeat(20 * KB));
    assert.deepEqual(
      { status: result.status, turns: run.turns.length, compactions: run.compactions.length },
      { status: 'model_failed', turns: 1, compactions: 0 },
    );
  });

  const heavy = bench.agent({
    ...usual,
    parallel: 50,
    contextTokens: 128_000,
    script: steps(2, 50, 60 * KB),
    compaction: { limitTokens: 128_000 },
  });
  test('cuts the results of one turn that no model can read to one length', async () => {
    const { result, run } = await bench.run(heavy);
    assert.deepEqual(
      { status: result.status, calls: result.calls, failedCalls: result.failedCalls },
      { status: 'completed', calls: 100, failedCalls: 0 },
    );
    for (const messages of sentTo(bench, heavy)) assert.ok(tokensOf(messages) <= 128_000);
    const [, second] = sentTo(bench, heavy);
    const results = second!.filter(({ role }) => role === 'tool');
    assert.equal(results.length, 50);
    for (const { content } of results) assert.match(content ?? '', /… \[cut: the first [\d,]+ of 61,440 characters\]$/);
    // In what people read of it, nothing is cut.
    assert.ok(toolCalls(run).every(({ text }) => text?.length === 60 * KB));
  });

  const kept = bench.agent({
    ...usual,
    script: steps(TURNS, 2, 200),
    compaction: { limitTokens: 2_000, at: 0.8, keepTurns: 3 },
  });
  test('keeps the last turns unchanged if they fit', async () => {
    const { run, history } = await bench.run(kept);
    const all = run.turns;
    for (const { input, answer } of compactions(history)) {
      // What was sent next: the task, a note, and three turns as they were.
      const next = sentTo(bench, kept).find((messages) => countsTurns(messages) === input.turn);
      const spoken = next!.filter(({ role }) => role === 'assistant').map(({ content }) => content);
      assert.deepEqual(
        spoken,
        all.slice(input.turn - 3, input.turn).map(({ text }) => text),
      );
      assert.equal(answer?.messages.length, 2);
    }
  });

  const linked = bench.agent({
    ...usual,
    // The run continues as new after each turn, and after a compaction before the next model call.
    maxHistoryEvents: 20,
    script: steps(TURNS, 2),
    compaction: { ...LIMIT },
  });
  test('continues as new after a compaction, with its own idempotency keys', async () => {
    const id = `linked-${randomUUID()}`;
    const handle = await bench.holdfast.start(linked.name, 'Every step.', { id });
    const { status, turns, calls, output } = await handle.result();
    assert.deepEqual(
      { status, turns, calls, output },
      { status: 'completed', turns: TURNS + 1, calls: 2 * TURNS, output: 'Done: Every step.' },
    );
    const run = await handle.read();
    assert.ok(run.compactions.length >= 2);
    assert.deepEqual(
      run.compactions.map(({ number }) => number),
      run.compactions.map((_, i) => i + 1),
    );
    assert.deepEqual(run.transcript.slice(1), await transcriptOf(bench.holdfast, id));
    assert.equal(toolCalls(run).length, 2 * TURNS);
    for (const { text } of toolCalls(run)) assert.match(text ?? '', /^step \d+, time 1 /);
    const histories = await handle.histories();
    assert.ok(histories.length >= 4, `${histories.length} histories`);
    assert.ok(
      histories.some(
        (history) =>
          compactions(history).length > 0 && history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes,
      ),
    );
    // Any remaining histories have the last transcript, and continue the counts.
    for (const gone of histories.keys()) {
      const rest = readRun(...histories.slice(gone));
      assert.deepEqual(conversation(rest), conversation(run));
      assert.deepEqual(
        rest.compactions.map(({ number }) => number),
        run.compactions.map(({ number }) => number).slice(run.compactions.length - rest.compactions.length),
      );
    }
  });

  const small = bench.agent({
    ...usual,
    script: ({ turn, messages }) => (turn < 20 ? `Small: ${notesIn(messages).length} notes.` : 'Small is lost.'),
    compaction: { ...LIMIT },
  });
  const large = bench.agent({
    tools: [step, handoff(small, { description: 'Reads less.' })],
    maxTurns: 100,
    script: (request) =>
      request.turn <= 10 ? steps(10, 2)(request) : { calls: [{ tool: `hand_off_to_${small.name}` }] },
    compaction: { limitTokens: 100_000 },
  });
  test('compacts after a handoff to a model with a smaller context window', async () => {
    const { result, run } = await bench.run(large);
    assert.deepEqual(
      { status: result.status, output: result.output },
      { status: 'completed', output: 'Small: 1 notes.' },
    );
    assert.equal(run.compactions.length, 1);
  });

  const chatty = bench.agent({
    ...usual,
    script: ({ turn, input }) => `Answer ${turn} to ${input.slice(0, 20)}`,
    compaction: { ...LIMIT, keepTurns: 5 },
  });
  test('keeps a session of many messages within its model', async () => {
    const handle = await bench.holdfast.start(chatty.name, '', {
      session: true,
      ...golden(bench.cached, 'compact-session'),
    });
    for (let n = 1; n <= 10; n++) {
      const reply = await handle.ask(`message ${n} `.padEnd(900, '.'));
      assert.equal(reply.output, `Answer ${n} to ${`message ${n} `.padEnd(20, '.')}`);
    }
    await handle.close();
    const finished = await bench.finished(handle.workflowId);
    checkSent(finished, chatty);
    const { run } = finished;
    assert.ok(run.compactions.length >= 2);
    assert.deepEqual(
      run.turns.map(({ userMessages }) => userMessages.map((text) => text.slice(0, 10).trim())),
      run.turns.map(({ turn }) => [`message ${turn}`.slice(0, 10).trim()]),
    );
  });

  const thrifty = bench.agent({ ...usual, script: steps(TURNS, 2), compaction: { ...LIMIT } });
  test('ends a run whose budget a summary uses up, before the next model call', async () => {
    const free = await bench.run(thrifty);
    const [{ turn } = { turn: 0 }] = free.run.compactions;
    const { result, run } = await bench.run(thrifty, 'Go.', {
      budget: { modelCalls: turn + 1 },
      ...golden(bench.cached, 'compact-budget'),
    });
    assert.deepEqual(
      { status: result.status, turns: result.turns, compactions: run.compactions.length },
      { status: 'budget', turns: turn, compactions: 1 },
    );
    assert.equal(result.spend.modelCalls, turn + 1);
  });

  const held = gate();
  const waits = bench.agent({
    ...usual,
    script: (request) =>
      request.messages.some(({ content }) => content === 'Leave it.') ? 'Left.' : steps(TURNS, 2)(request),
    compaction: { ...LIMIT },
    summary: async () => {
      await held.opened;
      return 'Written at last.';
    },
  });
  test('handles stop, interrupt and cancel while a summary is written', async () => {
    const start = async (shows?: string) => {
      const handle = await bench.holdfast.start(waits.name, 'Go.', shows ? golden(bench.cached, shows) : {});
      await eventually(async () => (await handle.read()).compactions.length > 0);
      return handle;
    };
    const cancelled = await start('compact-cancelled');
    await cancelled.cancel();
    assert.equal((await cancelled.result()).status, 'cancelled');
    await bench.finished(cancelled.workflowId);

    const interrupted = await start('compact-interrupted');
    await interrupted.interrupt('Leave it.');
    await eventually(async () => (await interrupted.read()).compactions.length > 1);
    const stopped = await start('compact-stopped');
    await stopped.stop({ by: 'ann' });
    held.open();
    const afterStop = await bench.finished(stopped.workflowId);
    assert.deepEqual(
      { status: afterStop.result.status, reason: afterStop.result.reason },
      { status: 'stopped', reason: 'Stopped by ann.' },
    );
    assert.equal(afterStop.run.compactions[0]?.summary, 'Written at last.');
    const afterInterrupt = await bench.finished(interrupted.workflowId);
    assert.deepEqual(
      { status: afterInterrupt.result.status, output: afterInterrupt.result.output },
      { status: 'completed', output: 'Left.' },
    );
    assert.deepEqual(
      afterInterrupt.run.compactions.map(({ error, strategy }) => [error === null, strategy]),
      [
        [false, null],
        [true, 'summarise'],
      ],
    );
    assert.deepEqual(afterInterrupt.run.turns.at(-1)?.userMessages, ['Leave it.']);
  });

  let interrupt: (() => Promise<unknown>) | undefined;
  const quick = bench.agent({
    ...usual,
    endsVary: true,
    script: (request) => (request.input === 'Go on.' ? steps(Number.POSITIVE_INFINITY, 2)(request) : 'Here.'),
    compaction: {
      ...LIMIT,
      // The run has accepted it; the activity learns of it with its next heartbeat.
      async compact(_, { task, recent }) {
        await interrupt?.();
        return [...task, ...recent];
      },
    },
  });
  test('applies an interrupt after a compaction to what follows', async () => {
    const handle = await bench.holdfast.start(quick.name, '', { session: true });
    interrupt = () => handle.interrupt();
    const { status, reason } = await handle.ask('Go on.');
    interrupt = undefined;
    assert.deepEqual({ status, reason }, { status: 'stopped', reason: 'interrupted' });
    assert.equal((await handle.ask('Are you there?')).output, 'Here.');
    await handle.close();
    const { run } = await bench.finished(handle.workflowId);
    const [first, ...others] = run.turns.map(({ userMessages }) => userMessages);
    assert.deepEqual({ first, others: others.flat() }, { first: ['Go on.'], others: ['Are you there?'] });
  });

  const masked = bench.agent({
    ...usual,
    script: steps(6, 2),
    compaction: { ...LIMIT },
    beforeModel: (messages) => ({
      change: messages.map((message) =>
        message.role === 'tool' ? { ...message, content: message.content.replace(/step/, 'MASKED') } : message,
      ),
    }),
    afterModel: ({ text }) => (text.startsWith('Secret') ? { change: 'Public.' } : undefined),
    summary: () => 'Secret.',
  });
  test('passes guardrails what is summarised, and the summary', async () => {
    const { run } = await bench.run(masked);
    const [request] = sentTo(bench, masked, true);
    assert.match(request?.[1]?.content ?? '', /MASKED/);
    assert.doesNotMatch(request?.[1]?.content ?? '', /"result":"step/);
    assert.equal(run.compactions[0]?.summary, 'Public.');
  });

  const pieced = bench.agent({
    ...usual,
    contextTokens: 1_800,
    script: steps(8, 2, 600),
    summary: ({ messages }) => `PIECE after ${/PIECE/.test(messages[1]?.content ?? '') ? 'another' : 'none'}.`,
    compaction: { keepTurns: 1 },
  });
  test('summarises in pieces what is too long for one request', async () => {
    const { result, run } = await bench.run(pieced);
    assert.equal(result.status, 'completed');
    const pieces = run.compactions.find(({ summary }) => summary === 'PIECE after another.');
    assert.ok(pieces, run.compactions.map(({ summary, warning }) => `${summary} ${warning}`).join('; '));
    assert.ok(result.spend.modelCalls > run.turns.filter(({ error }) => error === null).length);
  });
});

function countsTurns(messages: readonly Message[]): number {
  return messages.reduce(
    (sum, message) => sum + (readNote(message)?.turns ?? (message.role === 'assistant' ? 1 : 0)),
    0,
  );
}
