// What the events about sub-agents mean: child workflows, told apart by their ids.
import { causeOf } from './ends.ts';
import { firstJson, type HistoryEvent } from './history.ts';
import { type ChildEnd, childOutcome } from './toolFailure.ts';
import type { Outcome, RunResult, Spend } from './types.ts';
import { NO_SPEND } from './usage.ts';

export interface ChildEvent {
  readonly childId: string;
  readonly what: 'asked' | 'started' | ChildEnded;
}

interface ChildEnded {
  readonly spend: Spend;
  outcome(tool: string): Outcome;
}

/** The child event in `event`; null for events of other kinds. */
export function childEventOf(event: HistoryEvent): ChildEvent | null {
  const initiated = event.startChildWorkflowExecutionInitiatedEventAttributes;
  if (initiated) return { childId: initiated.workflowId ?? '', what: 'asked' };
  const unstarted = event.startChildWorkflowExecutionFailedEventAttributes;
  if (unstarted)
    return {
      childId: unstarted.workflowId ?? '',
      what: ended({ failed: `a run of the id ${unstarted.workflowId} is under way already` }),
    };
  const started = event.childWorkflowExecutionStartedEventAttributes;
  if (started) return { childId: started.workflowExecution?.workflowId ?? '', what: 'started' };

  const completed = event.childWorkflowExecutionCompletedEventAttributes;
  if (completed) {
    const result = firstJson(completed.result) as RunResult | undefined;
    const end: ChildEnd = result ? { ended: result } : { failed: 'it gave no result' };
    return { childId: completed.workflowExecution?.workflowId ?? '', what: ended(end, result?.spend) };
  }
  const failed = event.childWorkflowExecutionFailedEventAttributes;
  if (failed) {
    const cause = causeOf(failed.failure);
    const message = 'message' in cause ? cause.message : cause.source;
    return { childId: failed.workflowExecution?.workflowId ?? '', what: ended({ failed: message }) };
  }
  const cancelled = event.childWorkflowExecutionCanceledEventAttributes;
  if (cancelled) return { childId: cancelled.workflowExecution?.workflowId ?? '', what: ended('cancelled') };
  const lost =
    event.childWorkflowExecutionTimedOutEventAttributes ?? event.childWorkflowExecutionTerminatedEventAttributes;
  if (lost) {
    const failed = event.childWorkflowExecutionTimedOutEventAttributes ? 'it timed out' : 'it was terminated';
    return { childId: lost.workflowExecution?.workflowId ?? '', what: ended({ failed }) };
  }
  return null;
}

function ended(end: ChildEnd, spend: Spend = NO_SPEND): ChildEnded {
  return { spend, outcome: (tool) => childOutcome(tool, end) };
}
