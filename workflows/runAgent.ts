// Runs an agent from a workflow of yours.
import { executeChild, uuid4 } from '@temporalio/workflow';
import { WORKFLOW_TYPE } from '../core/names.ts';
import type { OutputOf, RunInput, RunResult } from '../core/types.ts';

/**
 * Runs an agent as a child workflow, and returns its result. Resolves for every status except `cancelled`, for which it throws.
 * Without `taskQueue`, the agent runs on the task queue of the workflow.
 *
 * ```ts
 * const { output } = await runAgent('clinic', 'Summarise patient P-00123.');
 * ```
 *
 * With the type of the agent, which is imported as a type only, the result's `value` has its own: `runAgent<typeof triage>('triage', …)`.
 */
export function runAgent<Agent = unknown>(
  agent: string,
  input: string,
  options: Omit<RunInput, 'agent' | 'input'> & { workflowId?: string; taskQueue?: string } = {},
): Promise<RunResult<OutputOf<Agent>>> {
  const { workflowId, taskQueue, ...limits } = options;
  const runInput: RunInput = { agent, input, ...limits };
  return executeChild(WORKFLOW_TYPE, {
    args: [runInput],
    ...(taskQueue !== undefined && { taskQueue }),
    memo: { agent },
    staticSummary: agent,
    workflowId: workflowId ?? `${agent}-${uuid4().slice(0, 8)}`,
  });
}
