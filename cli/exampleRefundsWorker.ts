// The worker of `npm run example:refunds`, a process of its own, since it is going to be killed: with an order in
// `holdAfterPaying` it pays that one and then says nothing any more, which is where it meets its end.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tool } from '../activities/index.ts';
import { createRefunds } from '../agents/refunds/agent.ts';
import { warmUp } from '../agents/refunds/database/index.ts';
import { payRefund } from '../agents/refunds/payRefund.ts';
import { createWorker } from '../worker/createWorker.ts';
import { installLogging } from './logging.ts';

export interface RefundsWorkerOptions {
  readonly address: string;
  readonly taskQueue?: string;
  readonly approvalTimeoutMs: number;
  readonly holdAfterPaying?: string;
}

/** What it tells the process that started it. */
export type RefundsWorkerSays = { readonly ready: true } | { readonly paid: string };

const HOUR_MS = 3_600_000;

const tell = (said: RefundsWorkerSays) => process.send?.(said);

// The one who started it wrote it.
const options = JSON.parse(process.argv[2] ?? '{}') as RefundsWorkerOptions;
const { address, taskQueue, approvalTimeoutMs, holdAfterPaying } = options;
process.on('disconnect', () => process.exit());
installLogging((line) => {
  if (process.env['HOLDFAST_DEBUG']) process.stderr.write(`${line}\n`);
});
const { refunds } = createRefunds({ approvalTimeout: approvalTimeoutMs, pay: holding(payRefund, holdAfterPaying) });
const [worker] = await Promise.all([
  createWorker({
    address,
    namespace: 'default',
    ...(taskQueue !== undefined && { taskQueue }),
    agents: [refunds],
    // No key is looked at: what the people of this example decide was written for what its script asks.
    model: {},
    temporal: { shutdownGraceTime: 0, shutdownForceTime: '2 s' },
  }),
  warmUp(),
]);
const running = worker.run();
tell({ ready: true });
await running;
process.exit();

function holding(tool: Tool, orderId: string | undefined): Tool {
  const { run } = tool;
  if (!run || orderId === undefined) return tool;
  const held: typeof run = async (input: { readonly order_id: string }, ctx) => {
    const paid = await run(input as never, ctx);
    if (input.order_id !== orderId) return paid;
    tell({ paid: orderId });
    await sleep(HOUR_MS, undefined, { signal: ctx.signal });
    return paid;
  };
  return { ...tool, run: held };
}
