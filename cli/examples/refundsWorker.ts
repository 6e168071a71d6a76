// The worker of `npm run example:refunds`. It pays the order `holdAfterPaying`, but withholds the tool's result: at that
// moment the example kills it.
import { createRefunds } from '../../agents/refunds/agent.ts';
import { warmUp } from '../../agents/refunds/database/index.ts';
import { payRefund } from '../../agents/refunds/payRefund.ts';
import { type ExampleWorkerOptions, holdAnswer, optionsGiven, serveExample } from './exampleWorker.ts';

export interface RefundsWorkerOptions extends ExampleWorkerOptions {
  readonly approvalTimeoutMs: number;
  readonly holdAfterPaying?: string;
}

const options = optionsGiven<RefundsWorkerOptions>();
const { approvalTimeoutMs, holdAfterPaying } = options;
const { refunds } = createRefunds({
  approvalTimeout: approvalTimeoutMs,
  pay: holdAnswer(payRefund, ({ order_id }: { readonly order_id: string }) =>
    order_id === holdAfterPaying ? order_id : undefined,
  ),
});
await serveExample(options, [refunds], warmUp);
