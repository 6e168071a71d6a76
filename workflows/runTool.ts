// One tool call: its activity, and what became of it as data. Nothing that a tool does is thrown from here.
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import { QUEUE_WAIT_MS } from '../core/limits.ts';
import { callActivityId, FAILURE, idempotencyKey } from '../core/names.ts';
import { callSummary } from '../core/summary.ts';
import { inWords } from '../core/text.ts';
import type { FailureKind, Outcome, ToolCall, ToolCallInput, ToolCallResult, ToolPolicy } from '../core/types.ts';
import type { Run } from './run.ts';

type ToolActivities = Record<string, (input: ToolCallInput) => Promise<ToolCallResult>>;

export async function runTool(
  run: Run,
  slot: number,
  call: ToolCall,
  digest: string,
  policy: ToolPolicy,
): Promise<Outcome> {
  const tool = call.function.name;
  const activities = proxyActivities<ToolActivities>({
    activityId: callActivityId(run.turn, slot),
    startToCloseTimeout: policy.timeoutMs + (policy.waitMs ?? 0),
    // In place of schedule-to-close, which would count the queue and could not say whether the tool had run.
    scheduleToStartTimeout: QUEUE_WAIT_MS,
    heartbeatTimeout: policy.heartbeatMs,
    // The host answers a cancellation at once, even for a deaf tool, and says whether it may have happened.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: {
      maximumAttempts: policy.attempts,
      initialInterval: policy.backoff.initialMs,
      backoffCoefficient: policy.backoff.factor,
      maximumInterval: policy.backoff.maxMs,
    },
    summary: callSummary(call),
  });
  try {
    const { text } = await activities[tool]!({
      agent: run.input.agent,
      tool,
      turn: run.turn,
      slot,
      callId: call.id,
      arguments: call.function.arguments,
      idempotencyKey: idempotencyKey(run.workflowId, run.chain, run.turn, slot, digest),
    });
    return { ok: true, tool, text };
  } catch (error) {
    return { ok: false, ran: true, tool, ...whatHappened(error, policy) };
  }
}

/** A call that the run's end kept from starting. */
export function notStarted(call: ToolCall): Outcome {
  return { ok: false, ran: false, tool: call.function.name, kind: 'cancelled', error: 'cancelled before it started' };
}

interface Failure {
  readonly kind: FailureKind;
  readonly error: string;
}

function whatHappened(error: unknown, policy: ToolPolicy): Failure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return applicationFailure(cause, policy);
  if (cause instanceof TimeoutFailure) return timedOut(cause, policy);
  if (cause instanceof CancelledFailure) return { kind: 'cancelled', error: 'cancelled' };
  return lost(policy, cause instanceof Error ? cause.message : 'the call was lost');
}

function applicationFailure({ type, message }: ApplicationFailure, policy: ToolPolicy): Failure {
  switch (type) {
    case FAILURE.invalidArguments:
      return { kind: 'invalid_arguments', error: message };
    case FAILURE.toolTimeout:
      return lost(policy, message, 'timeout');
    case FAILURE.outcomeUnknown:
      return { kind: 'outcome_unknown', error: message };
    default:
      return { kind: 'failed', error: message };
  }
}

function timedOut({ timeoutType }: TimeoutFailure, policy: ToolPolicy): Failure {
  switch (timeoutType) {
    case 'SCHEDULE_TO_START':
      return { kind: 'timeout', error: `did not run: no worker took the call for ${inWords(QUEUE_WAIT_MS)}` };
    case 'HEARTBEAT':
      return lost(policy, `the worker that ran it was lost (no sign of life for ${inWords(policy.heartbeatMs)})`);
    default:
      return lost(policy, `timed out after ${inWords(policy.timeoutMs)}`, 'timeout');
  }
}

/** The call ended without a word from the tool: for one that must not happen twice, say that nobody knows. */
function lost(policy: ToolPolicy, error: string, kind: FailureKind = 'failed'): Failure {
  if (policy.effect !== 'once') return { kind, error };
  return {
    kind: 'outcome_unknown',
    error: `${error}; it may or may not have happened: check before you do it again`,
  };
}
