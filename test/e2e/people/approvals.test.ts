// A pending approval waits, the other calls run on, and the first decision counts.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { z } from 'zod';
import { type AgentOptions, defineTool } from '../../../activities/index.ts';
import { CommandRejected, RunOver } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import type { Verdict } from '../../../core/types.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked, failedTasks, seeded, shuffled } from '../../support/people.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';
import { counter, eventually } from '../../support/waits.ts';

endToEnd('approvals', (bench) => {
  /** What was paid, to whom, and with which idempotency key. Every test pays somebody else. */
  const paid: { readonly to: string; readonly text: string; readonly key: string }[] = [];
  const count = counter();
  const paidTo = (to: string) => paid.filter((one) => one.to === to.toUpperCase());
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: z.object({
      to: z.string().transform((to) => to.toUpperCase()),
      amount: z.number().positive(),
      note: z.string().default('none'),
    }),
    effect: 'idempotent',
    approval: ({ amount }) => amount > 100 && { ask: `Pay ${amount}?` },
    run: ({ to, amount, note }, { idempotencyKey: key }) => {
      paid.push({ to, text: `${amount} (${note})`, key });
      count.add();
      return `paid ${amount}`;
    },
  });
  /** Its input is the calls of its turns, as JSON; then it says that it is done. */
  const payer = (options: Partial<AgentOptions> & { readonly endsVary?: boolean } = {}) =>
    bench.agent({
      tools: [pay],
      ...options,
      script: ({ turn, input }) => {
        const calls: readonly object[] | undefined = JSON.parse(input)[turn - 1];
        return calls ? { calls: calls.map((args) => ({ tool: 'pay', arguments: args })) } : 'Done.';
      },
    });
  const start = (agent: { readonly name: string }, turns: readonly (readonly object[])[], id?: string) =>
    bench.holdfast.start(agent.name, JSON.stringify(turns), { id: id ?? `approval-${randomUUID()}` });
  const payWith = (args: string) => ({ tool: 'pay', arguments: args });
  const goldenId = (shows: string) => golden(bench.cached, shows).id ?? `${shows}-replaying`;

  const plain = payer();
  test('runs an approved call, after the other calls of the batch', async () => {
    const calls = [
      { to: 'abe', amount: 50 },
      { to: 'abe', amount: 500 },
    ];
    const handle = await start(plain, [calls], goldenId('approved'));
    const [question] = await asked(handle);
    assert.deepEqual(
      { call: question?.call, tool: question?.tool, question: question?.question },
      { call: '1.1', tool: 'pay', question: 'Pay 500?' },
    );
    await eventually(async () => paidTo('abe').length === 1);
    const decided = await handle.approve('1.1', { by: 'ann', why: 'known customer' });
    assert.deepEqual(
      { verdict: decided.verdict, by: decided.by, isFirst: decided.isFirst },
      { verdict: 'approve', by: 'ann', isFirst: true },
    );
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, output: result.output, failedCalls: result.failedCalls },
      { status: 'completed', output: 'Done.', failedCalls: 0 },
    );
    assert.deepEqual(toolTexts(run), ['paid 50', 'paid 500']);
    assert.deepEqual(
      paidTo('abe').map(({ text }) => text),
      ['50 (none)', '500 (none)'],
    );
    assert.ok(paidTo('abe')[1]?.key.endsWith(`/1.1/${question?.digest}`), 'the key is that of what was asked about');
    const { by, why, verdict } = toolCalls(run)[1]?.decision ?? {};
    assert.deepEqual({ by, why, verdict }, { by: 'ann', why: 'known customer', verdict: 'approve' });
  });

  const ruled = (name: string, approval: 'never' | 'always' | (() => boolean | Promise<boolean | { ask: string }>)) =>
    defineTool({ name, description: 'Does.', input: z.object({}), effect: 'read', approval, run: () => `${name} ran` });
  const rules = [
    ruled('asks_never', 'never'),
    ruled('asks_always', 'always'),
    ruled('looks_it_up', async () => {
      await turnOfTheLoop();
      return { ask: 'It is on the list. Go on?' };
    }),
    ruled('looked_up_and_fine', async () => {
      await turnOfTheLoop();
      return false;
    }),
    ruled('throws', () => {
      throw new Error('the list is gone');
    }),
    ruled('is_named_by_the_agent', 'never'),
    ruled('is_freed_by_the_agent', 'always'),
  ];
  const byRule = bench.agent({
    tools: rules,
    approvals: { is_named_by_the_agent: 'always', is_freed_by_the_agent: 'never' },
    script: [{ calls: rules.map(({ name }) => ({ tool: name })) }, 'Done.'],
  });
  test("evaluates never, always and functions, the agent's rule before the tool's", async () => {
    const handle = await bench.holdfast.start(byRule.name, 'Go.');
    const questions = await asked(handle, 4);
    assert.deepEqual(
      questions.map(({ tool, question }) => [tool, question]),
      [
        ['asks_always', null],
        ['looks_it_up', 'It is on the list. Go on?'],
        ['throws', 'The approval rule of this tool failed: the list is gone'],
        ['is_named_by_the_agent', null],
      ],
    );
    await assert.rejects(handle.approve(), {
      name: 'CommandRejected',
      message: /Several calls .* are pending: .*1\.1 asks_always/,
    });
    for (const { call } of questions) await handle.approve(call);
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      toolTexts(run),
      rules.map(({ name }) => `${name} ran`),
    );
  });

  const single = payer({ parallel: 1 });
  test('does not count a pending approval towards the limit of parallel calls', async () => {
    const calls = [500, 1, 600, 2, 3].map((amount) => ({ to: 'bea', amount }));
    const handle = await start(single, [calls]);
    await eventually(async () => paidTo('bea').length === 3);
    assert.equal((await asked(handle, 2)).length, 2);
    await handle.approve('1.2');
    await handle.approve('1.0');
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), ['paid 500', 'paid 1', 'paid 600', 'paid 2', 'paid 3'], 'told in the order asked');
  });

  const guarded = payer({
    permissions: { deny: [{ tool: 'pay', when: ({ amount }) => amount === 666, reason: 'cursed' }] },
  });
  test('edits arguments, with another key and a note to the model', async () => {
    const handle = await start(guarded, [[{ to: 'cid', amount: 500, note: 'x' }]], goldenId('edited'));
    const [question] = await asked(handle);
    const refused = async (args: object | string, message: RegExp) =>
      assert.rejects(handle.edit('1.0', args), (error) => {
        assert.ok(error instanceof CommandRejected, String(error));
        assert.match(error.message, message);
        return true;
      });
    await refused({ to: 'cid', amount: 'much' }, /new arguments are not accepted: invalid arguments: .*amount/);
    await refused('{"to":', /new arguments are not accepted: .*not valid JSON/);
    await refused({ to: 'cid', amount: 666 }, /new arguments are not accepted: not permitted: cursed/);
    assert.deepEqual(await asked(handle), [question], 'it still waits, for the same');
    const decided = await handle.edit('1.0', { to: 'cid', amount: 400 }, { by: 'ann' });
    assert.deepEqual(
      { isFirst: decided.isFirst, arguments: decided.arguments },
      { isFirst: true, arguments: '{"to":"cid","amount":400}' },
    );
    const { run } = await bench.finished(handle.workflowId);
    const [payment, ...more] = paidTo('cid');
    assert.deepEqual({ text: payment?.text, more: more.length }, { text: '400 (none)', more: 0 });
    assert.ok(payment?.key.includes('/1.0/'));
    assert.ok(!payment?.key.endsWith(question!.digest), 'another key than that of the arguments that the model wrote');
    assert.deepEqual(toolTexts(run), [
      'A person changed the arguments of this call to {"to":"cid","amount":400}. It answered:\npaid 400',
    ]);
    const [call] = toolCalls(run);
    assert.deepEqual(
      { arguments: call?.arguments, by: call?.decision?.by },
      { arguments: '{"to":"cid","amount":500,"note":"x"}', by: 'ann' },
    );
    assert.equal(call?.decision?.arguments, '{"to":"cid","amount":400}');
  });

  const disguised = bench.agent({
    tools: [pay],
    script: [
      { calls: ['{"to":"ugo","amount":500,"amount":999999}', '{ "to":"\\u0075go", "amount":5e2 }'].map(payWith) },
      'Done.',
    ],
  });
  test('asks about the arguments that run, and never about a field that is there twice', async () => {
    const handle = await bench.holdfast.start(disguised.name, 'Go.');
    const questions = await asked(handle);
    assert.deepEqual(
      questions.map(({ call, arguments: args }) => ({ call, args })),
      [{ call: '1.1', args: '{"to":"ugo","amount":500}' }],
    );
    await assert.rejects(handle.edit('1.1', '{"to":"ugo","amount":1,"amount":999999}'), {
      name: 'CommandRejected',
      message: /the field "amount" is there twice/,
    });
    const edited = await handle.edit('1.1', '{ "to": "ugo", "amount": 7e1 }');
    assert.equal(edited.arguments, '{"to":"ugo","amount":70}');
    const again = await handle.edit('1.1', '{ "to": "ugo", "amount": 7e1 }');
    assert.equal(again.arguments, edited.arguments);
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      paidTo('ugo').map(({ text }) => text),
      ['70 (none)'],
    );
    const [twice] = toolTexts(run);
    assert.equal(
      twice,
      '{"error":"invalid arguments: the field \\"amount\\" is there twice","tool":"pay","kind":"invalid_arguments"}',
    );
    assert.equal(toolCalls(run)[0]?.attempts, 0);
  });

  test('accepts the same edit, or an approval, after a refused edit', async () => {
    const handle = await start(plain, [[{ to: 'dan', amount: 500 }]]);
    await asked(handle);
    for (let time = 0; time < 2; time++) await assert.rejects(handle.edit('1.0', { amount: 1 }), CommandRejected);
    assert.equal((await handle.approve('1.0')).isFirst, true);
    await bench.finished(handle.workflowId);
    assert.deepEqual(
      paidTo('dan').map(({ text }) => text),
      ['500 (none)'],
    );
  });

  test('rejects and responds without running the call', async () => {
    const calls = [500, 600].map((amount) => ({ to: 'eve', amount }));
    const handle = await start(plain, [calls], goldenId('rejected-and-answered'));
    await asked(handle, 2);
    await handle.reject('1.0', { by: 'bob', why: 'paid last week' });
    assert.deepEqual(
      (await asked(handle)).map(({ call }) => call),
      ['1.1'],
    );
    await handle.respond('1.1', 'Paid by hand.', { by: 'bob' });
    const { run, result } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), [
      '{"error":"rejected by a person: paid last week","tool":"pay","kind":"rejected"}',
      'Paid by hand.',
    ]);
    assert.deepEqual({ paidTo: paidTo('eve').length, failedCalls: result.failedCalls }, { paidTo: 0, failedCalls: 1 });
    assert.deepEqual(
      toolCalls(run).map(({ ok, kind, attempts, decision }) => [ok, kind, attempts, decision?.verdict, decision?.by]),
      [
        [false, 'rejected', 0, 'reject', 'bob'],
        [true, null, 0, 'respond', 'bob'],
      ],
    );
    assert.equal(toolCalls(run)[0]?.decision?.why, 'paid last week');
  });

  test('refuses an invalid decision, and leaves nothing in history', async () => {
    const turns = [
      [{ to: 'fay', amount: 500 }],
      [
        { to: 'fay', amount: 1 },
        { to: 'fay', amount: 600 },
      ],
    ];
    const other = await start(plain, [[{ to: 'gus', amount: 900 }]]);
    const [foreign] = await asked(other);
    const handle = await start(plain, turns);
    const [first] = await asked(handle);
    const ok = { verdict: 'approve', digest: first!.digest };
    await handle.decide({ ...ok, call: '1.0', verdict: 'approve' });
    const [question] = await eventually(async () => {
      const open = await asked(handle);
      return open[0]?.call === '2.1' && paidTo('fay').length === 2 && open;
    });
    const { digest } = question!;
    const length = async () => (await handle.history()).events?.length;
    await eventually(async () => {
      const settled = toolCalls(await handle.read())[1]?.ok === true;
      return settled && !(await handle.describe()).raw.pendingWorkflowTask;
    });
    const before = await length();
    const raw = bench.holdfast.client.workflow.getHandle(handle.workflowId);
    const good = { call: '2.1', digest, verdict: 'approve' };
    const wrong: [unknown[], RegExp][] = [
      [[], /argument must be an object, not undefined/],
      [[null], /argument must be an object, not null/],
      [['2.1'], /argument must be an object, not "2\.1"/],
      [[7], /argument must be an object, not 7/],
      [[[]], /argument must be an object, not a list/],
      [[{ ...good, call: undefined }], /call must be a string, not undefined/],
      [[{ ...good, call: 2.1 }], /call must be a string, not 2\.1/],
      [[{ ...good, call: 'pay' }], /"pay" names no call/],
      [[{ ...good, call: '2.model' }], /names no call/],
      [[{ ...good, call: 'x'.repeat(100_000) }], /names no call/],
      [[{ ...good, call: '2.2' }], /has no call 2\.2/],
      [[{ ...good, call: '3.0' }], /has no call 3\.0/],
      [[{ ...good, call: '0.0' }], /has no call 0\.0/],
      [[{ ...good, call: '2.0' }], /2\.0 does not wait for a decision/],
      [[{ ...good, call: '1.0' }], /1\.0 is over/],
      [[{ ...good, digest: first!.digest }], /other arguments .* Look again/],
      [[{ ...good, digest: foreign!.digest }], /other arguments .* Look again/],
      [[{ ...good, digest: '' }], /Look again/],
      [[{ ...good, digest: 5 }], /digest must be a string, not 5/],
      [[{ ...good, verdict: 'maybe' }], /approve, edit, reject, respond/],
      [[{ ...good, verdict: ['approve'] }], /approve, edit, reject, respond/],
      [[{ ...good, verdict: 'toString' }], /approve, edit, reject, respond/],
      [[{ ...good, verdict: 'edit' }], /must be the new arguments/],
      [[{ ...good, verdict: 'edit', arguments: { amount: 1 } }], /arguments must be a string, not an object/],
      [
        [{ ...good, verdict: 'edit', arguments: `"${'x'.repeat(300_000)}"` }],
        /may have 262,144 bytes; these have 300,002/,
      ],
      [[{ ...good, verdict: 'respond' }], /text must be the answer/],
      [[{ ...good, verdict: 'respond', text: ' ' }], /text must be the answer/],
      [[{ ...good, verdict: 'respond', text: {} }], /text must be a string, not an object/],
      [[{ ...good, verdict: 'respond', text: 'x'.repeat(70_000) }], /may have 65,536 bytes; it has 70,000/],
      [[{ ...good, by: { name: 'ann' } }], /by must be a string, not an object/],
      [[{ ...good, why: 'x'.repeat(5_000) }], /why may have 4,000 characters; it has 5,000/],
    ];
    for (const [args, message] of wrong)
      await assert.rejects(
        raw.executeUpdate<unknown, [unknown]>('decide', { args: args as [unknown] }),
        (error: Error) => {
          const cause = error.cause as Error & { readonly type?: string };
          assert.equal(cause?.type, 'CommandRefused', `${JSON.stringify(args).slice(0, 200)}: ${error}`);
          assert.match(cause.message, message);
          assert.ok(cause.message.length < 500, 'no dump');
          return true;
        },
      );
    assert.equal(await length(), before);
    assert.deepEqual(await asked(handle), [question], 'it still waits');

    await handle.decide({ call: '2.1', digest, verdict: 'approve' });
    const { history } = await bench.finished(handle.workflowId);
    assert.deepEqual(failedTasks(history), []);
    await assert.rejects(handle.decide({ call: '2.1', digest: 'other', verdict: 'approve' }), RunOver);
    await assert.rejects(handle.approve('2.0'), RunOver);
    const late = await handle.reject('2.1', { by: 'ann' });
    assert.deepEqual(
      { verdict: late.verdict, isFirst: late.isFirst },
      { verdict: 'approve', isFirst: false },
      'of what was decided, the end hides nothing',
    );
    await other.reject();
    await bench.finished(other.workflowId);
    assert.deepEqual({ fay: paidTo('fay').length, gus: paidTo('gus').length }, { fay: 3, gus: 0 });
  });

  test('counts two hundred concurrent equal decisions as one', async () => {
    const handle = await start(
      plain,
      [500, 600, 700].map((amount) => [{ to: 'hal', amount }]),
    );
    const [question] = await asked(handle);
    const decision = { call: '1.0', digest: question!.digest, verdict: 'approve' as const, by: 'ann' };
    const all = await Promise.all(Array.from({ length: 200 }, () => handle.decide(decision)));
    assert.ok(all.every(({ isFirst, verdict, atMs }) => isFirst && verdict === 'approve' && atMs === all[0]?.atMs));

    const [second] = await eventually(async () => {
      const open = await asked(handle);
      return open[0]?.call === '2.0' && open;
    });
    const raw = bench.holdfast.client.workflow.getHandle(handle.workflowId);
    const args = { ...decision, call: '2.0', digest: second!.digest };
    const ends: PromiseSettledResult<unknown>[] = [];
    // Ten at once are as many as the server takes of one run.
    while (ends.length < 200) {
      const ten = Array.from({ length: 10 }, () => raw.executeUpdate<unknown, [object]>('decide', { args: [args] }));
      ends.push(...(await Promise.allSettled(ten)));
    }
    assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const end of ends)
      if (end.status === 'rejected')
        assert.match(end.reason.cause?.message, /decided already by ann: approve|2\.0 is over/);
    await eventually(async () => (await asked(handle))[0]?.call === '3.0');
    await handle.reject('3.0');
    const { history } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      paidTo('hal').map(({ text }) => text),
      ['500 (none)', '600 (none)'],
    );
    assert.deepEqual(failedTasks(history), []);
  });

  const raced = payer({ endsVary: true });
  test('counts one of several concurrent decisions, and returns it to the others', async () => {
    const handle = await start(raced, [[{ to: 'ida', amount: 500 }], [{ to: 'ida', amount: 700 }]]);
    const [question] = await asked(handle);
    const { digest } = question!;
    const verdicts: Verdict[] = ['approve', 'reject', 'respond', 'edit'];
    const all = await Promise.all(
      verdicts.flatMap((verdict) =>
        ['ann', 'bob', 'cat'].map((by) =>
          handle.decide({
            ...{ call: '1.0', digest, verdict, by },
            ...(verdict === 'respond' && { text: 'Done by hand.' }),
            ...(verdict === 'edit' && { arguments: '{"to":"ida","amount":1}' }),
          }),
        ),
      ),
    );
    const [first, ...others] = all.filter(({ isFirst }) => isFirst);
    assert.ok(first && others.length === 0, JSON.stringify(all));
    for (const decided of all) assert.deepEqual({ ...decided, isFirst: true }, first);
    await eventually(async () => (await asked(handle))[0]?.call === '2.0');
    const pays = first.verdict === 'approve' || first.verdict === 'edit';
    assert.equal(paidTo('ida').length, pays ? 1 : 0);
    assert.deepEqual(toolCalls(await handle.read())[0]?.decision?.by, first.by);
    await handle.reject('2.0');
    await bench.finished(handle.workflowId);
  });

  const impatient = payer({ approvalTimeout: '1 s' });
  test('rejects a call whose approval times out, and continues', async () => {
    const calls = [500, 600].map((amount) => ({ to: 'jim', amount }));
    const handle = await start(impatient, [calls], goldenId('expired'));
    await handle.approve((await asked(handle, 2))[1]?.call);
    const { result, run } = await bench.finished(handle.workflowId);
    assert.equal(result.status, 'completed');
    const expired = '{"error":"approval timed out: nobody decided within 1 second","tool":"pay","kind":"rejected"}';
    assert.deepEqual(toolTexts(run), [expired, 'paid 600']);
    assert.deepEqual(run.questions, []);
    const [call] = toolCalls(run);
    assert.deepEqual({ kind: call?.kind, decision: call?.decision }, { kind: 'rejected', decision: null });
  });

  const strict = payer({ approvalTimeout: '1 s', whenApprovalExpires: 'end' });
  test('ends as stopped if an approval times out and the rules say so', async () => {
    const calls = [1, 600].map((amount) => ({ to: 'kim', amount }));
    const handle = await start(strict, [calls], goldenId('expired-and-ended'));
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual(
      { status: result.status, reason: result.reason },
      { status: 'stopped', reason: 'Approval timed out: nobody decided within 1 second.' },
    );
    assert.equal(toolTexts(run).length, 2, 'the transcript is whole');
    assert.equal(paidTo('kim').length, 1);
  });

  const limited = payer({ approvalTimeout: '15 s', timeLimit: '14 s' });
  test('does not count waiting as active time', async () => {
    const handle = await start(limited, [[{ to: 'lea', amount: 500 }]]);
    const { result, run } = await bench.finished(handle.workflowId);
    assert.equal(result.status, 'completed');
    assert.ok(result.spend.activeMs <= run.endedAtMs! - run.startedAtMs - 15_000, `${result.spend.activeMs} ms`);
  });

  const busy = payer({ parallel: 2 });
  test('applies thirty decisions of three people in any order', async () => {
    const seed = Date.now() % 1_000_000;
    const random = seeded(seed);
    const calls = Array.from({ length: 30 }, (_, at) => ({ to: 'moe', amount: 101 + at }));
    const handle = await start(busy, [calls]);
    const questions = shuffled(await asked(handle, 30), random);
    const people = await Promise.all([1, 2, 3].map(() => bench.connect()));
    const told: string[] = [];
    await Promise.all(
      people.map(async (person, at) => {
        const mine = person.get(handle.workflowId);
        for (const { call, digest, arguments: args } of questions.filter((_, index) => index % 3 === at)) {
          const slot = Number(call.split('.')[1]);
          const { amount } = JSON.parse(args);
          switch (Math.floor(random() * 3)) {
            case 0:
              await mine.decide({ call, digest, verdict: 'approve' });
              told[slot] = `paid ${amount}`;
              break;
            case 1:
              await mine.decide({ call, digest, verdict: 'respond', text: `answered ${slot}` });
              told[slot] = `answered ${slot}`;
              break;
            default:
              await mine.decide({ call, digest, verdict: 'reject' });
              told[slot] = '{"error":"rejected by a person","tool":"pay","kind":"rejected"}';
          }
        }
      }),
    );
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), told, `seed ${seed}`);
    assert.equal(paidTo('moe').length, told.filter((text) => text.startsWith('paid')).length, `seed ${seed}`);
    await Promise.all(people.map((person) => person.close()));
  });
});
