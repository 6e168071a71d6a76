// Shared by the activities that call a model: their options, their input, and the reasons of their failures.
import { type ActivityFailure, type ActivityOptions, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { MODEL_CALL, QUEUE_WAIT_MS } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import type { Reason } from '../../core/reasons/codes.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { Run } from '../state/run.ts';
import { isUnavailable } from './outage.ts';

export const MODEL_ACTIVITY_OPTIONS = {
  startToCloseTimeout: MODEL_CALL.timeoutMs + MODEL_CALL.graceMs,
  scheduleToStartTimeout: QUEUE_WAIT_MS,
  heartbeatTimeout: MODEL_CALL.heartbeatMs,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: {
    maximumAttempts: MODEL_CALL.attemptsMax,
    initialInterval: MODEL_CALL.backoff.initialMs,
    backoffCoefficient: MODEL_CALL.backoff.factor,
    maximumInterval: MODEL_CALL.backoff.maxMs,
    // The run waits, where a stop takes effect.
    nonRetryableErrorTypes: [FAILURE.storeUnavailable],
  },
} as const satisfies ActivityOptions;

/** The input that these activities have in common. */
export function conversationInput(run: Run) {
  return {
    agent: run.agentName,
    turn: run.turns.turn,
    ...run.conversation.forActivity(),
    ...(run.input.context && { context: run.input.context }),
    ...(limitsCost(run) && { priced: true }),
    ...(run.turns.outage && { waited: true }),
    ...(run.changes && { changes: run.changes }),
  };
}

/** Whether the cost is limited, here or above: then every model has to have a price. */
export function limitsCost({ budget, parent }: Run): boolean {
  return budget.limitsCost || parent?.priced === true;
}

export function isModelRefusal({ cause }: ActivityFailure): boolean {
  return cause instanceof ApplicationFailure && cause.type === FAILURE.refused;
}

export function whyModelFailed({ turns }: Run, { cause, message }: ActivityFailure): Reason {
  if (isUnavailable(cause) && turns.outage)
    return reason('model_unavailable', { message: cause.message, forMs: Date.now() - turns.outage.sinceMs });
  if (cause instanceof ApplicationFailure && cause.type === FAILURE.notRegistered)
    return reason('unknown_agent', { message: cause.message });
  if (!(cause instanceof TimeoutFailure))
    return givenReason(cause) ?? reason('model_error', { message: cause?.message ?? message });
  switch (cause.timeoutType) {
    case 'HEARTBEAT':
      return reason('model_worker_lost', { attempts: MODEL_CALL.attemptsMax });
    case 'SCHEDULE_TO_START':
      return reason('model_not_started', { waitMs: QUEUE_WAIT_MS });
    default:
      return reason('model_timed_out', { timeoutMs: MODEL_CALL.timeoutMs });
  }
}

/** The reason that the activity gave, after what the call has cost. */
function givenReason(cause: unknown): Reason | null {
  if (!(cause instanceof ApplicationFailure)) return null;
  const given = cause.details?.[1] as Partial<Reason> | null | undefined;
  return typeof given?.code === 'string' && typeof given.text === 'string' ? (given as Reason) : null;
}
