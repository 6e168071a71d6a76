// Reads how a run ended, and why an activity failed.

import type { FailureCause, TimeoutKind } from '../batch/outcomes.ts';
import { isReason, isSpendShape } from '../carriedState.ts';
import type { Reason, ReasonFields } from '../reasons/codes.ts';
import { reason, reasonIn } from '../reasons/reason.ts';
import { hasShape, isAnything, isList, isRecord, isText, nullable } from '../shape.ts';
import type { RunResult } from '../types.ts';
import { type Failure, firstJson, type HistoryEvent } from './history.ts';
import type { RunState } from './run.ts';

interface End {
  readonly status: RunState;
  readonly result?: RunResult;
  readonly reason: Reason | null;
}

/** Other code may have completed the workflow, with any result. */
const isResult = hasShape<Pick<RunResult, 'status' | 'output' | 'warnings' | 'spend' | keyof ReasonFields>>({
  status: isText,
  output: nullable(isText),
  warnings: isList(isReason),
  spend: isSpendShape,
  reason: nullable(isText),
  reasonCode: nullable(isText),
  reasonParameters: nullable(isRecord(isAnything)),
});

/** Returns how the run ended; null for an event that does not end it. */
export function endOf(event: HistoryEvent): End | null {
  if (event.workflowExecutionCompletedEventAttributes) {
    const given = firstJson(event.workflowExecutionCompletedEventAttributes.result);
    if (isResult(given, '') !== null) return { status: 'completed', reason: null };
    const result = given as RunResult;
    return { status: result.status, reason: reasonIn(result), result };
  }
  if (event.workflowExecutionFailedEventAttributes) {
    const message = event.workflowExecutionFailedEventAttributes.failure?.message ?? 'The workflow failed.';
    return { status: 'failed', reason: reason('workflow_failed', { message }) };
  }
  if (event.workflowExecutionCanceledEventAttributes) return { status: 'cancelled', reason: reason('cancelled') };
  if (event.workflowExecutionTerminatedEventAttributes) {
    const why = event.workflowExecutionTerminatedEventAttributes.reason || 'The workflow was terminated from outside.';
    return { status: 'terminated', reason: reason('terminated', { reason: why }) };
  }
  if (event.workflowExecutionTimedOutEventAttributes)
    return { status: 'timed_out', reason: reason('workflow_timed_out') };
  return null;
}

const TIMEOUTS: readonly TimeoutKind[] = ['START_TO_CLOSE', 'SCHEDULE_TO_START', 'SCHEDULE_TO_CLOSE', 'HEARTBEAT'];

/** Returns why the activity failed, in the terms of the workflow. */
export function causeOf(failure: Failure | null | undefined): FailureCause {
  const message = failure?.message ?? 'the call was lost';
  if (failure?.applicationFailureInfo)
    return {
      source: 'application',
      type: failure.applicationFailureInfo.type,
      message,
      details: firstJson(failure.applicationFailureInfo.details),
    };
  if (failure?.timeoutFailureInfo)
    return {
      source: 'timeout',
      timeout: timeoutOf(failure.timeoutFailureInfo.timeoutType),
      details: firstJson(failure.timeoutFailureInfo.lastHeartbeatDetails),
    };
  if (failure?.canceledFailureInfo) return { source: 'cancelled' };
  return { source: 'other', message };
}

/** Returns the cause as one message. */
export function causeInWords(cause: FailureCause): string {
  return 'message' in cause ? cause.message : cause.source;
}

/** A number in the protocol (1 is start-to-close), a name in exported JSON. */
function timeoutOf(type: number | string | null | undefined): TimeoutKind {
  if (typeof type === 'number') return TIMEOUTS[type - 1] ?? 'START_TO_CLOSE';
  return TIMEOUTS.find((timeout) => type?.endsWith(timeout)) ?? 'START_TO_CLOSE';
}
