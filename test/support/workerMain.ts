// The process behind startWorkerProcess.
import type { Agent } from '../../activities/index.ts';
import { createWorker, type HoldfastWorker } from '../../worker/index.ts';
import type { WorkerProcessOptions } from './workerProcess.ts';

const { module, address, taskQueue, modelURL, ledger, maxCachedWorkflows, temporal } = JSON.parse(
  process.argv[2]!,
) as Omit<WorkerProcessOptions, 'module'> & { module: string };
process.env['LEDGER'] = ledger;
const { agents, opened } = (await import(module)) as {
  agents: readonly Agent[];
  opened?: (worker: HoldfastWorker) => void;
};
const worker = await createWorker({
  agents,
  address,
  namespace: 'default',
  taskQueue,
  model: { apiKey: 'offline', baseURL: modelURL },
  temporal: { ...temporal, ...(maxCachedWorkflows !== undefined && { maxCachedWorkflows }) },
});
opened?.(worker);
const running = worker.run();
process.send?.('polling');
await running;
// As `holdfast worker` does: what a tool that was given up still waits for would keep the process.
process.exit();
