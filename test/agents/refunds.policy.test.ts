// The policy is computed by code, to the cent and to the day.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Order, Policy } from '../../agents/refunds/database/queries.ts';
import { money } from '../../agents/refunds/orderId.ts';
import { propose } from '../../agents/refunds/policy.ts';

const ORDER: Order = {
  order_id: 'O-1001',
  customer: 'A. N. Other',
  item: 'mug',
  category: 'household',
  cents: 2_490,
  state: 'returned',
  ordered_on: '2026-01-02',
  delivered_on: '2026-01-05',
  requested_on: '2026-01-11',
  reason: 'The handle came off.',
  refunded_cents: null,
  rejected_because: null,
};
const POLICY: Policy = { category: 'household', window_days: 30, percent: 100, needs_return: true, note: 'In full.' };

const given = (order: Partial<Order>, policy: Partial<Policy> | null = {}) =>
  propose({ ...ORDER, ...order }, policy === null ? undefined : { ...POLICY, ...policy });
const decisions = (orders: readonly Partial<Order>[], policy?: Partial<Policy>) =>
  orders.map((order) => given(order, policy).decision);

test('includes the last day of the window, over months and summer time', () => {
  assert.deepEqual(
    decisions([{ requested_on: '2026-02-04' }, { requested_on: '2026-02-05' }, { requested_on: '2026-01-05' }]),
    ['refund', 'reject', 'refund'],
  );
  const spring = { delivered_on: '2026-03-20', requested_on: '2026-04-19' };
  assert.deepEqual(decisions([spring, { ...spring, requested_on: '2026-04-20' }]), ['refund', 'reject']);
  assert.deepEqual(decisions([{ requested_on: '2026-01-05' }, { requested_on: '2026-01-06' }], { window_days: 0 }), [
    'refund',
    'reject',
  ]);
});

test('rounds a partial refund down, and gives none for nothing', () => {
  const cents = (order: Partial<Order>, percent: number) => {
    const proposal = given(order, { percent });
    return proposal.decision === 'refund' ? proposal.cents : proposal.decision;
  };
  assert.equal(cents({ cents: 3_990 }, 90), 3_591);
  assert.equal(cents({ cents: 999 }, 50), 499);
  assert.equal(cents({ cents: 1 }, 99), 'reject');
  assert.equal(cents({ cents: 1 }, 100), 1);
  assert.equal(cents({}, 0), 'reject');
});

test('requires the return of goods if the policy does', () => {
  assert.equal(given({ state: 'delivered' }).decision, 'reject');
  assert.equal(given({ state: 'delivered' }, { needs_return: false }).decision, 'refund');
  assert.match(given({ state: 'in_transit', delivered_on: null }, { needs_return: false }).why, /not been delivered/);
});

test('leaves settled, unrequested and unregulated orders to a person', () => {
  assert.deepEqual(
    [
      given({ refunded_cents: 100 }),
      given({ rejected_because: 'no' }),
      given({ requested_on: null, reason: null }),
      given({}, null),
    ].map(({ decision }) => decision),
    ['leave', 'leave', 'leave', 'leave'],
  );
});

test('never gives more than the order cost, or an invalid amount', () => {
  const day = fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
  const date = day.map((at) => at.toISOString().slice(0, 10));
  const order = fc.record({
    cents: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    state: fc.constantFrom('delivered' as const, 'returned' as const),
    delivered_on: date,
    requested_on: date,
  });
  const policy = fc.record({
    window_days: fc.integer({ min: 0, max: 5_000 }),
    percent: fc.integer({ min: 0, max: 100 }),
    needs_return: fc.boolean(),
  });
  let refunds = 0;
  fc.assert(
    fc.property(order, policy, (someOrder, somePolicy) => {
      const proposal = given(someOrder, somePolicy);
      if (proposal.decision !== 'refund') return;
      refunds += 1;
      assert.ok(Number.isSafeInteger(proposal.cents) && proposal.cents >= 1 && proposal.cents <= someOrder.cents);
    }),
  );
  assert.ok(refunds > 0, 'some of them are refunded');
});

test('formats amounts to the cent', () => {
  assert.deepEqual([1, 100, 2_490, 129_000, 100_000_000].map(money), [
    '0.01',
    '1.00',
    '24.90',
    '1,290.00',
    '1,000,000.00',
  ]);
});
