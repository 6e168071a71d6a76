// One tool call: its activity, and its outcome as data.
import { type ActivityOptions, scheduleActivity } from '@temporalio/workflow';
import { failedOutcome, succeeded } from '../../core/batch/outcomes.ts';
import { QUEUE_WAIT_MS } from '../../core/limits.ts';
import { callActivityId, idempotencyKey } from '../../core/names.ts';
import { callSummary } from '../../core/summary.ts';
import type { Outcome, ToolCall, ToolCallInput, ToolCallResult, ToolPolicy } from '../../core/types.ts';
import { CallScope } from '../runtime/callScope.ts';
import type { BatchCall } from '../state/batch.ts';
import type { Run } from '../state/run.ts';
import { failureCause } from './failureCause.ts';
import { neverSent, untilSent } from './unsent.ts';

/** Where there was a wait for a place, the host's own timeout should come before the server's. */
const HOST_FIRST_MS = 5_000;

/** Starts the call; `settle` gets its outcome. A failed tool is an outcome: nothing that a tool does is thrown. */
export function runTool(run: Run, slot: number, batchCall: BatchCall, settle: (outcome: Outcome) => void): CallScope {
  const { tool, decision } = batchCall;
  const call = callAsItRuns(batchCall);
  const { turn } = run.turns;
  const policy = run.agent!.policies[tool]!;
  const input: ToolCallInput = {
    agent: run.agentName,
    tool,
    turn,
    slot,
    callId: call.id,
    arguments: call.function.arguments,
    idempotencyKey: idempotencyKey(run.workflowId, run.firstRunId, turn, slot, digestOf(batchCall)),
    ...(decision && { decision: { verdict: decision.verdict, by: decision.by, why: decision.why } }),
  };
  const options = { ...optionsOf(policy), activityId: callActivityId(turn, slot), summary: callSummary(call) };
  const scope = new CallScope();
  const isUnsent = untilSent();
  scope
    .run(() => scheduleActivity<ToolCallResult>(tool, [input], options))
    .then(
      ({ text }) => settle(succeeded(tool, text)),
      (error) => settle(isUnsent() ? neverSent(tool) : failedOutcome(tool, failureCause(error), policy)),
    );
  return scope;
}

/** With the arguments that a guardrail or a person gave it. */
export function callAsItRuns({ call, planned }: BatchCall): ToolCall {
  if (!('arguments' in planned) || planned.arguments === undefined) return call;
  return { ...call, function: { ...call.function, arguments: planned.arguments } };
}

function digestOf({ planned }: BatchCall): string {
  return 'digest' in planned ? planned.digest : '';
}

function optionsOf({ timeoutMs, waitMs, heartbeatMs, attempts, backoff }: ToolPolicy): ActivityOptions {
  return {
    // The host keeps to the timeout and to the wait.
    startToCloseTimeout: timeoutMs + (waitMs === undefined ? 0 : waitMs + HOST_FIRST_MS),
    // In place of schedule-to-close, which would count the queue and could not say whether the tool had run.
    scheduleToStartTimeout: QUEUE_WAIT_MS,
    heartbeatTimeout: heartbeatMs,
    // The host answers a cancellation at once, even for a deaf tool, and says whether it may have happened.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: {
      maximumAttempts: attempts,
      initialInterval: backoff.initialMs,
      backoffCoefficient: backoff.factor,
      maximumInterval: backoff.maxMs,
    },
  };
}
