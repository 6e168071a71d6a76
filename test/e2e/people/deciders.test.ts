// Who may decide about a call: a role or a person, and not who started the run. The run checks it by what the sender says of who decides.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { asTool, defineTool, needsInput } from '../../../activities/index.ts';
import { CommandRejected, type Labels, type RunHandle } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import type { Question } from '../../../core/types.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked } from '../../support/people.ts';
import { eventually } from '../../support/waits.ts';

type Approval = Extract<Question, { kind: 'approval' }>;

const refused = (code: string) => (error: unknown) => {
  assert.ok(error instanceof CommandRejected, String(error));
  assert.equal((error.facts as { reasonCode?: string }).reasonCode, code, error.message);
  return true;
};

endToEnd('who may decide', (bench) => {
  const paid = new Map<string, number>();
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: z.object({ to: z.string(), amount: z.number() }),
    effect: 'idempotent',
    approval: ({ amount }) => ({
      ask: `Pay ${amount}?`,
      by: amount > 1_000 ? 'role:board' : ['role:finance', 'zoe'],
      notInitiator: true,
    }),
    run({ to, amount }) {
      paid.set(to, amount);
      return `paid ${amount}`;
    },
  });
  const payer = bench.agent({
    name: 'payer',
    tools: [pay],
    script: ({ turn, input }) =>
      turn === 1 ? { calls: [{ tool: 'pay', arguments: { to: input, amount: 500 } }] } : 'Done.',
  });
  async function waiting(to: string, by?: string, labels: Labels = {}): Promise<RunHandle> {
    const id = `decider-${to}-${bench.mode}`;
    const handle = await bench.holdfast.start(payer.name, to, { id, labels, ...(by && { by }) });
    await asked(handle);
    return handle;
  }
  async function decision(handle: RunHandle) {
    const { run } = await bench.finished(handle.workflowId);
    const { verdict, by, role } = toolCalls(run)[0]?.decision ?? {};
    return { verdict, by, role };
  }

  test('shows with the question who may decide, and who may not', async () => {
    const labels = { test: randomUUID() };
    const handle = await waiting('ada', 'ann', labels);
    const run = await handle.read();
    assert.equal(run.startedBy, 'ann');
    const [question] = run.questions as Approval[];
    assert.deepEqual([question?.by, question?.notBy], [['role:finance', 'zoe'], 'ann']);
    const inInbox = await eventually(async () =>
      (await bench.holdfast.inbox({ labels })).waiting.find(({ workflowId }) => workflowId === handle.workflowId),
    );
    const [listed] = inInbox.questions as Approval[];
    assert.deepEqual([listed?.by, listed?.notBy], [['role:finance', 'zoe'], 'ann']);
    await handle.reject();
    await bench.finished(handle.workflowId);
  });

  test('takes the decision of somebody in the role, and records the role', async () => {
    const handle = await waiting('bea', 'ann');
    await assert.rejects(handle.approve('1.0'), refused('decider_not_named'));
    await assert.rejects(handle.approve('1.0', { by: 'ben' }), refused('decider_not_allowed'));
    await assert.rejects(handle.approve('1.0', { by: 'ben', roles: ['sales'] }), refused('decider_not_allowed'));
    await assert.rejects(handle.respond('1.0', 'paid', { by: 'ben' }), refused('decider_not_allowed'));
    await assert.rejects(handle.edit('1.0', { to: 'bea', amount: 1 }, { by: 'ben' }), refused('decider_not_allowed'));
    assert.equal(paid.has('bea'), false);
    const decided = await handle.approve('1.0', { by: 'ben', roles: ['sales', 'finance', 'board'] });
    assert.deepEqual([decided.isFirst, decided.role], [true, 'finance']);
    assert.deepEqual(await decision(handle), { verdict: 'approve', by: 'ben', role: 'finance' });
    assert.equal(paid.get('bea'), 500);
    // Only the role that matters is in history.
    assert.doesNotMatch(JSON.stringify(await handle.histories()), /sales/);
  });

  test('takes the decision of a person who is named, after any number that were refused', async () => {
    const handle = await waiting('cid', 'ann');
    for (let i = 0; i < 7; i++)
      await assert.rejects(handle.approve('1.0', { by: `stranger${i}` }), refused('decider_not_allowed'));
    await assert.rejects(handle.approve('1.0', { by: 'role:finance' }), refused('decider_not_allowed'));
    await handle.approve('1.0', { by: 'zoe' });
    assert.deepEqual(await decision(handle), { verdict: 'approve', by: 'zoe', role: undefined });
  });

  test('refuses who started the run, however the name is written, but lets them reject', async () => {
    const handle = await waiting('dan', 'ann@acme.example');
    for (const by of ['ann@acme.example', 'Ann@Acme.example', ' ann@acme.example'])
      await assert.rejects(handle.approve('1.0', { by, roles: ['finance'] }), refused('decider_is_initiator'));
    await handle.reject('1.0', { by: 'ann@acme.example', why: 'I was wrong.' });
    assert.equal((await decision(handle)).verdict, 'reject');
    assert.equal(paid.has('dan'), false);
  });

  test('lets nobody approve where it is not recorded who started the run', async () => {
    const handle = await waiting('eva');
    const [question] = (await handle.questions()) as Approval[];
    assert.equal(question?.notBy, null);
    await assert.rejects(handle.approve('1.0', { by: 'zoe' }), refused('initiator_unknown'));
    await handle.reject('1.0');
    await bench.finished(handle.workflowId);
  });

  test('asks for the role that new arguments need', async () => {
    const handle = await waiting('fay', 'ann');
    const more = { to: 'fay', amount: 5_000 };
    await assert.rejects(handle.edit('1.0', more, { by: 'ben', roles: ['finance'] }), refused('decider_not_allowed'));
    assert.equal((await handle.questions()).length, 1);
    await handle.edit('1.0', more, { by: 'cleo', roles: ['finance', 'board'] });
    assert.deepEqual(await decision(handle), { verdict: 'edit', by: 'cleo', role: 'board' });
    assert.equal(paid.get('fay'), 5_000);
  });

  const clerk = bench.agent({
    name: 'clerk',
    tools: [asTool(payer, { description: 'Pays.' })],
    script: ({ turn }) => (turn === 1 ? { calls: [{ tool: 'payer', arguments: { input: 'gus' } }] } : 'Done.'),
  });
  test('counts who started the topmost run, in the runs of its sub-agents', async () => {
    const parent = await bench.holdfast.start(clerk.name, 'Pay gus.', { id: `clerk-${randomUUID()}`, by: 'ann' });
    const handle = bench.holdfast.get(`${parent.workflowId}.1.0`);
    await eventually(async () => (await handle.questions().catch(() => [])).length > 0);
    await assert.rejects(handle.approve('1.0', { by: 'ann', roles: ['finance'] }), refused('decider_is_initiator'));
    await handle.approve('1.0', { by: 'ben', roles: ['finance'] });
    await bench.finished(parent.workflowId);
    assert.equal(paid.get('gus'), 500);
  });

  const wire = defineTool({
    name: 'wire',
    description: 'Wires money.',
    input: z.object({ to: z.string() }),
    effect: 'idempotent',
    approval: { by: 'role:finance' },
    run: ({ to }, { answer }) => (answer ? `wired to ${answer.text}` : needsInput(`Which account of ${to}?`)),
  });
  const wirer = bench.agent({
    name: 'wirer',
    tools: [wire],
    script: ({ turn }) => (turn === 1 ? { calls: [{ tool: 'wire', arguments: { to: 'hal' } }] } : 'Done.'),
  });
  test('lets only those who may approve a call answer what it asks', async () => {
    const handle = await bench.holdfast.start(wirer.name, 'Wire.', { id: `wirer-${bench.mode}` });
    await asked(handle);
    await handle.approve('1.0', { by: 'ben', roles: ['finance'] });
    await eventually(async () => (await handle.questions()).some((one) => one.kind === 'approval' && one.input));
    await assert.rejects(handle.respond('1.0', 'account 7', { by: 'eve' }), refused('decider_not_allowed'));
    await handle.respond('1.0', 'account 7', { by: 'ben', roles: ['finance'] });
    const { run } = await bench.finished(handle.workflowId);
    assert.equal(toolCalls(run)[0]?.text, 'wired to account 7');
  });
});
