// The tools of the refunds return the same from both databases, pay once under retries, and are safe from SQL in arguments.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleContext, ToolContext } from '../../activities/index.ts';
import { planCall } from '../../activities/plan/plan.ts';
import { refundOrder, refunds } from '../../agents/refunds/agent.ts';
import { query, write } from '../../agents/refunds/database/index.ts';
import { ATTRIBUTION_CHARS_MAX } from '../../core/limits.ts';
import { callTool } from './play.ts';
import { ledger, onBothDatabases, payments, rejections } from './refundsShop.ts';

const call = (tool: string, args: unknown, ctx?: Parameters<typeof callTool>[2]) =>
  callTool(refundOrder.tools.get(tool) ?? refunds.tools.get(tool), args, ctx);
const pay = (order_id: string, cents: number, idempotencyKey: string, ctx: Parameters<typeof callTool>[2] = {}) =>
  call('pay_refund', { order_id, cents }, { ...ctx, idempotencyKey });

const ctx: RuleContext = {
  agent: 'refund_order',
  workflowId: 'test',
  turn: 1,
  context: {},
  signal: new AbortController().signal,
};

/** What becomes of a payment that a model asks for: `allowed`, the question, or why not. */
async function planned(args: unknown): Promise<string> {
  const { planned } = await planCall(refundOrder, { name: 'pay_refund', arguments: JSON.stringify(args) }, ctx);
  if ('problem' in planned) return `${planned.problem.kind}: ${planned.problem.reason.text}`;
  return planned.ask ? `ask: ${planned.ask.question}` : 'allowed';
}

const INJECTIONS = [
  "O-1003'; DROP TABLE refunds; --",
  "' OR '1'='1",
  "O-1003'); INSERT INTO refunds VALUES ('x', 'O-1003', 1, NULL, 'x'); --",
  'O-1003\u0000',
  'O-1003\nO-1004',
  'o-1003',
  '$1',
];

onBothDatabases(() => {
  test('lists the open requests, oldest first, up to the limit', async () => {
    const { requests, count } = (await call('find_refund_requests', {})) as {
      requests: { order_id: string }[];
      count: number;
    };
    assert.equal(count, 9);
    assert.deepEqual(requests[0], { order_id: 'O-1001', requested_on: '2026-01-11', reason: 'The handle came off.' });
    assert.deepEqual(
      requests.map(({ order_id }) => order_id).slice(0, 5),
      ['O-1001', 'O-1003', 'O-1002', 'O-1004', 'O-1005'],
      'by day, then by number',
    );
    assert.equal(((await call('find_refund_requests', { limit: 2 })) as { count: number }).count, 2);
  });

  test('returns everything about an order, with its dates unchanged', async () => {
    assert.deepEqual(await call('get_order', { order_id: 'O-1003' }), {
      order_id: 'O-1003',
      customer: 'Perpetua Finch',
      item: 'winter coat',
      category: 'clothing',
      cents: 24_900,
      state: 'returned',
      ordered_on: '2026-01-03',
      delivered_on: '2026-01-06',
      requested_on: '2026-01-12',
      reason: 'One size too small.',
      refunded_cents: null,
      rejected_because: null,
    });
    for (const tool of ['get_order', 'propose_refund'])
      assert.deepEqual(await call(tool, { order_id: 'O-9999' }), { error: 'Order O-9999 not found' });
  });

  test('returns the policy, and what it gives for an order', async () => {
    const { policy } = (await call('get_policy', {})) as { policy: { category: string }[] };
    assert.deepEqual(
      policy.map(({ category }) => category),
      ['clothing', 'electronics', 'food', 'household'],
    );
    const proposed = (order_id: string) => call('propose_refund', { order_id });
    const { decision, cents } = (await proposed('O-1009')) as { decision: string; cents: number };
    assert.deepEqual({ decision, cents }, { decision: 'refund', cents: 3_591 });
    for (const [order_id, expected] of [
      ['O-1007', /^it was asked for 83 days after delivery/],
      ['O-1008', /have not come back/],
      ['O-1010', /nobody asks/],
    ] as const)
      assert.match(((await proposed(order_id)) as { why: string }).why, expected);
  });

  test('rejects SQL in ids, and reads it as text in texts', async () => {
    for (const order_id of INJECTIONS) {
      for (const tool of ['get_order', 'propose_refund']) await assert.rejects(call(tool, { order_id }), /order id is/);
      await assert.rejects(pay(order_id, 1, 'k'), /order id is/);
    }
    const reason = "'); DELETE FROM refund_requests; --";
    const key = "k'); DROP TABLE rejections; --";
    const noted = await call('note_rejection', { order_id: 'O-1008', reason }, { idempotencyKey: key });
    assert.deepEqual(noted, { order_id: 'O-1008', reason });
    const found = await query('SELECT idempotency_key, reason FROM rejections', []);
    assert.deepEqual(found, [{ idempotency_key: key, reason }]);
    assert.deepEqual(await query('SELECT count(*) AS n FROM refund_requests', []), [{ n: 9 }]);
    assert.deepEqual(await ledger(), []);
  });

  test('books a payment once for any number of concurrent attempts', async () => {
    const decision = { verdict: 'approve', by: 'ann', why: null } as const;
    const all = await Promise.all([1, 2, 3].map((attempt) => pay('O-1003', 24_900, 'key-1', { attempt, decision })));
    const late = await pay('O-1003', 24_900, 'key-1', { attempt: 4, decision, workflowId: 'another' });
    for (const answer of [...all, late]) assert.deepEqual(answer, all[0], 'each attempt gives what was recorded');
    assert.deepEqual(
      [all[0]].map((answer) => ({ ...(answer as object), paid_at: '' })),
      [{ order_id: 'O-1003', cents: 24_900, approved_by: 'ann', run: 'test', paid_at: '' }],
    );
    const entries = await ledger();
    assert.deepEqual(entries, [
      { order_id: 'O-1003', cents: 24_900, approved_by: 'ann', idempotency_key: 'key-1', run: 'test' },
    ]);
  });

  test('rejects another call for the same order in the ledger itself', async () => {
    const tries = await Promise.allSettled(['a', 'b', 'c', 'd'].map((key) => pay('O-1001', 2_490, key)));
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const one of tries)
      if (one.status === 'rejected') assert.match(one.reason.message, /O-1001 has been refunded already/);
    await assert.rejects(pay('O-1001', 1, 'later'), /has been refunded already/);
    assert.deepEqual(await payments(), ['O-1001 2490', 'O-1003 24900']);
    const again = "INSERT INTO refunds (idempotency_key, order_id, cents, run) VALUES ('mine', 'O-1001', 1, 'test')";
    await assert.rejects(write(again, []), { code: '23505' });
  });

  test('pays nothing for a missing order, or more than it cost', async () => {
    await assert.rejects(pay('O-9999', 1, 'no-order'), /Not paid: there is no order O-9999/);
    await assert.rejects(pay('O-1002', 3_201, 'over'), /Not paid: .* that cost 32\.01 or more/);
    for (const cents of [0, -1, 1.5, Number.NaN, 100_000_001]) await assert.rejects(pay('O-1002', cents, 'odd'));
    assert.deepEqual(await payments(), ['O-1001 2490', 'O-1003 24900']);
  });

  test('closes paid and rejected requests, and rejects no paid order', async () => {
    await assert.rejects(call('note_rejection', { order_id: 'O-1001', reason: 'no' }), /Not noted/);
    const first = await call('note_rejection', { order_id: 'O-1007', reason: 'late' }, { idempotencyKey: 'r' });
    assert.deepEqual(
      await call('note_rejection', { order_id: 'O-1007', reason: 'late' }, { idempotencyKey: 'r' }),
      first,
    );
    await assert.rejects(
      call('note_rejection', { order_id: 'O-1007', reason: 'again' }, { idempotencyKey: 'other' }),
      /has been rejected already/,
    );
    assert.deepEqual(await rejections(), ['O-1007', 'O-1008']);
    const { requests } = (await call('find_refund_requests', {})) as { requests: { order_id: string }[] };
    assert.deepEqual(
      requests.map(({ order_id }) => order_id),
      ['O-1002', 'O-1004', 'O-1005', 'O-1006', 'O-1009'],
    );
  });

  test('asks a person above the amount or the policy, and denies above the price', async () => {
    assert.equal(await planned({ order_id: 'O-1009', cents: 3_591 }), 'allowed');
    assert.match(
      await planned({ order_id: 'O-1009', cents: 3_592 }),
      /^ask: Refund 35\.92 to Lorcan Ashgrove for O-1009, headphones, which cost 39\.90\? The policy gives 35\.91: .*The customer says: "The left side is silent\."$/,
    );
    assert.match(await planned({ order_id: 'O-1004', cents: 10_001 }), /^ask: Refund 100\.01/);
    assert.equal(await planned({ order_id: 'O-1004', cents: 10_000 }), 'allowed');
    assert.match(await planned({ order_id: 'O-1008', cents: 100 }), /^ask: .*The policy says/);
    assert.match(await planned({ order_id: 'O-1010', cents: 100 }), /^ask: .*The customer has not asked for it\.$/);
    for (const args of [
      { order_id: 'O-1008', cents: 500_000 },
      { order_id: 'O-1009', cents: 3_991 },
      { order_id: 'O-9999', cents: 1 },
    ])
      assert.match(await planned(args), /^rejected: not permitted: a refund is never more than the order cost/);
    assert.match(await planned({ order_id: 'O-1009', cents: 1, by: 'me' }), /^invalid_arguments/);
  });

  test('allows lookups no writes, and the clerk only inserts', async () => {
    for (const sql of [
      "INSERT INTO refunds (idempotency_key, order_id, cents, run) VALUES ('x', 'O-1002', 1, 'x')",
      'DELETE FROM refunds',
      'CREATE TABLE mine (id int)',
    ])
      await assert.rejects(query(sql, []), (error: { code?: string }) => ['25006', '42501'].includes(error.code ?? ''));
    for (const sql of [
      'UPDATE refunds SET cents = 1',
      'DELETE FROM refunds',
      'DELETE FROM rejections',
      'UPDATE orders SET cents = 100000000',
      "INSERT INTO refund_policy VALUES ('gold', 99, 100, false, '')",
      'TRUNCATE refunds',
      'DROP TABLE refunds',
    ])
      await assert.rejects(write(sql, []), { code: '42501' }, sql);
    assert.deepEqual(await payments(), ['O-1001 2490', 'O-1003 24900']);
  });

  test("keeps a person's reason unchanged, and cuts one that is too long", async () => {
    const noted = async (order_id: string, reason: string) =>
      ((await call('note_rejection', { order_id, reason }, { idempotencyKey: order_id })) as { reason: string }).reason;
    const long = 'no, '.repeat(ATTRIBUTION_CHARS_MAX / 4).trim();
    assert.equal(await noted('O-1005', `  ${long}\u0000\n`), long);
    const cut = `${'x'.repeat(4_100)}… [cut: 5000 characters]`;
    assert.equal(await noted('O-1006', 'x'.repeat(5_000)), cut);
    const kept = await query<{ reason: string }>(
      "SELECT reason FROM rejections WHERE order_id IN ('O-1005', 'O-1006') ORDER BY order_id",
      [],
    );
    assert.deepEqual(
      kept.map(({ reason }) => reason),
      [long, cut],
    );
    await assert.rejects(call('note_rejection', { order_id: 'O-1002', reason: '  ' }), /Too small/);
  });

  test('records a person without a name, and nobody if nobody was asked', async () => {
    const approvedBy = async (order_id: string, decision: ToolContext['decision']) =>
      ((await pay(order_id, 1, order_id, decision && { decision })) as { approved_by: string | null }).approved_by;
    const approved = (by: string | null) => ({ verdict: 'approve', by, why: null }) as const;
    assert.equal(await approvedBy('O-1002', undefined), null);
    assert.equal(await approvedBy('O-1004', approved(null)), 'somebody');
    assert.equal(await approvedBy('O-1009', approved('')), 'somebody');
    assert.equal(await approvedBy('O-1010', approved(' \n')), 'somebody');
    assert.equal(await approvedBy('O-1011', approved(' ann\u0000 ')), 'ann');
  });
});
