// `holdfast/worker`: serving agents.
export { createWorker, type HoldfastWorker, type WorkerOptions } from './createWorker.ts';
export type { ModelSettings } from './model.ts';
