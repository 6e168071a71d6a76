// The worker of `npm run example:transfers`: with an account in `holdAfterMovingTo` it books the transfer to that one and
// then says nothing any more, which is where it meets its end.
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
