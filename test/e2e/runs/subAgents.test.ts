// A sub-agent is a run of its own below its parent, and its end is one tool message there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { asTool, defineTool } from '../../../activities/index.ts';
import type { RunHandle } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { transcriptProblem } from '../../../core/transcript.ts';
import type { ToolFailure } from '../../../core/types.ts';
import { endToEnd } from '../../support/bench.ts';
import { inboxOf } from '../../support/people.ts';
import { golden, toolTexts, toolValues } from '../../support/toolTexts.ts';
import { counter, eventually, gate, tally } from '../../support/waits.ts';

const description = 'Another agent.';

endToEnd('sub-agents', (bench) => {
  /** A tool that its test holds, by what it is asked; a call that is cancelled ends. */
  const gates = new Map<string, ReturnType<typeof gate>>();
  const entered = tally();
  const left = tally();
  const begun = counter();
  const hold = defineTool({
    name: 'hold',
    description: 'Waits for its test.',
    input: z.object({ key: z.string() }),
    effect: 'idempotent',
    async run({ key }, ctx) {
      entered.add(key);
      begun.add();
      const cancelled = new Promise<never>((_, reject) => {
        ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason));
      });
      await Promise.race([gateOf(key).opened, cancelled]);
      left.add(key);
      return `held ${key}`;
    },
  });
  function gateOf(key: string) {
    const known = gates.get(key) ?? gate();
    gates.set(key, known);
    return known;
  }
  const entering = (key: string) => eventually(async () => entered.of(key) > 0);
  const holding = (key: string) => ({ calls: [{ tool: 'hold', arguments: { key } }] });
  /** Each test and cache mode has its own key. */
  const mine = (key: string) => `${key}-${bench.mode}`;

  let active = 0;
  let most = 0;
  const met = counter();
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    input: z.object({}),
    effect: 'read',
    async run() {
      active += 1;
      most = Math.max(most, active);
      met.add();
      // The first two wait for each other.
      await met.until(2);
      active -= 1;
      return 'seen';
    },
  });
  const looker = bench.agent({
    tools: [look],
    script: ({ turn, input }) => (turn === 1 ? { calls: [{ tool: 'look' }] } : `found ${input}`),
  });
  const four = ['a', 'b', 'c', 'd'];
  const fanOut = bench.agent({
    tools: [asTool(looker, { description, maxParallel: 2 })],
    script: [{ calls: four.map((input) => ({ tool: looker.name, arguments: { input } })) }, { text: 'Done.' }],
  });
  test('runs four child runs, two at once, and returns their output in order', async () => {
    const { run, result } = await bench.run(fanOut, 'Go.', golden(bench.cached, 'sub-agents'));
    assert.deepEqual(
      toolTexts(run),
      four.map((input) => `found ${input}`),
    );
    assert.equal(most, 2);
    const ids = toolCalls(run).map(({ childId }) => childId);
    assert.deepEqual(
      ids,
      four.map((_, slot) => `${run.workflowId}.1.${slot}`),
    );
    const child = bench.holdfast.get(ids[2]!);
    const { memo } = await child.describe();
    assert.deepEqual(
      { agent: memo?.['agent'], parent: memo?.['parent'], status: memo?.['status'] },
      { agent: looker.name, parent: run.workflowId, status: 'completed' },
    );
    const { run: below } = await bench.finished(child.workflowId);
    assert.deepEqual(
      { input: below.input, output: below.output, status: below.status },
      { input: 'c', output: 'found c', status: 'completed' },
    );
    // Two calls of the parent's own model and two of each sub-agent's; four calls here and one in each.
    assert.deepEqual(
      { modelCalls: result.spend.modelCalls, toolCalls: result.spend.toolCalls },
      { modelCalls: 2 + 4 * 2, toolCalls: 4 + 4 },
    );
    const tokens = below.spend.inputTokens + below.spend.outputTokens;
    assert.ok(tokens > 0 && result.spend.inputTokens + result.spend.outputTokens > 4 * tokens);
    assert.deepEqual(run.spend, result.spend);
  });

  const echo = bench.agent({ script: ({ input }) => `asked: ${input}` });
  const asking = bench.agent({
    tools: [
      asTool(echo, { description, name: 'plain' }),
      asTool(echo, {
        description,
        name: 'shaped',
        input: z.object({ who: z.string(), times: z.number().int() }),
        ask: ({ who, times }) => `greet ${who} ${times} times`,
      }),
      asTool(echo, { description, name: 'unshaped', input: z.object({ who: z.string() }) }),
      asTool(echo, { description, name: 'nothing', ask: () => ' ' }),
    ],
    script: [
      {
        calls: [
          { tool: 'plain', arguments: { input: 'one thing' } },
          { tool: 'shaped', arguments: { who: 'ann', times: 2 } },
          { tool: 'unshaped', arguments: { who: 'bob' } },
          { tool: 'nothing', arguments: { input: 'x' } },
          { tool: 'shaped', arguments: { who: 'ann', times: 1.5 } },
          { tool: 'plain', arguments: { input: '' } },
        ],
      },
      { text: 'Done.' },
    ],
  });
  test('passes the input, the result of `ask`, or all arguments, and never nothing', async () => {
    const { run } = await bench.run(asking);
    const told = toolTexts(run);
    assert.deepEqual(told.slice(0, 3), ['asked: one thing', 'asked: greet ann 2 times', 'asked: {"who":"bob"}']);
    assert.deepEqual(
      toolCalls(run)
        .slice(3)
        .map(({ kind, childId }) => [kind, childId]),
      Array.from({ length: 3 }, () => ['invalid_arguments', null]),
    );
    assert.match(told[3]!, /its input would be empty/);
  });

  const endless = bench.agent({
    maxTurns: 1,
    tools: [look],
    script: () => ({ text: 'hm', calls: [{ tool: 'look' }] }),
  });
  const broken = bench.agent({ script: () => ({ fault: 'status', status: 400 }) });
  const declining = bench.agent({ script: () => ({ refusal: 'I would rather not.' }) });
  const waiting = bench.agent({ tools: [hold], script: ({ turn, input }) => (turn === 1 ? holding(input) : 'held') });
  const unlucky = bench.agent({
    tools: [endless, broken, declining, waiting].map((agent) => asTool(agent, { description })),
    script: [
      {
        calls: [
          ...[endless, broken, declining].map(({ name }) => ({ tool: name, arguments: { input: 'x' } })),
          { tool: waiting.name, arguments: { input: mine('terminated') } },
          { tool: waiting.name, arguments: { input: mine('cancelled') } },
        ],
      },
      // What the model read, to compare it with history.
      ({ results }) => ({ text: JSON.stringify(results.map(({ result }) => result)) }),
    ],
  });
  test('returns each kind of failure as an error, which history reads the same', async () => {
    const id = golden(bench.cached, 'sub-agents-fail').id ?? `unlucky-${Date.now()}`;
    await bench.holdfast.start(unlucky.name, 'Go.', { id });
    await Promise.all([entering(mine('terminated')), entering(mine('cancelled'))]);
    await bench.holdfast.client.workflow.getHandle(`${id}.1.3`).terminate('by hand');
    await bench.holdfast.get(`${id}.1.4`).cancel();
    const { run, result } = await bench.finished(id);
    assert.equal(result.status, 'completed');
    assert.deepEqual(JSON.parse(result.output!), toolValues(run));
    const failures = toolValues(run) as ToolFailure[];
    assert.deepEqual(
      failures.map(({ kind }) => kind),
      ['failed', 'failed', 'failed', 'failed', 'cancelled'],
    );
    for (const [at, says] of [
      [0, /ended as max_turns.*Its last words: hm/],
      [1, /ended as model_failed.*400/],
      [2, /ended as refused/],
      [3, /it was terminated/],
    ] as const)
      assert.match(failures[at]!.error, says);
    assert.equal(result.failedCalls, 5);
    // The terminated one could tell nothing; the others each asked their model once, two of ours beside them.
    assert.equal(result.spend.modelCalls, 2 + 4);
    assert.deepEqual(
      { terminated: left.of(mine('terminated')), cancelled: left.of(mine('cancelled')) },
      { terminated: 0, cancelled: 0 },
    );
  });

  const nameOfSelf = 'matryoshka';
  bench.agent({
    name: nameOfSelf,
    maxDepth: 2,
    tools: [asTool(nameOfSelf, { description })],
    script: ({ turn, input, results }) =>
      turn === 1
        ? { calls: [{ tool: nameOfSelf, arguments: { input: `${input}+` } }] }
        : String(JSON.stringify(results)),
  });
  test('lets an agent use itself by name up to the allowed depth', async () => {
    const handle = await bench.holdfast.start(nameOfSelf, 'doll');
    const { result } = await bench.finished(handle.workflowId);
    assert.equal(result.status, 'completed');
    const { run } = await bench.finished(`${handle.workflowId}.1.0.1.0`);
    assert.equal(run.input, 'doll++');
    assert.match(toolTexts(run)[0]!, /"kind":"rejected".*|not run: sub-agents may be nested 2 deep/);
    assert.equal(toolCalls(run)[0]?.childId, null);
  });

  const hopeful = bench.agent({
    maxDepth: 3,
    tools: [asTool(echo, { description })],
    script: ({ turn, results }) =>
      turn === 1 ? { calls: [{ tool: echo.name, arguments: { input: 'x' } }] } : JSON.stringify(results),
  });
  const strict = bench.agent({
    maxDepth: 1,
    maxSubAgents: 2,
    tools: [asTool(hopeful, { description })],
    script: [
      { calls: [1, 2, 3].map((input) => ({ tool: hopeful.name, arguments: { input: String(input) } })) },
      { text: 'Done.' },
    ],
  });
  test('applies the limits on depth and number of the runs above', async () => {
    const { run } = await bench.run(strict);
    const told = toolTexts(run);
    for (const text of told.slice(0, 2)) assert.match(text, /not run: sub-agents may be nested 1 deep/);
    assert.match(told[2]!, /not run: a run may start 2 sub-agents/);
    assert.deepEqual(
      toolCalls(run).map(({ kind }) => kind),
      [null, null, 'rejected'],
    );
  });

  /** Resolves when the run asks about a call. */
  async function question(handle: RunHandle) {
    for await (const event of handle.events()) if (event.type === 'question') return event.question;
    throw new Error('It never asked.');
  }

  const guarded = bench.agent({
    tools: [asTool(echo, { description, approval: ({ input }) => input === 'dear' })],
    script: [
      { calls: ['dear', 'cheap', 'dear'].map((input) => ({ tool: echo.name, arguments: { input } })) },
      { text: 'Done.' },
    ],
  });
  test('needs an approval like any call, and starts nothing without it', async () => {
    const handle = await bench.holdfast.start(guarded.name, 'Go.');
    await question(handle);
    await eventually(async () => (await handle.read()).turns[0]?.calls[1]?.ok);
    const before = await handle.read();
    assert.deepEqual(
      before.turns[0]?.calls.map(({ childId }) => childId),
      [null, `${handle.workflowId}.1.1`, null],
    );
    await handle.approve('1.0');
    await handle.reject('1.2', { why: 'too dear' });
    const { run } = await bench.finished(handle.workflowId);
    assert.equal(toolTexts(run)[0], 'asked: dear');
    assert.deepEqual(
      run.turns[0]?.calls.map(({ childId, kind }) => [childId !== null, kind]),
      [
        [true, null],
        [true, null],
        [false, 'rejected'],
      ],
    );
  });

  const paid = tally();
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: z.object({ to: z.string() }),
    effect: 'idempotent',
    approval: 'always',
    run: ({ to }) => `paid ${paid.add(to)}`,
  });
  const payer = bench.agent({
    tools: [pay],
    script: ({ turn, input, results }) =>
      turn === 1 ? { calls: [{ tool: 'pay', arguments: { to: input } }] } : String(results[0]?.result),
  });
  const middle = bench.agent({
    tools: [asTool(payer, { description })],
    script: ({ turn, input, results }) =>
      turn === 1 ? { calls: [{ tool: payer.name, arguments: { input } }] } : String(results[0]?.result),
  });
  const patient = bench.agent({
    timeLimit: '20 s',
    tools: [asTool(payer, { description }), asTool(middle, { description })],
    script: [
      {
        calls: [
          { tool: payer.name, arguments: { input: mine('near') } },
          { tool: middle.name, arguments: { input: mine('far') } },
        ],
      },
      { text: 'Done.' },
    ],
  });
  test('lists their questions in the inbox, without active time above', async () => {
    const id = golden(bench.cached, 'sub-agents-wait').id ?? `patient-${Date.now()}`;
    const handle = await bench.holdfast.start(patient.name, 'Go.', { id });
    const [near, far] = [`${id}.1.0`, `${id}.1.1.1.0`];
    const waiting = await eventually(async () => {
      const waiting = await inboxOf(bench.holdfast, id);
      return waiting.length === 2 && waiting;
    });
    assert.deepEqual(waiting.map(({ workflowId, parentId }) => [workflowId, parentId]).sort(), [
      [near, id],
      [far, `${id}.1.1`],
    ]);
    // Longer than the time limit of the run above.
    await sleep(20_500);
    assert.equal((await handle.read()).status, 'running');
    for (const child of [near, far]) {
      assert.equal((await bench.holdfast.get(child).approve(undefined, { by: 'ann' })).isFirst, true);
    }
    const { run, result } = await bench.finished(id);
    assert.deepEqual([result.status, ...toolTexts(run)], ['completed', 'paid 1', 'paid 1']);
    assert.ok(result.spend.activeMs < 20_000, `${result.spend.activeMs}`);
    // Temporal's visibility is a moment behind.
    await eventually(async () => (await inboxOf(bench.holdfast, id)).length === 0);
  });

  const deep = (key: string) =>
    bench.agent({
      tools: [asTool(waiting, { description })],
      script: ({ turn }) =>
        turn === 1 ? { calls: [{ tool: waiting.name, arguments: { input: mine(key) } }] } : 'middle done',
    });
  const tree = (key: string) => {
    const below = deep(key);
    return bench.agent({
      tools: [asTool(below, { description })],
      script: ({ turn, results }) =>
        turn === 1 ? { calls: [{ tool: below.name, arguments: { input: 'x' } }] } : JSON.stringify(results),
    });
  };
  const idsOf = (id: string) => [id, `${id}.1.0`, `${id}.1.0.1.0`] as const;

  const cancelling = tree('cancel-tree');
  test('cancels the tree, with valid transcripts and known spend', async () => {
    const id = golden(bench.cached, 'sub-agents-cancelled').id ?? `cancel-tree-${Date.now()}`;
    const handle = await bench.holdfast.start(cancelling.name, 'Go.', { id });
    await entering(mine('cancel-tree'));
    await handle.cancel();
    for (const each of idsOf(id)) {
      const { run, result } = await bench.finished(each);
      assert.equal(result.status, 'cancelled');
      assert.equal(transcriptProblem(run.transcript), null);
      assert.deepEqual(
        toolCalls(run).map(({ kind }) => kind),
        ['cancelled'],
      );
    }
    const { run } = await bench.finished(id);
    assert.deepEqual(
      { modelCalls: run.spend.modelCalls, toolCalls: run.spend.toolCalls },
      { modelCalls: 3, toolCalls: 3 },
    );
    const { memo } = await handle.describe();
    assert.deepEqual({ status: memo?.['status'], spend: memo?.['spend'] }, { status: 'cancelled', spend: run.spend });
    assert.equal(left.of(mine('cancel-tree')), 0);
  });

  /** Whether the run has reported to its parent that it waits. */
  const toldToWait = (parentId: string) =>
    eventually(async () => {
      const { events } = await bench.holdfast.get(parentId).history();
      return events?.some((event) => {
        const data = event.workflowExecutionSignaledEventAttributes?.input?.payloads?.[0]?.data;
        return data && Buffer.from(data).includes('"waiting":true');
      });
    });

  const pausing = tree('pause-tree');
  test('pauses and resumes the tree', async () => {
    const handle = await bench.holdfast.start(pausing.name, 'Go.');
    const [root, mid, leaf] = idsOf(handle.workflowId);
    await entering(mine('pause-tree'));
    await handle.pause();
    // The command has to arrive before the tool ends.
    await eventually(async () =>
      (await bench.holdfast.get(leaf).history()).events?.some(
        (event) => event.workflowExecutionSignaledEventAttributes,
      ),
    );
    gateOf(mine('pause-tree')).open();
    await toldToWait(mid);
    await toldToWait(root);
    assert.equal((await bench.holdfast.get(leaf).read()).turns.length, 1, 'its model was not asked again');
    await handle.resume();
    for (const each of [leaf, mid, root]) assert.equal((await bench.finished(each)).result.status, 'completed');
  });

  const stopping = tree('stop-tree');
  test('stops the tree: running calls finish, nothing new starts', async () => {
    const handle = await bench.holdfast.start(stopping.name, 'Go.');
    const [root, mid, leaf] = idsOf(handle.workflowId);
    await entering(mine('stop-tree'));
    await handle.stop({ by: 'ann', why: 'enough' });
    await eventually(async () =>
      (await bench.holdfast.get(leaf).history()).events?.some(
        (event) => event.workflowExecutionSignaledEventAttributes,
      ),
    );
    gateOf(mine('stop-tree')).open();
    for (const each of [leaf, mid, root]) {
      const { result } = await bench.finished(each);
      assert.deepEqual(
        { status: result.status, reason: result.reason, turns: result.turns },
        { status: 'stopped', reason: 'Stopped by ann: enough', turns: 1 },
      );
    }
    assert.equal(left.of(mine('stop-tree')), 1);
  });

  const interrupting = tree('interrupt-tree');
  test('interrupts the runs below, and continues above with the message', async () => {
    const handle = await bench.holdfast.start(interrupting.name, 'Go.');
    await entering(mine('interrupt-tree'));
    await handle.interrupt('Never mind.');
    const { run, result } = await bench.finished(handle.workflowId);
    assert.equal(result.status, 'completed');
    assert.deepEqual(run.turns[1]?.userMessages, ['Never mind.']);
    assert.equal(toolCalls(run)[0]?.kind, 'cancelled');
    for (const each of idsOf(handle.workflowId).slice(1))
      assert.equal((await bench.finished(each)).result.status, 'cancelled');
  });

  const twoBelow = bench.agent({
    tools: [asTool(waiting, { description })],
    script: [
      { calls: ['call-a', 'call-b'].map((key) => ({ tool: waiting.name, arguments: { input: mine(key) } })) },
      { text: 'Done.' },
    ],
  });
  test('cancels one sub-agent, and the other continues', async () => {
    const handle = await bench.holdfast.start(twoBelow.name, 'Go.');
    await Promise.all([entering(mine('call-a')), entering(mine('call-b'))]);
    await handle.cancelCall('1.0');
    await eventually(async () => (await handle.read()).turns[0]?.calls[0]?.kind === 'cancelled');
    gateOf(mine('call-b')).open();
    const { run, result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      toolCalls(run).map(({ kind }) => kind),
      ['cancelled', null],
    );
    assert.equal(result.spend.modelCalls, 2 + 1 + 2);
  });

  const chained = bench.agent({
    maxHistoryEvents: 30,
    tools: [asTool(echo, { description })],
    script: ({ turn }) => (turn <= 5 ? { calls: [{ tool: echo.name, arguments: { input: `${turn}` } }] } : 'Done.'),
  });
  test('keeps the spend of sub-agents over continue-as-new', async () => {
    const handle = await bench.holdfast.start(chained.name, 'Go.');
    const { run, result } = await bench.finished(handle.workflowId);
    let histories = 1;
    for await (const event of handle.events()) if (event.type === 'continued') histories += 1;
    assert.ok(histories > 1, 'it did continue as new');
    assert.deepEqual(
      toolTexts(run),
      [1, 2, 3, 4, 5].map((turn) => `asked: ${turn}`),
    );
    assert.deepEqual(
      { modelCalls: result.spend.modelCalls, toolCalls: result.spend.toolCalls },
      { modelCalls: 6 + 5, toolCalls: 5 },
    );
    assert.deepEqual(run.spend, result.spend);
  });

  const counting = bench.agent({
    budget: { tokens: 1_000_000 },
    tools: [asTool(waiting, { description })],
    script: [{ calls: [{ tool: waiting.name, arguments: { input: mine('live') } }] }, { text: 'Done.' }],
  });
  const uncounted = bench.agent({
    tools: [asTool(echo, { description })],
    script: [{ calls: [{ tool: echo.name, arguments: { input: 'x' } }] }, { text: 'Done.' }],
  });
  test('reports spend turn by turn if a run above has a budget, and only then', async () => {
    const { history } = await bench.run(uncounted);
    assert.ok(!history.events?.some((event) => event.workflowExecutionSignaledEventAttributes));

    const handle = await bench.holdfast.start(counting.name, 'Go.');
    await entering(mine('live'));
    const early = await handle.read();
    assert.deepEqual(
      { status: early.status, childId: early.turns[0]?.calls[0]?.childId },
      { status: 'running', childId: `${handle.workflowId}.1.0` },
    );
    await bench.holdfast.get(`${handle.workflowId}.1.0`).pause();
    gateOf(mine('live')).open();
    const { spend } = await eventually(async () => {
      const now = await handle.read();
      return now.spend.modelCalls > 1 && now;
    });
    assert.deepEqual({ modelCalls: spend.modelCalls, toolCalls: spend.toolCalls }, { modelCalls: 2, toolCalls: 2 });
    await bench.holdfast.get(`${handle.workflowId}.1.0`).resume();
    const { result } = await bench.finished(handle.workflowId);
    assert.equal(result.spend.modelCalls, 2 + 2);
  });
});
