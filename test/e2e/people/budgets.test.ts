// A budget applies to a run and its sub-agents: at a limit, the run stops with its results, or asks a person for more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { asTool, defineTool } from '../../../activities/index.ts';
import { CommandRejected, InvalidStart, type RunHandle } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import type { Budget, Spend } from '../../../core/types.ts';
import { endToEnd } from '../../support/bench.ts';
import { inboxOf } from '../../support/people.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';
import { eventually, gate, tally } from '../../support/waits.ts';

const description = 'Another agent.';
const tokensOf = ({ inputTokens, outputTokens }: Spend) => inputTokens + outputTokens;

/** Resolves when the run asks for more budget. */
async function askedForBudget(handle: RunHandle) {
  for await (const event of handle.events())
    if (event.type === 'question' && event.question.kind === 'budget') return event.question;
  throw new Error('It never asked.');
}

endToEnd('budgets', (bench) => {
  const did = tally();
  const step = defineTool({
    name: 'step',
    description: 'One step.',
    input: z.object({ key: z.string().default('step') }),
    effect: 'idempotent',
    run({ key }) {
      did.add(key);
      return 'Stepped.';
    },
  });
  /** Works for `turns` turns, one call each, then says so. */
  const worker = (turns: number, more: object = {}, calls = 1) =>
    bench.agent({
      maxTurns: 50,
      tools: [step],
      script: ({ turn }) =>
        turn <= turns
          ? { text: `At ${turn}.`, calls: Array.from({ length: calls }, () => ({ tool: 'step' })) }
          : 'Done.',
      ...more,
    });

  const thrifty = worker(5, { budget: { modelCalls: 2 } });
  test('ends as budget at the limit of model calls, with the results so far', async () => {
    const { run, result } = await bench.run(thrifty, 'Go.', golden(bench.cached, 'budget'));
    assert.deepEqual(
      { status: result.status, turns: result.turns, output: result.output },
      { status: 'budget', turns: 2, output: 'At 2.' },
    );
    assert.equal(result.reason, 'The budget of 2 model calls is used up.');
    assert.deepEqual(
      { modelCalls: result.spend.modelCalls, toolCalls: result.spend.toolCalls },
      { modelCalls: 2, toolCalls: 2 },
    );
    assert.deepEqual(run.spend, result.spend);
    const { memo } = await bench.holdfast.get(run.workflowId).describe();
    assert.deepEqual({ status: memo?.['status'], spend: memo?.['spend'] }, { status: 'budget', spend: result.spend });
  });

  const unlimited = worker(5);
  const tight = worker(3, { budget: { modelCalls: 1 } });
  test('applies the limits of a start before those of the agent', async () => {
    const limited = await bench.run(unlimited, 'Go.', { budget: { modelCalls: 3 } });
    assert.deepEqual({ status: limited.result.status, turns: limited.result.turns }, { status: 'budget', turns: 3 });
    const widened = await bench.run(tight, 'Go.', { budget: { modelCalls: 10 } });
    assert.deepEqual({ status: widened.result.status, turns: widened.result.turns }, { status: 'completed', turns: 4 });
  });

  test('rejects an invalid budget before anything starts', async () => {
    const start = (budget: unknown) => bench.holdfast.start(unlimited.name, 'Go.', { budget: budget as Budget });
    for (const [budget, says] of [
      [{ tokens: -1 }, /budget.tokens must be a number above 0/],
      [{ tokens: '5' }, /budget.tokens must be a number above 0/],
      [{ euros: 5 }, /no limit "euros"; there are tokens, cost/],
      [{ atLimit: 'beg' }, /atLimit must be 'stop' or 'ask'/],
      [5, /budget must be an object/],
    ] as const)
      await assert.rejects(start(budget), (error) => error instanceof InvalidStart && says.test(error.message));
  });

  test('ends after the turn that reaches the limit of tokens', async () => {
    const free = await bench.run(unlimited);
    const [first, second] = free.run.turns.map(({ usage }) => usage.inputTokens + usage.outputTokens);
    const { result } = await bench.run(unlimited, 'Go.', { budget: { tokens: first! + 1 } });
    assert.deepEqual(
      { status: result.status, turns: result.turns, tokens: tokensOf(result.spend) },
      { status: 'budget', turns: 2, tokens: first! + second! },
    );
    assert.match(result.reason!, /tokens is used up/);
    const { result: exact } = await bench.run(unlimited, 'Go.', { budget: { tokens: first! } });
    assert.deepEqual({ status: exact.status, turns: exact.turns }, { status: 'budget', turns: 1 });
  });

  const priced = worker(5, { prices: { '*': { input: 1_000_000, output: 2_000_000 } } });
  test("computes cost from the agent's prices", async () => {
    const { result } = await bench.run(priced, 'Go.', { budget: { cost: 1 } });
    assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'budget', turns: 1 });
    assert.equal(result.spend.cost, result.spend.inputTokens + 2 * result.spend.outputTokens);
    assert.match(result.reason!, /^The cost budget of 1 is used up \(cost so far \d+\)\.$/);
  });

  const misplaced = worker(5, { prices: { 'another-model': { input: 1, output: 1 } } });
  const alone = worker(1, { prices: { '*': { input: 1, output: 1 } }, budget: { cost: 5 } });
  const below = worker(1);
  const above = bench.agent({
    prices: { '*': { input: 1, output: 1 } },
    tools: [asTool(below, { description })],
    script: ({ turn, results }) =>
      turn === 1 ? { calls: [{ tool: below.name, arguments: { input: 'x' } }] } : JSON.stringify(results),
  });
  test('fails before spending if the cost is limited and the model has no price', async () => {
    const { result } = await bench.run(misplaced, 'Go.', { budget: { cost: 5 } });
    assert.deepEqual(
      { status: result.status, modelCalls: result.spend.modelCalls },
      { status: 'model_failed', modelCalls: 0 },
    );
    assert.match(result.reason!, /has no price for the model offline\/agent\d+. Add it to the agent's prices\./);
    assert.equal(bench.model.countRequests(misplaced.name), 0);
    assert.equal((await bench.run(alone)).result.status, 'completed');

    const tree = await bench.run(above, 'Go.', { budget: { cost: 5 } });
    assert.deepEqual([tree.result.status, tree.result.spend.modelCalls], ['model_failed', 0]);
    assert.match(tree.result.reason!, new RegExp(`agent ${below.name} has no price for the model`));
    assert.equal(bench.model.countRequests(above.name), 0);
    assert.equal(bench.model.countRequests(below.name), 0);
  });

  const busy = worker(3, {}, 4);
  test('starts no calls beyond the limit of tool calls', async () => {
    const { run, result } = await bench.run(busy, 'Go.', { budget: { toolCalls: 6 } });
    assert.deepEqual(
      { status: result.status, turns: result.turns, toolCalls: result.spend.toolCalls },
      { status: 'budget', turns: 2, toolCalls: 6 },
    );
    assert.deepEqual(
      toolCalls(run).map(({ kind }) => kind),
      [null, null, null, null, null, null, 'rejected', 'rejected'],
    );
    assert.match(toolTexts(run)[7]!, /not run: The budget of 6 tool calls is used up\./);
  });
  test('calls the model once more after the limit of tool calls', async () => {
    const { result } = await bench.run(busy, 'Go.', { budget: { toolCalls: 12 } });
    assert.deepEqual(
      { status: result.status, output: result.output, toolCalls: result.spend.toolCalls },
      { status: 'completed', output: 'Done.', toolCalls: 12 },
    );
  });

  const slow = defineTool({
    name: 'slow',
    description: 'Takes a while, or as long as it may.',
    input: z.object({ ms: z.number() }),
    effect: 'read',
    run: ({ ms }, ctx) => sleep(ms, 'slept', { signal: ctx.signal }),
  });
  const sleeper = bench.agent({
    tools: [slow],
    script: ({ turn, input }) =>
      turn === 1 ? { text: 'Tired.', calls: [{ tool: 'slow', arguments: { ms: Number(input) } }] } : 'Done.',
  });
  test('ends at the limit of active time, or asks between turns', async () => {
    const { run, result } = await bench.run(sleeper, '60000', { budget: { activeMs: 500 } });
    assert.deepEqual({ status: result.status, output: result.output }, { status: 'budget', output: 'Tired.' });
    assert.equal(result.reason, 'The budget of 500 milliseconds of active time is used up.');
    assert.equal(toolCalls(run)[0]?.kind, 'cancelled');

    const handle = await bench.holdfast.start(sleeper.name, '600', { budget: { activeMs: 500, atLimit: 'ask' } });
    const { reason } = await askedForBudget(handle);
    assert.match(reason, /500 milliseconds of active time/);
    assert.equal(toolCalls(await handle.read())[0]?.ok, true);
    await handle.raise({ activeMs: 3_600_000 });
    assert.equal((await bench.finished(handle.workflowId)).result.status, 'completed');
  });

  const asking = worker(3, { budget: { modelCalls: 2, atLimit: 'ask' } });
  test('asks for more in the inbox, refuses a low raise, and continues', async () => {
    const id = golden(bench.cached, 'budget-raised').id ?? `asking-${Date.now()}`;
    const handle = await bench.holdfast.start(asking.name, 'Go.', { id });
    const question = await askedForBudget(handle);
    assert.equal(question.reason, 'The budget of 2 model calls is used up.');
    const waiting = await eventually(async () => (await inboxOf(bench.holdfast, id))[0]);
    assert.deepEqual(waiting.questions, [question]);
    const { client } = bench.holdfast;
    const details = () => client.workflow.getHandle(id).query<string>('__temporal_workflow_metadata');
    assert.match(
      JSON.stringify(await details()),
      /Waiting for a person.*The budget of 2 model calls is used up.*tokens in/,
    );

    const refused = (budget: Budget, says: RegExp) =>
      assert.rejects(handle.raise(budget), (error) => error instanceof CommandRejected && says.test(error.message));
    await refused({ modelCalls: 2 }, /limit on modelCalls is 2; raise it above/);
    await refused({ tokens: 10 }, /has no limit on tokens/);
    await refused({}, /Name the limit to raise/);
    await refused({ modelCalls: Number.NaN }, /must be a number above 0/);
    assert.equal((await handle.read()).turns.length, 2);
    await handle.raise({ modelCalls: 3 }, { by: 'ann' });
    await eventually(async () => (await handle.read()).turns.length === 3);
    await eventually(async () => (await handle.questions()).length === 1);
    await handle.raise({ modelCalls: 10 });
    const { result } = await bench.finished(id);
    assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'completed', turns: 4 });
    // Temporal's visibility is a moment behind.
    await eventually(async () => (await inboxOf(bench.holdfast, id)).length === 0);
  });

  test('ends with its results on a stop instead of a raise', async () => {
    const handle = await bench.holdfast.start(asking.name, 'Go.');
    await askedForBudget(handle);
    await handle.stop({ why: 'too dear' });
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, reason: result.reason, output: result.output },
      { status: 'stopped', reason: 'Stopped: too dear', output: 'At 2.' },
    );
  });

  const gates = new Map<string, ReturnType<typeof gate>>();
  const gateOf = (key: string) => {
    const known = gates.get(key) ?? gate();
    gates.set(key, known);
    return known;
  };
  const held = tally();
  const hold = defineTool({
    name: 'hold',
    description: 'Waits for its test.',
    input: z.object({ key: z.string() }),
    effect: 'idempotent',
    async run({ key }) {
      held.add(key);
      await gateOf(key).opened;
      return 'held';
    },
  });
  const early = bench.agent({
    tools: [hold],
    budget: { modelCalls: 1, atLimit: 'ask' },
    script: [{ calls: [{ tool: 'hold', arguments: { key: `early-${bench.mode}` } }] }, { text: 'Done.' }],
  });
  test('asks nobody if the limit is raised before it is reached', async () => {
    const handle = await bench.holdfast.start(early.name, 'Go.');
    await eventually(async () => held.of(`early-${bench.mode}`) > 0);
    await handle.raise({ modelCalls: 5 });
    gateOf(`early-${bench.mode}`).open();
    const { result } = await bench.finished(handle.workflowId);
    assert.equal(result.status, 'completed');
    for await (const event of handle.events()) assert.notEqual(event.type, 'question');
  });

  test('asks within a batch, and runs the remaining calls once it is raised', async () => {
    const handle = await bench.holdfast.start(busy.name, 'Go.', { budget: { toolCalls: 2, atLimit: 'ask' } });
    await askedForBudget(handle);
    await eventually(async () => toolCalls(await handle.read()).filter(({ ok }) => ok).length === 2);
    await handle.raise({ toolCalls: 12 });
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, toolCalls: result.spend.toolCalls },
      { status: 'completed', toolCalls: 12 },
    );
    assert.ok(toolCalls(run).every(({ ok }) => ok));
  });

  // ── Over the tree ─────────────────────────────────────────────────────────────────────────────────────────────────

  // Long enough that only a limit ends it in good time.
  const DIGGER_TURNS = 15;
  /** What a pair takes if nothing stops it. */
  const PAIR_TURNS = 2 * DIGGER_TURNS;
  const digger = worker(DIGGER_TURNS);
  const pair = bench.agent({
    tools: [asTool(digger, { description })],
    script: [
      { calls: [1, 2].map((input) => ({ tool: digger.name, arguments: { input: String(input) } })) },
      { text: 'Both done.' },
    ],
  });
  test('counts the spend of sub-agents live, and stops them at the limit', async () => {
    const id = golden(bench.cached, 'budget-tree').id ?? `pair-${Date.now()}`;
    const { result, run } = await bench.run(pair, 'Go.', { id, budget: { modelCalls: 6 } });
    assert.equal(result.status, 'budget');
    // Beyond the limit is what was done until the word came: a turn or two of each, more on a busy machine.
    assert.ok(result.spend.modelCalls >= 6 && result.spend.modelCalls < PAIR_TURNS, `${result.spend.modelCalls}`);
    for (const text of toolTexts(run))
      assert.match(text, /ended as stopped: Stopped: The budget of 6 model calls is used up/);
    const children = await Promise.all(['1.0', '1.1'].map((place) => bench.finished(`${id}.${place}`)));
    const spent = children.map((child) => child.result.spend.modelCalls);
    assert.equal(result.spend.modelCalls, 1 + spent[0]! + spent[1]!);
  });

  test('pauses sub-agents at a limit that asks, and resumes them on a raise', async () => {
    const id = golden(bench.cached, 'budget-tree-raised').id ?? `pair-asks-${Date.now()}`;
    const handle = await bench.holdfast.start(pair.name, 'Go.', { id, budget: { modelCalls: 5, atLimit: 'ask' } });
    await askedForBudget(handle);
    const paused = async (place: string) => /Paused/.test(JSON.stringify(await metadata(`${id}.${place}`)));
    await eventually(async () => (await paused('1.0')) && (await paused('1.1')));
    const { spend } = await handle.read();
    assert.ok(spend.modelCalls >= 5 && spend.modelCalls < PAIR_TURNS, `${spend.modelCalls}`);
    await handle.raise({ modelCalls: 100 });
    const { result, run } = await bench.finished(id);
    assert.deepEqual([result.status, ...toolTexts(run)], ['completed', 'Done.', 'Done.']);
    assert.deepEqual(
      { modelCalls: result.spend.modelCalls, toolCalls: result.spend.toolCalls },
      { modelCalls: 2 + 2 * (DIGGER_TURNS + 1), toolCalls: 2 + 2 * DIGGER_TURNS },
    );
    assert.deepEqual(run.spend, result.spend);
  });

  test('counts the tool calls of sub-agents', async () => {
    const { result } = await bench.run(pair, 'Go.', { budget: { toolCalls: 6 } });
    assert.equal(result.status, 'budget');
    assert.ok(result.spend.toolCalls > 6 && result.spend.toolCalls < PAIR_TURNS, `${result.spend.toolCalls}`);
  });

  const careless = bench.agent({
    budget: { modelCalls: 5, atLimit: 'ask' },
    tools: [asTool(digger, { description })],
    script: [{ calls: [{ tool: digger.name, arguments: { input: '1' } }] }, { text: 'Both done.' }],
  });
  test('does not resume sub-agents beyond the budget', async () => {
    const handle = await bench.holdfast.start(careless.name, 'Go.');
    await askedForBudget(handle);
    await handle.pause();
    await handle.resume();
    const child = bench.holdfast.get(`${handle.workflowId}.1.0`);
    // It was signalled at most once, and stays paused.
    await eventually(async () => /Paused/.test(JSON.stringify(await metadata(child.workflowId))));
    const before = (await child.read()).turns.length;
    await handle.stop();
    const { result } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, modelCalls: result.spend.modelCalls },
      { status: 'stopped', modelCalls: 1 + before },
    );
  });
  const metadata = (id: string) => bench.holdfast.client.workflow.getHandle(id).query('__temporal_workflow_metadata');

  // ── What was lost ─────────────────────────────────────────────────────────────────────────────────────────────────

  const usageOf = (run: Awaited<ReturnType<typeof bench.run>>['run']) => run.turns[0]!.usage;
  const flaky = bench.agent({
    prices: { '*': { input: 1_000_000, output: 1_000_000 } },
    script: ({ attempt }) => (attempt <= 2 ? { fault: 'emptyChoices' } : 'Here.'),
  });
  test('counts failed attempts, and their tokens as far as known', async () => {
    const { run, result } = await bench.run(flaky, `lost ${bench.mode}`);
    assert.equal(run.turns[0]?.attempts, 3);
    const { inputTokens, outputTokens } = usageOf(run);
    assert.equal(result.usage.inputTokens, inputTokens);
    // An empty answer is the whole prompt, and nothing out.
    assert.deepEqual(
      {
        modelCalls: result.spend.modelCalls,
        inputTokens: result.spend.inputTokens,
        outputTokens: result.spend.outputTokens,
      },
      { modelCalls: 3, inputTokens: 3 * inputTokens, outputTokens },
    );
    assert.equal(result.spend.cost, 3 * inputTokens + outputTokens);
    assert.deepEqual(run.spend, result.spend);
  });

  const refusing = bench.agent({
    script: ({ attempt }) => (attempt === 1 ? { fault: 'emptyChoices' } : { fault: 'status', status: 400 }),
  });
  test('counts failed attempts if the last one fails for good', async () => {
    const failed = await bench.run(refusing, `refused ${bench.mode}`);
    assert.deepEqual(
      { status: failed.result.status, modelCalls: failed.result.spend.modelCalls },
      { status: 'model_failed', modelCalls: 2 },
    );
    assert.ok(failed.result.spend.inputTokens > 0);
    assert.deepEqual(failed.run.spend, failed.result.spend);
  });
});
