// A call that is a run of another agent: a child workflow, and what became of it as data.
import { ChildWorkflowFailure, isCancellation, startChild } from '@temporalio/workflow';
import { AGENT_DEFAULTS } from '../core/limits.ts';
import { childRunId, MEMO, WORKFLOW_TYPE } from '../core/names.ts';
import { childOutcome, refused } from '../core/toolFailure.ts';
import type { ChildCall, Outcome, RunInput, RunResult, ToolCall } from '../core/types.ts';
import { NO_SPEND } from '../core/usage.ts';
import { budgetOf } from './budget.ts';
import { fromParentSignal, type ParentOrder } from './messages.ts';
import { isPaused, type RunState } from './runState.ts';

export async function runSubAgent(run: RunState, slot: number, call: ToolCall, child: ChildCall): Promise<Outcome> {
  const tool = call.function.name;
  const depth = (run.input.parent?.depth ?? 0) + 1;
  const { maxDepth = AGENT_DEFAULTS.maxDepth, maxSubAgents = AGENT_DEFAULTS.maxSubAgents } = run.agent?.rules ?? {};
  const workflowId = childRunId(run.workflowId, run.turn, slot);
  if (depth > maxDepth) return refused(tool, { kind: 'rejected', error: `sub-agents may be nested ${maxDepth} deep` });
  if (Object.keys(run.childSpend).length >= maxSubAgents)
    return refused(tool, { kind: 'rejected', error: `a run may start ${maxSubAgents} sub-agents` });

  const reports = run.input.parent?.reports === true || budgetOf(run) !== undefined;
  const input: RunInput = { agent: child.agent, input: child.input, parent: { depth, reports } };
  run.childSpend[workflowId] ??= NO_SPEND;
  try {
    const handle = await startChild(WORKFLOW_TYPE, {
      args: [input],
      workflowId,
      memo: { [MEMO.agent]: child.agent, [MEMO.parent]: run.workflowId },
      staticSummary: child.agent,
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      // However this run ends, nobody would read what they still do.
      parentClosePolicy: 'REQUEST_CANCEL',
    });
    // One that has just ended needs no order.
    const tell = (order: ParentOrder) => void handle.signal(fromParentSignal, order).catch(() => undefined);
    run.live.children.set(workflowId, { slot, waiting: false, tell });
    if (isPaused(run)) tell({ order: 'pause' });
    if (run.stop) tell({ order: 'stop', ...run.stop });
    const result = (await handle.result()) as RunResult;
    run.childSpend[workflowId] = result.spend;
    return childOutcome(tool, { ended: result });
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError')
      return childOutcome(tool, { failed: `a run of the id ${workflowId} is under way already` });
    if (isCancellation(error)) return childOutcome(tool, 'cancelled');
    const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
    return childOutcome(tool, { failed: cause instanceof Error ? cause.message : String(cause) });
  } finally {
    run.live.children.delete(workflowId);
  }
}
