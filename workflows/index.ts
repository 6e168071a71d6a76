// `holdfast/workflows`: what a workflow of yours may import; also the entry of the workflow bundle.
export type { RunInput, RunResult, RunStatus } from '../core/types.ts';
export { agent } from './agent.ts';
export { transcriptQuery } from './messages.ts';
export { runAgent } from './runAgent.ts';
