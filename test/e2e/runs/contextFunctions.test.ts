// Instructions and budgets that are functions of a run's context: called once, recorded once, and kept from then on.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { defineAgent, defineTool, handoff } from '../../../activities/index.ts';
import { offlineModel } from '../../../activities/testing/index.ts';
import { connect } from '../../../client/index.ts';
import { firstJson, type History } from '../../../core/read/history.ts';
import type { ModelAnswer } from '../../../core/types.ts';
import { createWorker } from '../../../worker/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { sentTo } from '../../support/sent.ts';

const context = z.object({ tenant: z.string() });
const tick = defineTool({
  name: 'tick',
  description: 'Ticks.',
  input: z.object({}),
  effect: 'read',
  run: () => 'tock',
});
const call = { calls: [{ tool: 'tick' }] };

/** The instructions that a history has, in the order in which they were recorded. */
function recordedIn(...histories: readonly History[]): string[] {
  return histories
    .flatMap(({ events }) => events ?? [])
    .flatMap(({ activityTaskCompletedEventAttributes: completed }) => {
      const { agent } = Object(firstJson(completed?.result)) as Partial<ModelAnswer>;
      return agent ? [agent.instructions] : [];
    });
}

endToEnd('functions of the context', (bench) => {
  /** Instructions that are others each time, and how often they were made for each tenant. */
  function changing() {
    const made = new Map<unknown, number>();
    const instructions = ({ tenant }: { readonly tenant?: unknown }) => {
      made.set(tenant, (made.get(tenant) ?? 0) + 1);
      return `You serve ${tenant}, ${made.get(tenant)}.`;
    };
    return { made, instructions };
  }
  const instructionsSent = (agent: { readonly name: string }) => sentTo(bench, agent).map(([first]) => first?.content);

  const plain = changing();
  const clerk = bench.agent({
    context,
    instructions: plain.instructions,
    tools: [tick],
    script: ({ turn }) => (turn < 5 ? call : 'Done.'),
  });
  test('give a run its instructions, once for all turns', async () => {
    const { run, history } = await bench.run(clerk, 'Go.', { context: { tenant: 'acme' } });
    assert.equal(plain.made.get('acme'), 1);
    assert.deepEqual(recordedIn(history), ['You serve acme, 1.']);
    assert.deepEqual(run.transcript[0], { role: 'system', content: 'You serve acme, 1.' });
    assert.deepEqual(
      instructionsSent(clerk).filter((text) => text?.includes('acme')),
      Array(5).fill('You serve acme, 1.'),
    );
  });

  const continued = changing();
  const long = bench.agent({
    instructions: continued.instructions,
    tools: [tick],
    maxTurns: 20,
    maxHistoryEvents: 20,
    script: ({ turn }) => (turn < 8 ? call : 'Done.'),
  });
  test('are not called again after continue-as-new', async () => {
    const { run } = await bench.run(long, 'Go.', { context: { tenant: 'acme' } });
    const histories = await bench.holdfast.get(run.workflowId).histories();
    assert.ok(histories.length > 1);
    assert.equal(continued.made.get('acme'), 1);
    assert.deepEqual(recordedIn(...histories), ['You serve acme, 1.']);
  });

  const talks = changing();
  const wordy = bench.agent({
    instructions: talks.instructions,
    tools: [
      defineTool({
        name: 'tick',
        description: 'Ticks at length.',
        input: z.object({}),
        effect: 'read',
        run: () => 'tock '.repeat(300),
      }),
    ],
    maxTurns: 20,
    compaction: { limitTokens: 2_500, at: 0.64 },
    script: ({ turn }) => (turn < 8 ? call : 'Done.'),
  });
  test('are not called for a compaction, which has the same instructions', async () => {
    const { run } = await bench.run(wordy, 'Go.', { context: { tenant: 'acme' } });
    assert.equal(run.compactions[0]?.strategy, 'summarise');
    assert.equal(talks.made.get('acme'), 1);
    const summaries = sentTo(bench, wordy).filter(
      (messages) => messages.length === 2 && messages[0]?.role === 'system',
    );
    assert.ok(summaries.some(([first]) => first?.content?.includes('You serve acme, 1.')));
  });

  const desks = changing();
  const back = bench.agent({
    name: 'back',
    instructions: desks.instructions,
    tools: [tick],
    script: ({ results }) => (results.at(-1)?.tool === 'tick' ? 'Done.' : call),
  });
  const front = bench.agent({
    tools: [handoff(back, { description: 'The back office.' })],
    script: [{ calls: [{ tool: 'hand_off_to_back' }] }],
  });
  test('are called after a handoff', async () => {
    const { result, history } = await bench.run(front, 'Go.', { context: { tenant: 'acme' } });
    assert.equal(result.output, 'Done.');
    assert.equal(desks.made.get('acme'), 1);
    assert.deepEqual(recordedIn(history), [`You are ${front.name}.`, 'You serve acme, 1.']);
  });

  const thrifty = bench.agent({
    context,
    budget: ({ tenant }) => (tenant === 'small' ? { modelCalls: 2 } : undefined),
    tools: [tick],
    script: ({ turn }) => (turn < 4 ? call : 'Done.'),
  });
  test('give a run its budget', async () => {
    const small = await bench.run(thrifty, 'Go.', { context: { tenant: 'small' } });
    assert.deepEqual([small.result.status, small.result.turns], ['budget', 2]);
    assert.deepEqual(small.run.budget, { modelCalls: 2 });
    const large = await bench.run(thrifty, 'Go.', { context: { tenant: 'large' } });
    assert.deepEqual([large.result.status, large.run.budget], ['completed', null]);
    const given = { context: { tenant: 'small' }, budget: { modelCalls: 3 } };
    assert.equal((await bench.run(thrifty, 'Go.', given)).result.turns, 3);
  });

  const failures = new Map<unknown, number>();
  const brittle = bench.agent({
    instructions({ tenant }) {
      failures.set(tenant, (failures.get(tenant) ?? 0) + 1);
      if (tenant === 'unread') throw new Error('the prompts are gone');
      if (tenant === 'slow' && failures.get(tenant) === 1) throw new Error('the prompts are late');
      if (tenant === 'long') return 'x'.repeat(300_000);
      if (tenant === 'silent') return undefined as never;
      return 'Serve.';
    },
    budget: ({ tenant }) => (tenant === 'rich' ? { cost: 5 } : undefined),
    // Models are not at fault, so the second one is not asked.
    model: [offlineModel('brittle'), 'other'],
    name: 'brittle',
    script: ['Done.'],
  });
  const endOf = async (tenant: string) => {
    const { result } = await bench.run(brittle, 'Go.', { context: { tenant } });
    const { option, problem } = (result.reasonParameters ?? {}) as { option?: string; problem?: string };
    return { status: result.status, code: result.reasonCode, option, problem: problem ?? '' };
  };
  const FAILED = { status: 'model_failed', code: 'agent_function_failed' };
  test('are called again after they failed, and then end the run', async () => {
    const [unread, slow] = await Promise.all([endOf('unread'), endOf('slow')]);
    assert.deepEqual(unread, { ...FAILED, option: 'instructions', problem: 'the prompts are gone' });
    assert.equal(failures.get('unread'), 5);
    assert.equal(slow.status, 'completed');
    assert.equal(failures.get('slow'), 2);
  });
  test('end the run at once if what they return is no use', async () => {
    for (const [tenant, problem] of [
      ['long', /longer than 262,144 bytes/],
      ['silent', /instructions are missing/],
    ] as const) {
      const end = await endOf(tenant);
      assert.match(end.problem, problem);
      assert.deepEqual({ ...end, problem: '' }, { ...FAILED, option: 'instructions', problem: '' });
      assert.equal(failures.get(tenant), 1);
    }
  });
  test('end the run if the budget cannot be kept', async () => {
    const end = await endOf('rich');
    assert.match(end.problem, /budget\.cost needs prices/);
    assert.deepEqual([end.status, end.option], ['model_failed', 'budget']);
  });

  const strict = bench.agent({ name: 'strict', model: [offlineModel('strict'), 'other'], context, script: ['Never.'] });
  test('do not have a context that does not fit tried with another model', async () => {
    const { run, result } = await bench.run(strict, 'Go.', { context: { tenant: 7 } });
    assert.equal(result.reasonCode, 'context_invalid');
    assert.equal(run.turns[0]?.attempts, 1);
  });

  // Two workers on one task queue, which in memory has one.
  bench.onServer('keep what an earlier worker has recorded', async () => {
    const taskQueue = `test-${randomUUID()}`;
    const holdfast = await connect({ address: bench.address, namespace: 'default', taskQueue });
    const made: string[] = [];
    const serve = (version: string, maxTurns: number) =>
      createWorker({
        agents: [
          defineAgent({
            name: 'lasting',
            model: 'any',
            instructions({ tenant }) {
              made.push(version);
              return `${version} for ${tenant}`;
            },
            maxTurns,
            offline: ({ input }) => `Heard ${input}.`,
          }),
        ],
        address: bench.address,
        namespace: 'default',
        taskQueue,
        model: {},
        temporal: bench.cached ? {} : { maxCachedWorkflows: 0 },
      });
    try {
      const run = await holdfast.start('lasting', '', { session: true, context: { tenant: 'acme' } });
      for (const [version, maxTurns, recorded] of [
        ['one', 5, ['one for acme']],
        ['two', 5, ['one for acme']],
        // A deploy that changes the agent has its functions called again.
        ['three', 7, ['one for acme', 'three for acme']],
      ] as const) {
        const worker = await serve(version, maxTurns);
        const serving = worker.run();
        await run.ask(version);
        await run.ask('Again.');
        worker.shutdown();
        await serving;
        assert.deepEqual(recordedIn(...(await run.histories())), recorded);
      }
      assert.deepEqual(made, ['one', 'three']);
      await holdfast.client.workflow.getHandle(run.workflowId).terminate();
    } finally {
      await holdfast.close();
    }
  });
});
