// `holdfast/workflows`: exports for workflows of yours, and the entry of the workflow bundle.
export type { RunInput, RunResult, RunStatus } from '../core/types.ts';
export { agent } from './agent.ts';
export { transcriptQuery } from './messages.ts';
export { runAgent } from './runAgent.ts';
