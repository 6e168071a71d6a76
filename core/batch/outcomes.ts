// Makes the outcome of a call, for every way in which it can end. The workflow and the read model share this, so they agree.
import { isNotJson, resultProblem } from '../activityResults.ts';
import { attachmentsField } from '../attachments.ts';
import { ERROR_CHARS_MAX, QUEUE_WAIT_MS, RESULT_BYTES_MAX } from '../limits.ts';
import { FAILURE } from '../names.ts';
import type { Reason } from '../reasons/codes.ts';
import { reason } from '../reasons/reason.ts';
import { cutBytes, cutText } from '../text.ts';
import type {
  CallTask,
  FailureKind,
  Outcome,
  PlannedCall,
  Problem,
  RecordedDecision,
  RunResult,
  ToolCallResult,
  ToolPolicy,
} from '../types.ts';
import { inputOf } from './input.ts';

/** An error that the tool host has not cut. More than what it leaves, so that recorded outcomes stay as they are. */
const FOREIGN_ERROR_CHARS_MAX = 2 * ERROR_CHARS_MAX;

type Failed = Extract<Outcome, { ok: false }>;

/** Why an activity failed, in terms that the SDK's errors and the events of a history share. */
export type FailureCause = (
  | { readonly source: 'application'; readonly type: string | null | undefined; readonly message: string }
  | { readonly source: 'timeout'; readonly timeout: TimeoutKind }
  | { readonly source: 'cancelled' }
  | { readonly source: 'other'; readonly message: string }
) & {
  /** Details of the failure, or of the last heartbeat. */
  readonly details?: unknown;
};

export type TimeoutKind = 'START_TO_CLOSE' | 'SCHEDULE_TO_START' | 'SCHEDULE_TO_CLOSE' | 'HEARTBEAT';

export function succeeded(tool: string, text: string, attachments?: ToolCallResult['attachments'] | null): Outcome {
  return { ok: true, tool, text, ...attachmentsField(attachments) };
}

/** The outcome of a call whose activity completed. Anything may have completed it, and on a queue of its own it may return anything. */
export function completedOutcome(tool: string, result: unknown, policy: ToolPolicy): Outcome {
  if (policy.queue !== undefined && !isNotJson(result))
    return succeeded(tool, cutBytes(textOf(result).toWellFormed(), RESULT_BYTES_MAX));
  const problem = isNotJson(result) ? 'its result is not JSON' : resultProblem.tool(result);
  if (problem !== null) return failedOutcome(tool, { source: 'other', message: problem }, policy);
  const { text, attachments, needsInput } = result as ToolCallResult;
  if (needsInput) return { ok: false, ran: true, tool, kind: 'failed', reason: reason('call_asked_too_much', {}) };
  return succeeded(tool, text, attachments);
}

function textOf(result: unknown): string {
  return typeof result === 'string' ? result : JSON.stringify(result ?? null);
}

/** The outcome of a call that never started. */
export function notRun(tool: string, kind: FailureKind, why: Reason): Failed {
  return { ok: false, ran: false, tool, kind, reason: why };
}

export function problemOutcome(tool: string, { kind, reason: why }: Problem): Failed {
  return notRun(tool, kind, why);
}

/** The outcome of a call whose activity failed. */
export function failedOutcome(tool: string, cause: FailureCause, policy: ToolPolicy): Failed {
  return { ok: false, ran: true, tool, ...failureOf(cause, policy) };
}

/** The outcome of a call whose task was not seen to its end. */
export function failedTaskOutcome(
  tool: string,
  cause: FailureCause,
  policy: ToolPolicy,
  { limitMs }: CallTask,
): Failed {
  // The looks are many, and so are no call that may not have started.
  const failed = failedOutcome(tool, cause, { ...policy, timeoutMs: limitMs, attempts: Math.max(2, policy.attempts) });
  // Only a look knows that the task has failed.
  const isKnown = cause.source === 'application' && cause.type === FAILURE.tool;
  return isKnown || failed.kind === 'outcome_unknown'
    ? failed
    : { ...failed, ...lost(policy, failed.kind, failed.reason) };
}

/** The outcome of a call that was in flight when its run ended. */
export function abandonedOutcome(tool: string, policy: ToolPolicy): Failed {
  return failedOutcome(tool, { source: 'other', message: 'the run ended while it was in flight' }, policy);
}

interface CallFailure {
  readonly kind: FailureKind;
  readonly reason: Reason;
}

function failureOf(cause: FailureCause, policy: ToolPolicy): CallFailure {
  switch (cause.source) {
    case 'application':
      return applicationFailure(cause.type, cutText(cause.message, FOREIGN_ERROR_CHARS_MAX), policy);
    case 'timeout':
      return timedOut(cause.timeout, policy);
    case 'cancelled':
      return { kind: 'cancelled', reason: reason('call_cancelled') };
    case 'other':
      return lost(policy, 'failed', reason('tool_error', { message: cutText(cause.message, FOREIGN_ERROR_CHARS_MAX) }));
  }
}

function applicationFailure(type: string | null | undefined, message: string, policy: ToolPolicy): CallFailure {
  const toolError = reason('tool_error', { message });
  switch (type) {
    case FAILURE.invalidArguments:
      return { kind: 'invalid_arguments', reason: toolError };
    case FAILURE.notPermitted:
      return { kind: 'rejected', reason: toolError };
    // As many looks as there may be, or as the task had time for, have found it running.
    case FAILURE.taskRuns:
      return lost(policy, 'timeout', reason('tool_timed_out', { timeoutMs: policy.timeoutMs }));
    case FAILURE.toolTimeout:
      return lost(policy, 'timeout', toolError);
    case FAILURE.outcomeUnknown:
      return { kind: 'outcome_unknown', reason: toolError };
    case FAILURE.storeUnavailable:
      // With more than one attempt, those before this one may have run.
      if (policy.attempts > 1) return workerLost(policy, toolError);
      return { kind: 'failed', reason: reason('call_unreadable', { message }) };
    case FAILURE.tool:
    case FAILURE.notRegistered:
    case FAILURE.workerShutdown:
    case undefined:
    case null:
      return { kind: 'failed', reason: toolError };
    // Not one of our types. On a queue of its own, it is the tool's; otherwise, the call's payloads could not be read or written, perhaps after the tool had run.
    default:
      return policy.queue === undefined ? lost(policy, 'failed', toolError) : { kind: 'failed', reason: toolError };
  }
}

function timedOut(timeout: TimeoutKind, policy: ToolPolicy): CallFailure {
  switch (timeout) {
    case 'SCHEDULE_TO_START':
      // With more than one attempt, those before this one may have run.
      return {
        kind: 'timeout',
        reason: reason('tool_not_started', { waitMs: QUEUE_WAIT_MS, certain: policy.attempts === 1 }),
      };
    case 'HEARTBEAT':
      return workerLost(policy, reason('tool_worker_lost', { heartbeatMs: policy.heartbeatMs }));
    case 'START_TO_CLOSE':
    case 'SCHEDULE_TO_CLOSE':
      return lost(policy, 'timeout', reason('tool_timed_out', { timeoutMs: policy.timeoutMs }));
  }
}

/** The attempt ended without a result. With effect `once`, it is unknown whether the effect happened. */
function lost(policy: ToolPolicy, kind: FailureKind, why: Reason): CallFailure {
  return policy.effect === 'once' ? unknown(why) : { kind, reason: why };
}

/** No attempt is left, so an idempotent effect is not repeated, and may have happened. */
function workerLost(policy: ToolPolicy, why: Reason): CallFailure {
  return policy.effect === 'read' ? { kind: 'failed', reason: why } : unknown(why);
}

function unknown(why: Reason): CallFailure {
  return { kind: 'outcome_unknown', reason: reason('outcome_unknown', { cause: why.text }) };
}

/** The outcome of a handoff; `already` is the target of an earlier handoff in the batch. */
export function handoffOutcome(tool: string, to: string, already: string | null): Outcome {
  if (already !== null) return notRun(tool, 'rejected', reason('handed_off_already', { to: already }));
  return succeeded(tool, `The conversation is now with ${to}.`);
}

/** How a sub-agent's run ended. */
export type ChildEnd =
  | { readonly ended: RunResult }
  | { readonly failed: string }
  | 'cancelled'
  | 'terminated'
  | 'timed_out'
  /** A run with its workflow id exists already. */
  | 'id_taken';

/** The output of a sub-agent that did not complete is cut to this. */
const INCOMPLETE_OUTPUT_CHARS_MAX = 2_000;

/** The outcome of a call to a sub-agent: its output, or why there is none. */
export function childOutcome(tool: string, end: ChildEnd): Outcome {
  const failed = (kind: FailureKind, why: Reason, ran = true): Failed => ({ ok: false, ran, tool, kind, reason: why });
  if (end === 'cancelled') return failed('cancelled', reason('call_cancelled'));
  if (typeof end === 'string') return failed('failed', reason('sub_agent_lost', { how: end }), end !== 'id_taken');
  if ('failed' in end) return failed('failed', reason('sub_agent_lost', { how: 'failed', message: end.failed }));
  const { status, output, value, reason: why } = end.ended;
  if (status === 'completed') {
    // The value is cleaner than the text it was parsed from, which may have a code fence around it.
    const text = value === undefined ? (output ?? '') : JSON.stringify(value);
    return succeeded(tool, cutBytes(text, RESULT_BYTES_MAX));
  }
  const shown = {
    ...(why && { reason: why }),
    ...(output && { output: cutText(output, INCOMPLETE_OUTPUT_CHARS_MAX) }),
  };
  return failed('failed', reason('sub_agent_ended', { status, ...shown }));
}

/** Returns why a sub-agent may not start at this depth, or after `started` others; null if it may. */
export function subAgentRefusal(depth: number, maxDepth: number, started: number, maxSubAgents: number): Reason | null {
  if (depth > maxDepth) return reason('sub_agent_depth', { depth, maxDepth });
  return started >= maxSubAgents ? reason('sub_agent_count', { max: maxSubAgents }) : null;
}

/** Whether the call counts as one that ran: a person's response and a handoff do not. */
export function countsAsRun(
  outcome: Outcome | null | undefined,
  planned: PlannedCall | undefined,
  decision: RecordedDecision | null,
): boolean {
  if (!outcome?.ok) return outcome?.ran === true;
  if (planned && inputOf(planned)) return true;
  return !(planned && 'handoff' in planned && planned.handoff !== undefined) && decision?.verdict !== 'respond';
}

/** Returns the target of a completed handoff; null for other calls, and if a person responded in its place. */
export function handoffTarget({
  outcome,
  planned,
  decision,
}: {
  readonly outcome: Outcome | null;
  readonly planned: PlannedCall;
  readonly decision: RecordedDecision | null;
}): string | null {
  if (!outcome?.ok || !('handoff' in planned) || decision?.verdict === 'respond') return null;
  return planned.handoff ?? null;
}

/** The images and files of a result. */
export function outcomeAttachments(outcome: Outcome): ToolCallResult['attachments'] {
  return outcome.ok ? outcome.attachments : undefined;
}

/** Returns what the model reads. If a person changed the arguments, the text begins with them. */
export function outcomeText(outcome: Outcome, decision?: RecordedDecision | null): string {
  const text = outcome.ok
    ? outcome.text
    : JSON.stringify({ error: outcome.reason.text, tool: outcome.tool, kind: outcome.kind });
  return decision?.arguments === undefined
    ? text
    : `A person changed the arguments of this call to ${decision.arguments}. It answered:\n${text}`;
}
