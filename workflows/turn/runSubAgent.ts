// Runs a sub-agent as a child workflow, with its outcome as data.
import { defineSearchAttributeKey } from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowFailure,
  isCancellation,
  startChild,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import { type ChildEnd, childOutcome } from '../../core/batch/outcomes.ts';
import { ATTRIBUTE, MEMO, WORKFLOW_TYPE } from '../../core/names.ts';
import { oneLine } from '../../core/text.ts';
import type { ChildCall, Outcome, ParentRun, RunInput, RunResult } from '../../core/types.ts';
import { fromParentSignal, type ParentCommand } from '../messages.ts';
import { sendLatest } from '../runtime/sendLatest.ts';
import { labelsForChild } from '../state/labels.ts';
import type { Run } from '../state/run.ts';
import type { SubAgent } from '../state/subAgent.ts';
import { limitsCost } from './modelActivity.ts';
import { neverSent, untilSent } from './unsent.ts';

/** The summary that the Web UI shows beside the workflow id. */
const SUMMARY_CHARS = 100;

/** Starts the sub-agent; `settle` receives the outcome of the call. Does not throw. */
export function runSubAgent(
  run: Run,
  tool: string,
  asked: ChildCall,
  subAgent: SubAgent,
  settle: (outcome: Outcome) => void,
): CancellationScope {
  const scope = new CancellationScope();
  const { workflowId } = subAgent;
  const isUnsent = untilSent();
  // Recorded before it starts: its first report may arrive in the same task as its start.
  run.tally.addSubAgent(workflowId);
  scope
    .run(() => resultOf(run, asked, subAgent))
    .then(
      (result) => {
        run.tally.recordSubAgentSpend(workflowId, result.spend);
        settle(childOutcome(tool, { ended: result }));
      },
      (error) => settle(isUnsent() ? neverSent(tool) : childOutcome(tool, endOf(error))),
    );
  return scope;
}

async function resultOf(run: Run, asked: ChildCall, subAgent: SubAgent): Promise<RunResult> {
  const { agent, input, context = run.input.context } = asked;
  const runInput: RunInput = { agent, input, ...(context && { context }) };
  const labels = labelsForChild();
  const named = run.agent?.index === 'status' ? [{ key: AGENT, value: agent }] : [];
  const attributes = [...named, ...labels.attributes];
  const { startedBy } = run;
  const handle = await startChild(WORKFLOW_TYPE, {
    args: [runInput, { parent: parentRun(run) }],
    workflowId: subAgent.workflowId,
    memo: {
      [MEMO.agent]: agent,
      [MEMO.parent]: run.workflowId,
      ...(startedBy !== null && { [MEMO.startedBy]: startedBy }),
      ...labels.memo,
    },
    ...(attributes.length > 0 && { typedSearchAttributes: attributes }),
    staticSummary: `${agent}: ${oneLine(input, SUMMARY_CHARS)}`,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    // Nobody would read the result of a sub-agent whose parent is closed.
    parentClosePolicy: 'REQUEST_CANCEL',
  });
  subAgent.started(sendLatest((command: ParentCommand) => handle.signal(fromParentSignal, command)));
  // The loop now sends the commands that were due before the start.
  run.wake.wake();
  return handle.result() as Promise<RunResult>;
}

const AGENT = defineSearchAttributeKey(ATTRIBUTE.agent, 'KEYWORD');

/** What a sub-agent needs to know about the runs above it. */
function parentRun(run: Run): ParentRun {
  const { depth, maxDepth } = run.batchRules;
  const { guard } = run;
  return {
    depth,
    rootRunId: run.rootRunId,
    maxDepth,
    reports: run.parent?.reports === true || run.budget.limitsSubAgents,
    ...(limitsCost(run) && { priced: true }),
    ...(guard && { fork: { of: guard.of, effects: guard.effects } }),
  };
}

function endOf(error: unknown): ChildEnd {
  if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError') return 'id_taken';
  if (isCancellation(error)) return 'cancelled';
  const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
  if (cause instanceof TerminatedFailure) return 'terminated';
  if (cause instanceof TimeoutFailure) return 'timed_out';
  return { failed: cause instanceof Error ? cause.message : String(cause) };
}
