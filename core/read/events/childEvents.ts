// Reads the events of sub-agents, which are child workflows.

import { type ChildEnd, childOutcome } from '../../batch/outcomes.ts';
import type { Outcome, RunResult, Spend } from '../../types.ts';
import { isSpend } from '../../usage.ts';
import { causeInWords, causeOf } from '../ends.ts';
import { firstJson, type HistoryEvent } from '../history.ts';

export interface ChildEvent {
  readonly childId: string;
  readonly what: 'scheduled' | 'started' | ChildReport;
}

/** A report of a sub-agent, or its end. Each field is present if the event has it. */
interface ChildReport {
  readonly spend?: Spend;
  /** Whether it waits for a person. */
  readonly isWaiting?: boolean;
  /** Makes the outcome of its call. */
  readonly outcome?: (tool: string) => Outcome;
}

/** Returns the child event in `event`; null for other events. */
export function childEventOf(event: HistoryEvent): ChildEvent | null {
  const initiated = event.startChildWorkflowExecutionInitiatedEventAttributes;
  if (initiated) return { childId: initiated.workflowId ?? '', what: 'scheduled' };
  const unstarted = event.startChildWorkflowExecutionFailedEventAttributes;
  if (unstarted) return { childId: unstarted.workflowId ?? '', what: ended('id_taken') };

  const idOf = (attributes: { workflowExecution?: { workflowId?: string | null } | null }) =>
    attributes.workflowExecution?.workflowId ?? '';
  const started = event.childWorkflowExecutionStartedEventAttributes;
  if (started) return { childId: idOf(started), what: 'started' };
  const completed = event.childWorkflowExecutionCompletedEventAttributes;
  if (completed) {
    const result = firstJson(completed.result) as RunResult | undefined;
    return { childId: idOf(completed), what: result ? ended({ ended: result }, result.spend) : ended(NO_RESULT) };
  }
  const failed = event.childWorkflowExecutionFailedEventAttributes;
  if (failed) return { childId: idOf(failed), what: ended({ failed: causeInWords(causeOf(failed.failure)) }) };
  const cancelled = event.childWorkflowExecutionCanceledEventAttributes;
  if (cancelled) return { childId: idOf(cancelled), what: ended('cancelled') };
  const late = event.childWorkflowExecutionTimedOutEventAttributes;
  if (late) return { childId: idOf(late), what: ended('timed_out') };
  const terminated = event.childWorkflowExecutionTerminatedEventAttributes;
  if (terminated) return { childId: idOf(terminated), what: ended('terminated') };
  return null;
}

const NO_RESULT: ChildEnd = { failed: 'it gave no result' };

function ended(end: ChildEnd, spend?: Spend): ChildReport {
  return { outcome: (tool) => childOutcome(tool, end), ...(spend && { spend }) };
}

/** Anybody who can reach the server can send a signal, so one that is not shaped like a report is ignored. */
export function reportOf(report: unknown): ChildEvent | null {
  const { child, spend, waiting } = (report ?? {}) as { child?: unknown; spend?: Spend; waiting?: unknown };
  return typeof child === 'string' && isSpend(spend)
    ? { childId: child, what: { spend, isWaiting: waiting === true } }
    : null;
}
