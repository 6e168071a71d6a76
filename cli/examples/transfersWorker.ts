// The worker of `npm run example:transfers`. It books the transfer to `holdAfterMovingTo`, but withholds the tool's
// result: at that moment the example kills it.
import { createTransfers } from '../../agents/transfers/agent.ts';
import { warmUp } from '../../agents/transfers/database/index.ts';
import { transfer } from '../../agents/transfers/transfer.ts';
import { type ExampleWorkerOptions, holdAnswer, optionsGiven, serveExample } from './exampleWorker.ts';

export interface TransfersWorkerOptions extends ExampleWorkerOptions {
  readonly holdAfterMovingTo?: string;
}

const options = optionsGiven<TransfersWorkerOptions>();
const { holdAfterMovingTo } = options;
const move = holdAnswer(transfer, ({ to }: { readonly to: string }) => (to === holdAfterMovingTo ? to : undefined));
await serveExample(options, [createTransfers({ move })], warmUp);
