// The example checks its ledger: a cent or a payment more or less is reported.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { write } from '../../agents/refunds/database/index.ts';
import { compareLedger, type Decided } from '../../cli/examples/refundsLedger.ts';
import { onBothDatabases } from './refundsShop.ts';

const DECIDED: ReadonlyMap<string, Decided> = new Map([
  ['O-1003', { verdict: 'approve', by: 'ann', why: 'back' }],
  ['O-1004', { verdict: 'edit', cents: 30_000, by: 'ann', why: 'bulbs' }],
  ['O-1005', { verdict: 'reject', by: 'ann', why: 'serial number' }],
]);

const pay = (order: string, cents: number, by: string | null = null) =>
  write("INSERT INTO refunds (idempotency_key, order_id, cents, approved_by, run) VALUES ($1, $1, $2, $3, 'test')", [
    order,
    cents,
    by,
  ]);
const reject = (order: string) =>
  write("INSERT INTO rejections (idempotency_key, order_id, reason, run) VALUES ($1, $1, 'no', 'test')", [order]);

async function problems(): Promise<string[]> {
  return (await compareLedger(DECIDED)).problems.map((problem) => problem.replace(/:.*/, ''));
}

onBothDatabases(() => {
  test('reports missing, extra, unrequested and unapproved refunds', async () => {
    const due = ['O-1001', 'O-1002', 'O-1003', 'O-1004', 'O-1005', 'O-1007', 'O-1008', 'O-1009'];
    assert.deepEqual(await problems(), due, 'nothing has been done yet');

    for (const order of ['O-1005', 'O-1007', 'O-1008']) await reject(order);
    await pay('O-1001', 2_490);
    await pay('O-1003', 24_900, 'ann');
    await pay('O-1009', 3_591);
    assert.deepEqual(await problems(), ['O-1002', 'O-1004']);

    await pay('O-1002', 1_601);
    await pay('O-1004', 30_000);
    assert.deepEqual(await problems(), ['O-1002', 'O-1004'], 'a cent too much; and nobody approved');
    await pay('O-1006', 31_500);
    await pay('O-1010', 1);
    assert.deepEqual(await problems(), ['O-1002', 'O-1004', 'O-1006', 'O-1010']);
  });
});
