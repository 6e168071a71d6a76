// `holdfast/worker`: serves agents.
export { type AskAgainOptions, type AskedAnswer, askAgain } from './askAgain.ts';
export { createWorker, type HoldfastWorker, type WorkerOptions } from './createWorker.ts';
export type { ModelSettings, ProviderSettings, Providers } from './model.ts';
export { HoldfastPlugin, type ModelInfo, type PluginOptions } from './plugin.ts';
export { type Misfit, type ReplayOptions, type ReplayOutcome, replayHistories } from './replay/replayer.ts';
