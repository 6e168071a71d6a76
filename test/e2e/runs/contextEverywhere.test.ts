// A run's context, wherever a run comes from and whatever becomes of it: sessions, schedules, workflows of the user, handoffs,
// sub-agents, threads, and calls that a person edits.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { asTool, defineTool, handoff, permission } from '../../../activities/index.ts';
import type { RunContext } from '../../../client/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { toolTexts } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

const workflowsPath = fileURLToPath(new URL('../../support/userWorkflows.ts', import.meta.url));
const tellTenant = defineTool({
  name: 'tell_tenant',
  description: 'Tells the tenant.',
  input: z.object({}),
  effect: 'read',
  context: z.object({ tenant: z.string() }),
  run: (_, { context: { tenant } }) => tenant,
});
const ofThread = defineTool({
  name: 'of_thread',
  description: 'Tells the tenant, in a thread.',
  input: z.object({}),
  effect: 'read',
  thread: new URL('../../support/threads/tenant.ts', import.meta.url),
});
const call = { calls: [{ tool: 'tell_tenant' }] };

endToEnd(
  'a context',
  (bench) => {
    // Answers with what the tool has said in this turn of the conversation.
    bench.agent({
      name: 'teller',
      tools: [tellTenant],
      script: ({ results, turn }) => (turn % 2 === 1 ? call : String(results.at(-1)?.result)),
    });

    test('is there for each message of a session', async () => {
      const context = { tenant: 'acme' };
      const run = await bench.holdfast.start('teller', '', { session: true, context });
      assert.equal((await run.ask('Who?')).output, 'acme');
      assert.equal((await run.ask('And now?')).output, 'acme');
      await run.close();
      assert.deepEqual((await bench.finished(run.workflowId)).run.context, context);
    });

    test('is that of the schedule in its runs', async () => {
      const id = `teller-${randomUUID().slice(0, 8)}`;
      const { schedules } = bench.holdfast;
      const times = { cron: '0 3 * * *', paused: true } as const;
      await schedules.add(id, { agent: 'teller', input: 'Who?', context: { tenant: 'nightly' }, ...times });
      const { workflowId } = (await schedules.run(id))!;
      assert.equal((await bench.finished(workflowId)).result.output, 'nightly');
      await schedules.remove(id);
      await assert.rejects(
        schedules.add(id, { agent: 'teller', input: 'Who?', context: { at: new Date() }, ...times }),
        /context must be a plain JSON object/,
      );
    });

    test('is passed on by a workflow of the user', async () => {
      const output = await bench.holdfast.client.workflow.execute('outputFor', {
        taskQueue: bench.taskQueue,
        workflowId: `own-${randomUUID()}`,
        args: ['teller', 'corp', bench.taskQueue],
      });
      assert.equal(output, 'corp');
    });

    const back = bench.agent({
      tools: [tellTenant],
      script: ({ results }) => (results.at(-1)?.tool === 'tell_tenant' ? 'Done.' : call),
    });
    const front = bench.agent({
      tools: [handoff(back, { description: 'Tells.' })],
      script: [{ calls: [{ tool: `hand_off_to_${back.name}` }] }],
    });
    test('stays after a handoff', async () => {
      const { run } = await bench.run(front, 'Who?', { context: { tenant: 'acme' } });
      assert.equal(toolTexts(run).at(-1), 'acme');
    });

    const threaded = bench.agent({ tools: [ofThread], script: [{ calls: [{ tool: 'of_thread' }] }, 'Done.'] });
    test('reaches a tool in a thread', async () => {
      const { run } = await bench.run(threaded, 'Who?', { context: { tenant: 'acme' } });
      assert.deepEqual(toolTexts(run), ['acme']);
    });

    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      input: z.object({ amount: z.number() }),
      effect: 'idempotent',
      context: z.object({ limit: z.number() }),
      approval: ({ amount }, { context }) => (amount > context.limit ? { ask: `over ${context.limit}` } : false),
      run: ({ amount }, { context }) => `paid ${amount} of ${context.limit}`,
    });
    const payer = bench.agent({
      tools: [pay],
      context: z.object({ limit: z.number(), tenant: z.string() }),
      permissions: {
        deny: [permission(pay, { when: ({ amount }, ctx) => ctx.context['tenant'] === 'strict' && amount > 50 })],
      },
      script: [{ calls: [{ tool: 'pay', arguments: { amount: 40 } }] }, 'Done.'],
    });
    test('is seen by the rules of arguments that a person has written', async () => {
      const context = { limit: 10, tenant: 'strict' };
      const run = await bench.holdfast.start(payer, 'Pay.', { context });
      const [question] = await eventually(async () => {
        const questions = await run.questions();
        return questions.length > 0 && questions;
      });
      assert.equal(question?.kind === 'approval' && question.question, 'over 10');
      await assert.rejects(run.edit('1.0', { amount: 60 }), { name: 'CommandRejected' });
      await run.edit('1.0', { amount: 45 });
      assert.match(toolTexts((await bench.finished(run.workflowId)).run)[0]!, /paid 45 of 10$/);
    });

    const untyped = bench.agent({
      tools: [pay as ReturnType<typeof defineTool>],
      script: [{ calls: [{ tool: 'pay', arguments: { amount: 4 } }] }, 'Done.'],
    });
    test('fails the call of a tool that it does not fit', async () => {
      const run = await bench.holdfast.start(untyped.name, 'Pay.', { context: { limit: 'none' } });
      await eventually(async () => (await run.questions()).length > 0);
      const [asked] = await run.questions();
      assert.match(
        (asked?.kind === 'approval' && asked.question) || '',
        /approval rule of this tool failed: the context of the run does not fit the tool: limit: /,
      );
      await run.approve('1.0');
      const { run: read, result } = await bench.finished(run.workflowId);
      assert.equal(result.status, 'completed');
      assert.match(toolTexts(read)[0]!, /did not run: the context of the run does not fit the tool: limit: /);
      assert.equal(read.turns[0]?.calls[0]?.attempts, 1);
    });

    const contexts: Record<string, unknown> = {
      narrowed: { tenant: 'acme', for: 'narrowed' },
      none: null,
      nothing: undefined,
      list: [1],
      large: { text: 'x'.repeat(5_000) },
    };
    const tellAll = bench.agent({
      tools: [
        defineTool({
          name: 'tell_all',
          description: 'Tells.',
          input: z.object({}),
          effect: 'read',
          run: (_, ctx) => JSON.stringify(ctx.context),
        }),
      ],
      script: ({ turn, results }) =>
        turn === 1 ? { calls: [{ tool: 'tell_all' }] } : JSON.stringify(results[0]?.result),
    });
    const parent = bench.agent({
      context: z.object({ tenant: z.string(), secret: z.string() }),
      tools: [
        asTool(tellAll, {
          name: 'ask',
          description: 'Asks.',
          input: z.object({ which: z.string() }),
          context: ({ tenant }: { tenant: string }, { which }) =>
            which === 'narrowed' ? { tenant, for: which } : (contexts[which] as RunContext | null),
        }),
      ],
      script: [{ calls: Object.keys(contexts).map((which) => ({ tool: 'ask', arguments: { which } })) }, 'Done.'],
    });
    const patient = bench.agent({
      maxHistoryEvents: 20,
      tools: [
        asTool(tellAll, {
          name: 'ask',
          description: 'Asks.',
          approval: 'always',
          context: async ({ tenant }, { input }) => ({ tenant: `${tenant} of ${input}` }),
        }),
      ],
      script: [{ calls: [{ tool: 'ask', arguments: { input: 'ann' } }] }, 'Done.'],
    });
    test('of a sub-agent is the planned one after continue-as-new, and another one after an edit', async () => {
      const started = async () => {
        const run = await bench.holdfast.start(patient, 'Ask.', { context: { tenant: 'acme' } });
        await eventually(async () => (await run.questions()).length > 0);
        return run;
      };
      const [planned, edited] = await Promise.all([started(), started()]);
      const { runId } = await planned.describe();
      await eventually(async () => {
        await planned.pause();
        await planned.resume();
        return (await planned.describe()).runId !== runId;
      });
      await Promise.all([planned.approve('1.0'), edited.edit('1.0', { input: 'bob' })]);
      const contexts = await Promise.all(
        [planned, edited].map(async ({ workflowId }) => {
          await bench.finished(workflowId);
          return (await bench.holdfast.get(`${workflowId}.1.0`).read()).context;
        }),
      );
      assert.deepEqual(contexts, [{ tenant: 'acme of ann' }, { tenant: 'acme of bob' }]);
    });

    test('of a sub-agent is what the function of its tool returns', async () => {
      const context = { tenant: 'acme', secret: 'of the parent' };
      const { run } = await bench.run(parent, 'Ask.', { context });
      const [narrowed, none, nothing, list, large] = toolTexts(run);
      assert.deepEqual(JSON.parse(narrowed!), contexts['narrowed']);
      assert.equal(none, '{}');
      for (const text of [nothing, list])
        assert.match(
          text!,
          /invalid input for ask: context must be an object.*The function \\?"context\\?" returns it/,
        );
      assert.match(large!, /context has 5,\d+ bytes/);
      const child = await bench.holdfast.get(`${run.workflowId}.1.0`).read();
      assert.deepEqual(child.context, contexts['narrowed']);
      assert.equal((await bench.holdfast.get(`${run.workflowId}.1.1`).read()).context, null);
    });
  },
  { workflowsPath },
);
