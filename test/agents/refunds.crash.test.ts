// A worker is killed between the ledger's entry and the result: the payment is retried, and made once.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ExampleWorkerSays } from '../../cli/examples/exampleWorker.ts';
import type { RefundsWorkerOptions } from '../../cli/examples/refundsWorker.ts';
import { connect } from '../../client/index.ts';
import { toolCalls } from '../../core/read/run.ts';
import { serverAddress } from '../support/server.ts';
import { ledger, onBothDatabases, type Shop } from './refundsShop.ts';

const started = new Set<ChildProcess>();

interface WorkerProcess {
  readonly paid: Promise<string>;
  kill(): Promise<void>;
}

async function startWorker(shop: Shop, options: RefundsWorkerOptions): Promise<WorkerProcess> {
  const main = fileURLToPath(new URL('../../cli/examples/refundsWorker.ts', import.meta.url));
  const child = fork(main, [JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: shop.env(),
  });
  started.add(child);
  const exited = once(child, 'exit').then(() => started.delete(child));
  const ready = Promise.withResolvers<void>();
  const paid = Promise.withResolvers<string>();
  child.on('message', (said: ExampleWorkerSays) => ('ready' in said ? ready.resolve() : paid.resolve(said.held)));
  await Promise.race([
    ready.promise,
    exited.then(() => {
      throw new Error('The worker ended before it was ready.');
    }),
  ]);
  return {
    paid: paid.promise,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

onBothDatabases(
  (shop) => {
    afterEach(() => {
      for (const child of started) child.kill('SIGKILL');
    });

    test('pays once and reports the payment after SIGKILL in pay_refund', async () => {
      const address = await serverAddress();
      const taskQueue = `refunds-${randomUUID()}`;
      const holdfast = await connect({ address, namespace: 'default', taskQueue });
      const options = { address, taskQueue, approvalTimeoutMs: 3_600_000 };
      const doomed = await startWorker(shop, { ...options, holdAfterPaying: 'O-1009' });
      const run = await holdfast.start('refund_order', 'Settle the refund request for order O-1009.');
      assert.equal(await doomed.paid, 'O-1009');
      await doomed.kill();
      const next = await startWorker(shop, options);
      const result = await run.result();
      await next.kill();

      const { order_id, outcome, cents } = result.value as Record<string, unknown>;
      assert.deepEqual(
        { status: result.status, order_id, outcome, cents },
        { status: 'completed', order_id: 'O-1009', outcome: 'paid', cents: 3_591 },
      );
      const payment = toolCalls(await run.read()).find(({ tool }) => tool === 'pay_refund');
      assert.equal(payment?.attempts, 2, 'its first attempt was lost with the worker');
      const entries = await ledger();
      assert.deepEqual(
        entries.map((entry) => [entry.order_id, entry.cents, entry.run]),
        [['O-1009', 3_591, run.workflowId]],
      );
      await holdfast.close();
    });
  },
  { warm: false },
);
