// `holdfast/workflows`: exports for workflows of yours, and the entry of the workflow bundle.
export type { CompletedRun, RunInput, RunResult, RunStatus, UnfinishedRun } from '../core/types.ts';
export { agent } from './agent.ts';
export { transcriptQuery } from './messages.ts';
export { type RunAgentOptions, runAgent } from './runAgent.ts';
