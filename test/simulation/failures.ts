// Failures of activities and sub-agents, as the server passes them to a workflow.
import type { temporal } from '@temporalio/proto';
import { payloadOf } from './commands.ts';

type Failure = temporal.api.failure.v1.IFailure;

/** `TimeoutType` of the protocol. */
export const TIMEOUT = { startToClose: 1, scheduleToStart: 2, scheduleToClose: 3, heartbeat: 4 } as const;

export function applicationCause(message: string, type: string, details?: unknown): Failure {
  return { message, applicationFailureInfo: { type, nonRetryable: true, ...detailsOf(details) } };
}

export function timeoutCause(type: keyof typeof TIMEOUT, details?: unknown): Failure {
  const { details: lastHeartbeatDetails } = detailsOf(details);
  return {
    message: 'activity timeout',
    timeoutFailureInfo: { timeoutType: TIMEOUT[type], ...(lastHeartbeatDetails && { lastHeartbeatDetails }) },
  };
}

export function cancelledCause(details?: unknown): Failure {
  return { message: 'cancelled', canceledFailureInfo: detailsOf(details) };
}

export function activityFailure({ id, type }: { readonly id: string; readonly type: string }, cause: Failure): Failure {
  return {
    message: 'Activity task failed',
    cause,
    activityFailureInfo: { activityId: id, activityType: { name: type }, identity: 'simulation' },
  };
}

export function childFailure({ workflowId }: { readonly workflowId: string }, cause: Failure): Failure {
  return {
    message: 'Child Workflow execution failed',
    cause,
    childWorkflowExecutionFailureInfo: {
      namespace: 'default',
      workflowExecution: { workflowId, runId: 'child' },
      workflowType: { name: 'agent' },
    },
  };
}

export function terminatedCause(): Failure {
  return { message: 'terminated', terminatedFailureInfo: {} };
}

export function cancelledFailure(
  of: { readonly id: string; readonly type: string } | { readonly workflowId: string },
  details?: unknown,
): Failure {
  return 'id' in of ? activityFailure(of, cancelledCause(details)) : childFailure(of, cancelledCause(details));
}

function detailsOf(details: unknown): { details?: temporal.api.common.v1.IPayloads } {
  return details === undefined ? {} : { details: { payloads: [payloadOf(details)] } };
}
