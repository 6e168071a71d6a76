// A call that is a run of another agent: a child workflow, and what became of it as data.
import {
  ChildWorkflowFailure,
  isCancellation,
  startChild,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import { AGENT_DEFAULTS } from '../core/limits.ts';
import { childRunId, MEMO, WORKFLOW_TYPE } from '../core/names.ts';
import { oneLine } from '../core/text.ts';
import { type ChildEnd, childOutcome, refused, whyNoSubAgent } from '../core/toolFailure.ts';
import type { ChildCall, Outcome, ParentRun, RunInput, RunResult, ToolCall } from '../core/types.ts';
import { NO_SPEND } from '../core/usage.ts';
import { limitsCost, wantsReports, watchTime } from './budget.ts';
import { inTurn } from './family.ts';
import { fromParentSignal, type ParentOrder } from './messages.ts';
import type { Child, RunState } from './runState.ts';

export async function runSubAgent(run: RunState, slot: number, call: ToolCall, asked: ChildCall): Promise<Outcome> {
  const tool = call.function.name;
  const parent = parentOf(run);
  const refusal = whyNot(run, parent);
  if (refusal) return refused(tool, { kind: 'rejected', error: refusal });

  const workflowId = childRunId(run.workflowId, run.turn, slot);
  const input: RunInput = { agent: asked.agent, input: asked.input, parent };
  const child: Child = { slot, waiting: false, held: false, stopped: false, tell: null };
  watchTime(run);
  // Known before it starts: its first word may come together with the news that it has.
  run.live.children.set(workflowId, child);
  run.childSpend[workflowId] ??= NO_SPEND;
  try {
    const handle = await startChild(WORKFLOW_TYPE, {
      args: [input],
      workflowId,
      memo: { [MEMO.agent]: asked.agent, [MEMO.parent]: run.workflowId },
      staticSummary: `${asked.agent}: ${oneLine(asked.input, SUMMARY_CHARS)}`,
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      // However this run ends, nobody would read what they still do.
      parentClosePolicy: 'REQUEST_CANCEL',
    });
    child.tell = inTurn((order: ParentOrder) => handle.signal(fromParentSignal, order));
    // Whatever it should have been told meanwhile.
    run.live.wake();
    const result = (await handle.result()) as RunResult;
    run.childSpend[workflowId] = result.spend;
    return childOutcome(tool, { ended: result });
  } catch (error) {
    return childOutcome(tool, endOf(error));
  } finally {
    run.live.children.delete(workflowId);
  }
}

/** What a sub-agent has to know of the runs above it. */
function parentOf(run: RunState): ParentRun {
  const { parent } = run.input;
  const maxDepth = run.agent?.rules.maxDepth ?? AGENT_DEFAULTS.maxDepth;
  return {
    depth: (parent?.depth ?? 0) + 1,
    maxDepth: Math.min(maxDepth, parent?.maxDepth ?? maxDepth),
    reports: parent?.reports === true || wantsReports(run),
    ...(limitsCost(run) && { priced: true }),
  };
}

/** What the Web UI shows beside the workflow's id. */
const SUMMARY_CHARS = 100;

function whyNot(run: RunState, { depth, maxDepth = depth }: ParentRun): string | null {
  const maxSubAgents = run.agent?.rules.maxSubAgents ?? AGENT_DEFAULTS.maxSubAgents;
  return whyNoSubAgent(depth, maxDepth, Object.keys(run.childSpend).length, maxSubAgents);
}

function endOf(error: unknown): ChildEnd {
  if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError') return 'id_taken';
  if (isCancellation(error)) return 'cancelled';
  const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
  if (cause instanceof TerminatedFailure) return 'terminated';
  if (cause instanceof TimeoutFailure) return 'timed_out';
  return { failed: cause instanceof Error ? cause.message : String(cause) };
}
