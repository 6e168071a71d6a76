// Both scripts answer from what they are sent, complete or not, and say that they are scripts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refundOrder, refunds } from '../../agents/refunds/agent.ts';
import { NightlyReport, OrderOutcome } from '../../agents/refunds/outcome.ts';
import { ask } from './play.ts';

const SETTLE = 'Settle the refund request for order O-1003.';
const paid = { order_id: 'O-1003', cents: 24_900, approved_by: 'ann', run: 'r', paid_at: 'now' };

type Results = NonNullable<Parameters<typeof ask>[2]>;

const calls = (results: Results) => ask(refundOrder, SETTLE, results).calls ?? [];
const outcome = (results: Results) => OrderOutcome.parse(JSON.parse(ask(refundOrder, SETTLE, results).text ?? ''));

test('handles an order with three lookups at once, then the proposal', () => {
  assert.deepEqual(
    calls([]).map(({ tool }) => tool),
    ['get_order', 'propose_refund', 'get_policy'],
  );
  const proposed = (result: unknown) => calls([{ tool: 'propose_refund', result }]);
  assert.deepEqual(proposed({ decision: 'refund', cents: 24_900 }), [
    { tool: 'pay_refund', arguments: { order_id: 'O-1003', cents: 24_900 } },
  ]);
  assert.deepEqual(proposed({ decision: 'reject', why: 'too late' }), [
    { tool: 'note_rejection', arguments: { order_id: 'O-1003', reason: 'too late' } },
  ]);
  const left = outcome([{ tool: 'propose_refund', result: { decision: 'leave', why: 'nobody asks' } }]);
  assert.deepEqual(left, { order_id: 'O-1003', outcome: 'open', cents: 0, why: 'nobody asks' });
});

test('reports a payment that was made, edited, rejected or timed out', () => {
  assert.deepEqual(outcome([{ tool: 'pay_refund', result: paid }]), {
    order_id: 'O-1003',
    outcome: 'paid',
    cents: 24_900,
    why: 'Approved by ann.',
  });
  const changed = `A person changed the arguments of this call to {"cents":300}. It answered:\n${JSON.stringify({ ...paid, cents: 300 })}`;
  assert.equal(outcome([{ tool: 'pay_refund', result: changed }]).cents, 300);
  const failed = (error: string) => [{ tool: 'pay_refund', result: { error, tool: 'pay_refund', kind: 'rejected' } }];
  const said = ['rejected by a person: wrong serial number', 'rejected by a person', 'rejected by a person:  '];
  const reasons = said.map((error) => calls(failed(error))[0]?.arguments);
  assert.deepEqual(reasons, [
    { order_id: 'O-1003', reason: 'wrong serial number' },
    { order_id: 'O-1003', reason: 'A person has rejected it.' },
    { order_id: 'O-1003', reason: 'A person has rejected it.' },
  ]);
  for (const error of [
    'approval timed out: nobody decided within 3 days',
    'not permitted: a refund is never more than the order cost',
  ])
    assert.deepEqual(outcome(failed(error)), { order_id: 'O-1003', outcome: 'open', cents: 0, why: error });
});

test('does not fail, or report a payment that was not made, for any result', () => {
  for (const result of [
    null,
    undefined,
    42,
    'text',
    '{"cents":',
    [],
    {},
    { cents: '5' },
    { decision: 'refund' },
    { error: null },
  ])
    for (const tool of ['get_order', 'get_policy', 'propose_refund', 'pay_refund', 'note_rejection']) {
      const { text } = ask(refundOrder, SETTLE, [{ tool, result }]);
      if (text !== undefined) assert.notEqual(OrderOutcome.parse(JSON.parse(text)).outcome, 'paid');
    }
  for (const result of [null, 42, 'text', {}, { requests: null }, { requests: [null, {}] }, { error: 'gone' }]) {
    const { text = '' } = ask(refunds, 'Go.', [{ tool: 'find_refund_requests', result }]);
    assert.deepEqual(NightlyReport.parse(JSON.parse(text)).orders, []);
  }
  assert.equal(OrderOutcome.parse(JSON.parse(ask(refundOrder, 'Sing!').text ?? '')).outcome, 'open');
});

test('asks about every order in one turn, and adds up the answers', () => {
  const requests = ['O-1001', 'O-1002'].map((order_id) => ({ order_id, reason: 'x' }));
  const { calls } = ask(refunds, 'Go.', [{ tool: 'find_refund_requests', result: { requests, count: 2 } }]);
  assert.deepEqual(calls, [
    { tool: 'refund_order', arguments: { order_id: 'O-1001' } },
    { tool: 'refund_order', arguments: { order_id: 'O-1002' } },
  ]);
  const one = { order_id: 'O-1001', outcome: 'paid', cents: 2_490, why: 'By the policy.' };
  const results = [one, { error: 'the sub-agent failed: no', kind: 'failed' }, { ...one, cents: 10 }];
  const { text = '' } = ask(
    refunds,
    'Go.',
    results.map((result) => ({ tool: 'refund_order', result })),
  );
  const { paid, rejected, open, cents, note, orders } = NightlyReport.parse(JSON.parse(text));
  assert.deepEqual({ paid, rejected, open, cents }, { paid: 2, rejected: 0, open: 1, cents: 2_500 });
  assert.equal(orders[1]?.why, 'the sub-agent failed: no');
  assert.match(note, /script, not by a model/);
});
