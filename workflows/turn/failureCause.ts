// Reads from the SDK's error why an activity failed.
import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/workflow';
import type { FailureCause } from '../../core/batch/outcomes.ts';

export function failureCause(error: unknown): FailureCause {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const { type, message, details } = cause;
    return { source: 'application', type, message, details: details?.[0] };
  }
  if (cause instanceof TimeoutFailure) {
    const { timeoutType, lastHeartbeatDetails } = cause;
    return { source: 'timeout', timeout: timeoutType ?? 'START_TO_CLOSE', details: lastHeartbeatDetails };
  }
  if (cause instanceof CancelledFailure) return { source: 'cancelled', details: cause.details?.[0] };
  return { source: 'other', message: cause instanceof Error ? cause.message : 'the call was lost' };
}
