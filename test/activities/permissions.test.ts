// Deny comes before ask, and ask before allow. A rule that fails decides for the safe side.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { guardRequest } from '../../activities/define/guardrails.ts';
import { type Permission, permissionFor } from '../../activities/define/permissions.ts';
import { deepFreeze, type RuleContext, runRule } from '../../activities/define/rules.ts';
import {
  type AgentOptions,
  defineAgent,
  defineTool,
  type PermissionRule,
  type Permissions,
} from '../../activities/index.ts';
import { planCall } from '../../activities/plan/plan.ts';
import type { Message, PlannedCall } from '../../core/types.ts';

const ctx: RuleContext = { agent: 'a', workflowId: 'w', turn: 1, context: {}, signal: new AbortController().signal };
const rule = (tool = '*', when?: PermissionRule['when'], reason?: string): PermissionRule => ({
  tool,
  ...(when && { when }),
  ...(reason && { reason }),
});
const boom = () => {
  throw new Error('boom');
};

test('applies deny before ask before allow, and denies what allow does not name', async () => {
  const kinds: readonly (readonly [Permissions | undefined, Permission['kind']])[] = [
    [undefined, 'allowed'],
    [{}, 'allowed'],
    [{ deny: [rule()], ask: [rule()], allow: [rule()] }, 'denied'],
    [{ ask: [rule()], allow: [rule()] }, 'ask'],
    [{ allow: [rule()] }, 'allowed'],
    [{ allow: [rule('pay')] }, 'allowed'],
    [{ allow: [rule('look')] }, 'denied'],
    [{ allow: [] }, 'denied'],
    // Nobody is asked about what is denied anyway.
    [{ ask: [rule()], allow: [rule('look')] }, 'denied'],
    [{ deny: [rule('look')] }, 'allowed'],
    [{ deny: [rule('pay')] }, 'denied'],
    [{ deny: [rule('pay', () => false)] }, 'allowed'],
    [{ deny: [rule('pay', ({ amount }) => amount > 10)] }, 'denied'],
    [{ ask: [rule('pay', async ({ amount }) => amount > 10)] }, 'ask'],
    [{ allow: [rule('pay', ({ amount }) => amount > 1_000), rule('pay', ({ amount }) => amount > 10)] }, 'allowed'],
  ];
  for (const [permissions, kind] of kinds) {
    const said = await permissionFor({ tool: 'pay', args: { amount: 50 }, permissions, approval: 'never' }, ctx);
    assert.equal(said.kind, kind, JSON.stringify(permissions));
  }
});

test('denies, asks or does not allow if a rule throws or returns no boolean', async () => {
  const said = (permissions: Permissions) =>
    permissionFor({ tool: 'pay', args: {}, permissions, approval: 'never' }, ctx);
  for (const [when, error] of [
    [boom, 'boom'],
    [async () => boom(), 'boom'],
    // What JavaScript lets one write.
    [() => undefined as unknown as boolean, 'neither true nor false'],
    [() => 'yes' as unknown as boolean, 'neither true nor false'],
  ] as const) {
    const denied = await said({ deny: [rule('pay', when, 'no payments')] });
    assert.ok(denied.kind === 'denied');
    assert.match(denied.reason, new RegExp(`^no payments \\(.*${error}`));
    const asks = await said({ ask: [rule('pay', when)] });
    assert.ok(asks.kind === 'ask');
    assert.match(asks.question ?? '', new RegExp(error));
    const notAllowed = await said({ allow: [rule('pay', when)] });
    assert.ok(notAllowed.kind === 'denied');
    assert.match(notAllowed.reason, new RegExp(`no rule allows this call of .*${error}`));
  }
  assert.equal((await said({ allow: [rule('pay', boom), rule('pay')] })).kind, 'allowed', 'another rule may allow it');
});

test("asks if an approval rule throws or returns nothing, with the tool's question", async () => {
  const asked = (approval: unknown, permissions?: Permissions) =>
    permissionFor({ tool: 'pay', args: { amount: 5 }, permissions, approval: approval as 'never' }, ctx);
  const own = ({ amount }: { amount: number }) => ({ ask: `Pay ${amount}?` });
  assert.deepEqual(await asked('never'), { kind: 'allowed' });
  assert.deepEqual(await asked(() => false), { kind: 'allowed' });
  for (const approval of ['always', () => true, () => undefined, () => 0, () => ({ ask: 5 })])
    assert.deepEqual(await asked(approval), { kind: 'ask', question: null });
  assert.deepEqual(await asked(own), { kind: 'ask', question: 'Pay 5?' });
  assert.deepEqual(await asked(own, { ask: [rule()] }), { kind: 'ask', question: 'Pay 5?' });
  assert.deepEqual(await asked(own, { ask: [rule('*', undefined, 'Sure?')] }), { kind: 'ask', question: 'Sure?' });
  const failed = await asked(boom);
  assert.ok(failed.kind === 'ask');
  assert.match(failed.question ?? '', /rule of this tool failed: boom/);
});

test('fails a rule that hangs, and does not take a cancelled turn for an answer', async () => {
  assert.deepEqual(await runRule(ctx, () => new Promise(() => {}), 20), {
    ok: false,
    error: 'it took longer than 20 milliseconds',
  });
  assert.deepEqual(await runRule(ctx, () => sleep(1, 'in time'), 60_000), { ok: true, value: 'in time' });
  const turn = new AbortController();
  const asked = runRule({ ...ctx, signal: turn.signal }, () => new Promise(() => {}));
  turn.abort(new Error('cancelled'));
  await assert.rejects(asked, /cancelled/);
  await assert.rejects(
    runRule({ ...ctx, signal: turn.signal }, () => true),
    /cancelled/,
  );
});

test('passes rules a deeply frozen view, with dates intact', () => {
  const due = new Date(0);
  const seen = deepFreeze({ list: [{ n: 1 }, undefined, null], due });
  assert.throws(() => {
    (seen.list[0] as { n: number }).n = 2;
  }, TypeError);
  assert.throws(() => seen.list.push(null), TypeError);
  seen.due.setTime(1);
  assert.equal(due.getTime(), 1);
});

const pay = defineTool({
  name: 'pay',
  description: 'Pays.',
  input: z.object({ amount: z.coerce.number(), to: z.string().default('shop') }),
  effect: 'once',
  run: () => 'paid',
});
const payer = (options: Partial<AgentOptions>) =>
  defineAgent({ name: 'payer', model: 'm', instructions: 'Pay.', tools: [pay], ...options });
const planned = async (agent: ReturnType<typeof payer>, args: object, tool = 'pay'): Promise<PlannedCall> =>
  (await planCall(agent, { name: tool, arguments: JSON.stringify(args) }, ctx)).planned;

test('passes rules the arguments that the schema parsed', async () => {
  const seen: unknown[] = [];
  const agent = payer({ permissions: { deny: [rule('pay', (args) => seen.push(args) === 0)] } });
  assert.ok('digest' in (await planned(agent, { amount: '7' })));
  assert.deepEqual(seen, [{ amount: 7, to: 'shop' }]);
});

test('validates, permits and digests arguments that a guardrail replaced', async () => {
  const limit: PermissionRule = { tool: 'pay', when: ({ amount }) => amount > 100, reason: 'over 100' };
  const to = (change: unknown) => payer({ permissions: { deny: [limit] }, beforeTool: () => ({ change }) as never });
  const low = await planned(to({ amount: 5 }), { amount: 500 });
  assert.ok('digest' in low);
  assert.equal(low.arguments, '{"amount":5}');
  const straight = await planned(payer({}), { amount: 5 });
  assert.ok('digest' in straight);
  assert.equal(low.digest, straight.digest, 'of what runs, not of what the model wrote');
  const told = async (change: unknown) => {
    const call = await planned(to(change), { amount: 5 });
    assert.ok('problem' in call && call.problem.kind === 'rejected');
    return call.problem.reason.text;
  };
  assert.equal(await told({ amount: 500 }), 'not permitted: over 100');
  assert.match(await told({ sum: 5 }), /a guardrail changed it, and invalid arguments: .*sum/);
  assert.match(await told(undefined), /not run: the guardrail beforeTool returned/);
  assert.match(await told('all of it'), /must be a JSON object/);
  assert.match(await told(10n), /BigInt|not valid JSON/);
});

test('runs no call if its guardrail fails, hangs or mutates its input', async () => {
  const told = async (beforeTool: unknown) => {
    const call = await planned(payer({ beforeTool: beforeTool as never }), { amount: 5 });
    return 'problem' in call ? call.problem.reason.text : 'runs';
  };
  assert.equal(await told(() => undefined), 'runs');
  assert.equal(await told(() => null), 'runs');
  assert.equal(await told(boom), 'not run: the guardrail beforeTool failed: boom');
  assert.equal(await told(async () => boom()), 'not run: the guardrail beforeTool failed: boom');
  assert.equal(await told(() => ({ reject: 'too much' })), 'not run: too much');
  assert.match(await told(() => ({ reject: '' })), /returned \{ reject \} without a reason/);
  assert.match(await told(() => true), /returned a boolean; expected undefined/);
  assert.match(await told(() => ({ deny: 'no' })), /returned \{ deny \}; expected undefined/);
  assert.match(await told(() => ({ reject: 'no', change: {} })), /returned \{ reject, change \}/);
  assert.match(
    await told(({ arguments: args }: { arguments: { amount: number } }) => {
      args.amount = 1;
    }),
    /failed: Cannot assign to read only property/,
  );
});

test('applies the own rule of a tool named like a method of Object', async () => {
  const odd = defineTool({
    name: 'constructor',
    description: 'Odd.',
    input: z.object({}),
    effect: 'read',
    run: () => 1,
  });
  const plan = await planned(payer({ tools: [odd] }), {}, 'constructor');
  assert.ok('digest' in plan && plan.ask === undefined);
});

test('fails a guardrail that mutates the transcript, which stays unchanged', async () => {
  const messages: readonly Message[] = [{ role: 'user', content: 'My PIN is 1234.' }];
  const redact = (seen: readonly Message[]) => {
    (seen[0] as { content: string }).content = 'My PIN is ####.';
  };
  await assert.rejects(
    guardRequest(payer({ beforeModel: redact }), messages, ctx),
    /The guardrail beforeModel of a failed: Cannot assign to read only property/,
  );
  assert.deepEqual(messages, [{ role: 'user', content: 'My PIN is 1234.' }]);
});

test('ends a rejected request as refused for an agent with an output schema', async () => {
  const agent = payer({ beforeModel: () => ({ reject: 'closed' }), output: z.object({ a: z.string() }) });
  const instead = await guardRequest(agent, [{ role: 'user', content: 'Hi.' }], ctx);
  assert.ok('instead' in instead);
  assert.deepEqual(
    { kind: instead.instead.kind, status: instead.instead.end?.status },
    { kind: 'ended', status: 'refused' },
  );
});

test('says who decides, whichever rule asks, and denies where that cannot be read', async () => {
  const asked = (approval: unknown, permissions?: Permissions) =>
    permissionFor({ tool: 'pay', args: { amount: 5 }, permissions, approval: approval as 'never' }, ctx);
  const rest = { by: 'role:finance', notInitiator: true };
  const said = { kind: 'ask', question: null, by: ['role:finance'], notInitiator: true };
  assert.deepEqual(await asked(rest), said);
  assert.deepEqual(await asked(() => rest), said);
  assert.deepEqual(await asked(async () => ({ by: ['role:finance', 'zoe'], notInitiator: false })), {
    kind: 'ask',
    question: null,
    by: ['role:finance', 'zoe'],
  });
  assert.deepEqual(await asked({ ...rest, when: ({ amount }: { amount: number }) => amount > 5 }), { kind: 'allowed' });
  assert.deepEqual(await asked({ ...rest, when: ({ amount }: { amount: number }) => amount > 4 }), said);
  assert.deepEqual(await asked({ ...rest, when: boom }), { ...said, question: '(Its rule failed: boom)' });
  // A rule of the agent that asks takes nothing away from that of the tool.
  const asks = { ask: [rule('*', undefined, 'Sure?')] };
  assert.deepEqual(await asked(rest, asks), { ...said, question: 'Sure?' });
  for (const by of ['', 'role:', ' ann', [], 7, null, ['ann', ''], Array(11).fill('ann'), 'a'.repeat(201)]) {
    const denied = await asked(() => ({ by }), asks);
    assert.ok(denied.kind === 'denied', JSON.stringify(by));
    assert.match(denied.reason, /approval rule of pay does not say who may decide: its by/);
  }
  assert.equal((await asked(() => ({ notInitiator: 'yes' }))).kind, 'denied');
});

test('refuses an approval that says unclearly who decides, naming the option', () => {
  const define = (approval: unknown) =>
    defineTool({
      name: 'pay',
      description: 'Pays.',
      input: z.object({}),
      effect: 'read',
      approval: approval as 'never',
      run: () => 1,
    });
  for (const [approval, problem] of [
    [{ by: [] }, /approval has an option by that must name 1 to 10 roles or people; it names 0\./],
    [{ by: 'role:' }, /approval has an option by that must be a role, such as 'role:finance'/],
    [{ by: 'ann', notInitator: true }, /approval has no option notInitator\. Use when, ask, by or notInitiator\./],
    [{ notInitiator: 1 }, /approval has an option notInitiator that must be true or false\./],
    [{ when: true }, /approval has an option when that must be a function\./],
    [['ann'], /approval must be 'never', 'always', \{ when, ask, by, notInitiator \} or a function/],
  ] as const)
    assert.throws(() => define(approval), problem);
});
