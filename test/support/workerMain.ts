// The process behind startWorkerProcess.
import type { Agent } from '../../activities/index.ts';
import { createWorker } from '../../worker/index.ts';
import type { WorkerProcessOptions } from './workerProcess.ts';

const { module, address, taskQueue, modelURL, ledger, maxCachedWorkflows } = JSON.parse(process.argv[2]!) as Omit<
  WorkerProcessOptions,
  'module'
> & { module: string };
process.env['LEDGER'] = ledger;
const { agents } = (await import(module)) as { agents: readonly Agent[] };
const worker = await createWorker({
  agents,
  address,
  namespace: 'default',
  taskQueue,
  model: { apiKey: 'offline', baseURL: modelURL },
  temporal: maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows },
});
const running = worker.run();
process.send?.('polling');
await running;
process.disconnect?.();
