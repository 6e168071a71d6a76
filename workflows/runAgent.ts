// Runs an agent from a workflow of yours.
import { ApplicationFailure, executeChild, uuid4 } from '@temporalio/workflow';
import { starterProblem } from '../core/deciders.ts';
import { labelsProblem } from '../core/labels.ts';
import { FAILURE, MEMO, WORKFLOW_TYPE } from '../core/names.ts';
import type { Labels, OutputOf, RunInput, RunResult } from '../core/types.ts';

export interface RunAgentOptions extends Omit<RunInput, 'agent' | 'input'> {
  /** @default `<agent>-<short random id>` */
  readonly workflowId?: string;
  /** @default the task queue of the workflow */
  readonly taskQueue?: string;
  /**
   * Labels that lists are filtered by, such as `{ tenant: 'acme' }`, as those of `start`. Lists find the run by them once its model has
   * answered for the first time.
   */
  readonly labels?: Labels;
  /** Who starts the run, for approvals with `notInitiator`: whom your workflow works for. */
  readonly by?: string;
}

/**
 * Runs an agent as a child workflow, and returns its result. Resolves for every status except `cancelled`, for which it throws.
 * Without `taskQueue`, the agent runs on the task queue of the workflow.
 *
 * ```ts
 * const { output } = await runAgent('clinic', 'Summarise patient P-00123.', { labels: { ward: 'north' } });
 * ```
 *
 * With the type of the agent, which is imported as a type only, the result's `value` has its own: `runAgent<typeof triage>('triage', …)`.
 */
export function runAgent<Agent = unknown>(
  agent: string,
  input: string,
  options: RunAgentOptions = {},
): Promise<RunResult<OutputOf<Agent>>> {
  const { workflowId, taskQueue, labels, by, ...limits } = options;
  const problem =
    (labels === undefined ? null : labelsProblem(labels)) ?? (by === undefined ? null : starterProblem(by));
  // Any other error would be thrown again and again, and the workflow would wait for ever.
  if (problem) throw ApplicationFailure.nonRetryable(`runAgent("${agent}"): ${problem}`, FAILURE.invalidInput);
  const runInput: RunInput = { agent, input, ...limits };
  return executeChild(WORKFLOW_TYPE, {
    args: [runInput],
    ...(taskQueue !== undefined && { taskQueue }),
    memo: {
      [MEMO.agent]: agent,
      ...(labels && Object.keys(labels).length > 0 && { [MEMO.labels]: labels }),
      ...(by !== undefined && { [MEMO.startedBy]: by }),
    },
    staticSummary: agent,
    workflowId: workflowId ?? `${agent}-${uuid4().slice(0, 8)}`,
  });
}
