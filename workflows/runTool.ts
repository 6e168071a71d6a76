// One tool call: its activity, and what became of it as data. Nothing that a tool does is thrown from here.
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import { QUEUE_WAIT_MS } from '../core/limits.ts';
import { callActivityId, idempotencyKey } from '../core/names.ts';
import { callSummary } from '../core/summary.ts';
import { type FailureCause, failedOutcome } from '../core/toolFailure.ts';
import type { Outcome, StandingDecision, ToolCall, ToolCallInput, ToolCallResult } from '../core/types.ts';
import type { RunState } from './runState.ts';

const HOST_FIRST_MS = 5_000;

type ToolActivities = Record<string, (input: ToolCallInput) => Promise<ToolCallResult>>;

export async function runTool(
  run: RunState,
  slot: number,
  call: ToolCall,
  digest: string,
  decision: StandingDecision | null,
): Promise<Outcome> {
  const tool = call.function.name;
  const policy = run.agent!.policies[tool]!;
  const activities = proxyActivities<ToolActivities>({
    activityId: callActivityId(run.turn, slot),
    // The host keeps to the timeout and to the wait; where there was a wait, its word should come before the server's.
    startToCloseTimeout: policy.timeoutMs + (policy.waitMs === undefined ? 0 : policy.waitMs + HOST_FIRST_MS),
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
      agent: run.agentName,
      tool,
      turn: run.turn,
      slot,
      callId: call.id,
      arguments: call.function.arguments,
      idempotencyKey: idempotencyKey(run.workflowId, run.chain, run.turn, slot, digest),
      ...(decision && { decision: { verdict: decision.verdict, by: decision.by, why: decision.why } }),
    });
    return { ok: true, tool, text };
  } catch (error) {
    return failedOutcome(tool, causeOf(error), policy);
  }
}

export function causeOf(error: unknown): FailureCause {
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
