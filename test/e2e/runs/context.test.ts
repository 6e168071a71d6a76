// A run's context reaches tools and rules, as the agent's schema parses it, in sub-agents and after continue-as-new too.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { asTool, defineTool, handoff } from '../../../activities/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked } from '../../support/people.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';

endToEnd('context', (bench) => {
  const description = 'Tells the tenant.';
  const tellTenant = defineTool({
    name: 'tell_tenant',
    description,
    input: z.object({}),
    effect: 'read',
    run: (_, ctx) => `${ctx.context.tenant} ${ctx.context.locale}`,
  });
  const context = z.object({ tenant: z.string(), locale: z.string().default('en') });
  const call = { calls: [{ tool: 'tell_tenant' }] };
  const clerk = bench.agent({ context, tools: [tellTenant], script: [call, 'Done.'] });

  test('reaches a tool, as the schema parses it', async () => {
    const { run } = await bench.run(clerk, 'Go.', { context: { tenant: 'acme' }, ...golden(bench.cached, 'context') });
    assert.deepEqual(toolTexts(run), ['acme en']);
  });

  const guarded = bench.agent({
    tools: [tellTenant],
    permissions: { deny: [{ tool: 'tell_tenant', when: (_, ctx) => ctx.context.tenant === 'evil' }] },
    script: [call, 'Done.'],
  });
  test('is seen by permissions', async () => {
    const texts = async (tenant: string) =>
      toolTexts((await bench.run(guarded, 'Go.', { context: { tenant } })).run)[0];
    assert.equal(await texts('acme'), 'acme undefined');
    assert.match((await texts('evil')) ?? '', /rejected/);
  });

  const seen: string[] = [];
  const see = (who: string) => (_: unknown, ctx: { readonly context: { readonly [field: string]: unknown } }) => {
    seen.push(`${who} ${ctx.context['tenant']} ${ctx.context['locale']}`);
    return undefined;
  };
  const watched = bench.agent({
    context,
    tools: [tellTenant],
    beforeModel: see('beforeModel'),
    afterModel: see('afterModel'),
    beforeTool: see('beforeTool'),
    approvals: {
      tell_tenant: (_, ctx) => (ctx.context.tenant === 'new' ? { ask: `for ${ctx.context.locale}` } : false),
    },
    script: [call, 'Done.'],
  });
  test('is seen by guardrails and approvals, as the schema parses it', async () => {
    const handle = await bench.holdfast.start(watched.name, 'Go.', { context: { tenant: 'new' } });
    const [question] = await asked(handle);
    assert.equal(question?.question, 'for en');
    await handle.approve();
    await bench.finished(handle.workflowId);
    const all = ['beforeModel', 'beforeTool', 'afterModel', 'beforeModel', 'afterModel'];
    assert.deepEqual(
      seen,
      all.map((who) => `${who} new en`),
    );
  });

  const keys: string[] = [];
  const called = bench.agent({
    context,
    tools: [
      defineTool({
        name: 'call_bank',
        description: 'Calls the bank.',
        input: z.object({ fails: z.boolean() }),
        effect: 'once',
        run({ fails }, ctx) {
          keys.push(ctx.credentials['bank'] ?? '');
          if (fails) throw new Error(`401 for GET /accounts with ${ctx.credentials['bank']}`);
          return `called for ${ctx.context['tenant']}`;
        },
      }),
    ],
    credentials: ({ tenant }) => {
      if (tenant === 'gone') throw new Error('the vault has no such tenant');
      return { bank: `secret-of-${tenant}-7f3a` };
    },
    script: ({ turn }) =>
      turn === 1 ? { calls: [false, true].map((fails) => ({ tool: 'call_bank', arguments: { fails } })) } : 'Done.',
  });
  test('has credentials resolved on the worker, which are in no history', async () => {
    const { run } = await bench.run(called, 'Go.', { context: { tenant: 'acme' } });
    const [done, failed] = toolTexts(run);
    assert.equal(done, 'called for acme');
    assert.match(failed!, /401 for GET \/accounts with \[hidden\]/);
    assert.ok(keys.includes('secret-of-acme-7f3a'));
    const { events } = await bench.holdfast.client.workflow.getHandle(run.workflowId).fetchHistory();
    const texts: string[] = [];
    const look = (value: unknown): void => {
      if (typeof value === 'string') texts.push(value);
      else if (value instanceof Uint8Array) texts.push(Buffer.from(value).toString('latin1'));
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(look);
    };
    look(events);
    const all = texts.join('\n');
    assert.ok(all.includes('called for acme') && !all.includes('secret-of'));
    const { run: without } = await bench.run(called, 'Go.', { context: { tenant: 'gone' } });
    assert.match(toolTexts(without)[0]!, /did not run: its credentials could not be had: the vault has no such tenant/);
  });

  const long = bench.agent({
    context,
    tools: [tellTenant],
    maxTurns: 20,
    maxHistoryEvents: 20,
    script: ({ turn }) => (turn < 8 ? call : 'Done.'),
  });
  test('survives continue-as-new', async () => {
    const { run } = await bench.run(long, 'Go.', {
      context: { tenant: 'acme' },
      ...golden(bench.cached, 'context-carried'),
    });
    assert.deepEqual(new Set(toolTexts(run)), new Set(['acme en']));
    assert.ok((await bench.holdfast.get(run.workflowId).histories()).length > 1);
  });

  const strict = bench.agent({ context: z.object({ user: z.string() }), script: ['Never.'] });
  const parent = bench.agent({
    tools: [asTool(clerk, { name: 'ask_clerk', description }), asTool(strict, { name: 'ask_strict', description })],
    script: [
      {
        calls: [
          { tool: 'ask_clerk', arguments: { input: 'Go.' } },
          { tool: 'ask_strict', arguments: { input: 'Go.' } },
        ],
      },
      'Done.',
    ],
  });
  test('is inherited by sub-agents; one that it does not fit fails as the call', async () => {
    const { run, result } = await bench.run(parent, 'Go.', {
      context: { tenant: 'acme' },
      ...golden(bench.cached, 'context-inherited'),
    });
    assert.equal(result.status, 'completed');
    assert.match(toolTexts(run)[1] ?? '', /does not fit/);
    const child = await bench.holdfast.get(`${run.workflowId}.1.0`).read();
    assert.deepEqual(toolTexts(child), ['acme en']);
  });

  const desk = bench.agent({
    tools: [handoff(strict, { description })],
    script: [{ calls: [{ tool: `hand_off_to_${strict.name}` }] }],
  });
  test('is checked by the next agent after a handoff', async () => {
    const { result } = await bench.run(desk, 'Go.', { context: { tenant: 'acme' } });
    assert.deepEqual([result.status, result.reasonCode], ['model_failed', 'context_invalid']);
  });

  test('ends a run that another program started with a context that does not fit', async () => {
    const start = (forged: unknown) =>
      bench.holdfast.client.workflow.execute('agent', {
        taskQueue: bench.taskQueue,
        workflowId: `forged-${randomUUID()}`,
        args: [{ agent: clerk.name, input: 'Go.', context: forged }],
      });
    const { status, reasonCode } = (await start({ tenant: 1 })) as { status: string; reasonCode: string };
    assert.deepEqual([status, reasonCode], ['model_failed', 'context_invalid']);
    await assert.rejects(start([1]));
    await assert.rejects(start({ tenant: 'x'.repeat(5_000) }));
  });

  test('is refused at the start if it does not fit the agent that is given', async () => {
    const { holdfast } = bench;
    const message = /context does not fit agent agent\d+: tenant: /;
    await assert.rejects(holdfast.start(clerk, 'Go.'), { name: 'InvalidStart', message });
    await assert.rejects(holdfast.start(clerk, 'Go.', { context: { tenant: 7 } }), { name: 'InvalidStart', message });
    const run = await holdfast.start(clerk, 'Go.', { context: { tenant: 'acme' } });
    assert.equal((await run.result()).output, 'Done.');
  });

  test('is refused at the start if it is not a small JSON object', async () => {
    const start = (context: unknown) =>
      bench.holdfast.start(clerk.name, 'Go.', { context: context as { tenant: string } });
    await assert.rejects(start([1]), /context must be an object/);
    await assert.rejects(start({ at: new Date() }), /context must be a plain JSON object/);
    await assert.rejects(start({ tenant: 'x'.repeat(5_000) }), /context has 5,\d+ bytes/);
  });
});
