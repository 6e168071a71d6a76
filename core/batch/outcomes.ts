// The outcome of a call, whichever way it ended. The workflow and the read model take it from here, so they agree.
import { QUEUE_WAIT_MS, RESULT_BYTES_MAX } from '../limits.ts';
import { FAILURE } from '../names.ts';
import type { Reason } from '../reasons/codes.ts';
import { reason } from '../reasons/reason.ts';
import { cutText } from '../text.ts';
import type { FailureKind, Outcome, PlannedCall, Problem, RecordedDecision, RunResult, ToolPolicy } from '../types.ts';

type Failed = Extract<Outcome, { ok: false }>;

/** Why an activity failed, in terms that the SDK's errors and the events of a history share. */
export type FailureCause = (
  | { readonly source: 'application'; readonly type: string | null | undefined; readonly message: string }
  | { readonly source: 'timeout'; readonly timeout: TimeoutKind }
  | { readonly source: 'cancelled' }
  | { readonly source: 'other'; readonly message: string }
) & {
  /** What the activity left with its failure, or with its last heartbeat. */
  readonly details?: unknown;
};

export type TimeoutKind = 'START_TO_CLOSE' | 'SCHEDULE_TO_START' | 'SCHEDULE_TO_CLOSE' | 'HEARTBEAT';

export function succeeded(tool: string, text: string): Outcome {
  return { ok: true, tool, text };
}

/** A call that never started. */
export function notRun(tool: string, kind: FailureKind, why: Reason): Failed {
  return { ok: false, ran: false, tool, kind, reason: why };
}

export function problemOutcome(tool: string, { kind, reason: why }: Problem): Failed {
  return notRun(tool, kind, why);
}

/** A call that was handed to a worker and failed. */
export function failedOutcome(tool: string, cause: FailureCause, policy: ToolPolicy): Failed {
  return { ok: false, ran: true, tool, ...failureOf(cause, policy) };
}

/** A call whose run ended while it was in flight. */
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
      return applicationFailure(cause.type, cause.message, policy);
    case 'timeout':
      return timedOut(cause.timeout, policy);
    case 'cancelled':
      return { kind: 'cancelled', reason: reason('call_cancelled') };
    case 'other':
      return lost(policy, 'failed', reason('tool_error', { message: cause.message }));
  }
}

function applicationFailure(type: string | null | undefined, message: string, policy: ToolPolicy): CallFailure {
  const toolError = reason('tool_error', { message });
  switch (type) {
    case FAILURE.invalidArguments:
      return { kind: 'invalid_arguments', reason: toolError };
    case FAILURE.toolTimeout:
      return lost(policy, 'timeout', toolError);
    case FAILURE.outcomeUnknown:
      return { kind: 'outcome_unknown', reason: toolError };
    case FAILURE.tool:
    case FAILURE.notRegistered:
    case FAILURE.workerShutdown:
    case undefined:
    case null:
      return { kind: 'failed', reason: toolError };
    // None of our types: the call's payloads could not be read or written, perhaps after the tool had run.
    default:
      return lost(policy, 'failed', toolError);
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
      return lost(policy, 'failed', reason('tool_worker_lost', { heartbeatMs: policy.heartbeatMs }));
    case 'START_TO_CLOSE':
    case 'SCHEDULE_TO_CLOSE':
      return lost(policy, 'timeout', reason('tool_timed_out', { timeoutMs: policy.timeoutMs }));
  }
}

/** The attempt ended without an answer of the tool: for one that must not happen twice, nobody knows whether it did. */
function lost(policy: ToolPolicy, kind: FailureKind, why: Reason): CallFailure {
  if (policy.effect !== 'once') return { kind, reason: why };
  return { kind: 'outcome_unknown', reason: reason('outcome_unknown', { cause: why.text }) };
}

/** A call that hands the conversation to another agent; `already`: to whom an earlier call of the batch did. */
export function handoffOutcome(tool: string, to: string, already: string | null): Outcome {
  if (already !== null) return notRun(tool, 'rejected', reason('handed_off_already', { to: already }));
  return succeeded(tool, `The conversation is now with ${to}.`);
}

/** How a sub-agent's run ended, as its parent learns of it. */
export type ChildEnd =
  | { readonly ended: RunResult }
  | { readonly failed: string }
  | 'cancelled'
  | 'terminated'
  | 'timed_out'
  /** The server has a run of its id already. */
  | 'id_taken';

/** What a sub-agent says when it did not complete, in characters. */
const LAST_WORDS_CHARS = 2_000;

/** The outcome of a call that is a sub-agent's run: its output, or why there is none. */
export function childOutcome(tool: string, end: ChildEnd): Outcome {
  const failed = (kind: FailureKind, why: Reason, ran = true): Failed => ({ ok: false, ran, tool, kind, reason: why });
  if (end === 'cancelled') return failed('cancelled', reason('call_cancelled'));
  if (typeof end === 'string') return failed('failed', reason('sub_agent_lost', { how: end }), end !== 'id_taken');
  if ('failed' in end) return failed('failed', reason('sub_agent_lost', { how: 'failed', message: end.failed }));
  const { status, output, value, reason: why } = end.ended;
  if (status === 'completed') {
    // The value is cleaner than the words it was read from, which may have a fence around them.
    const text = value === undefined ? (output ?? '') : JSON.stringify(value);
    return succeeded(tool, cutText(text, RESULT_BYTES_MAX));
  }
  const said = { ...(why && { reason: why }), ...(output && { output: cutText(output, LAST_WORDS_CHARS) }) };
  return failed('failed', reason('sub_agent_ended', { status, ...said }));
}

/** Why a sub-agent may not start at this depth, or as one more than `started`; null where it may. */
export function subAgentRefusal(depth: number, maxDepth: number, started: number, maxSubAgents: number): Reason | null {
  if (depth > maxDepth) return reason('sub_agent_depth', { depth, maxDepth });
  return started >= maxSubAgents ? reason('sub_agent_count', { max: maxSubAgents }) : null;
}

/** Whether the call counts as a tool call: one that a person answered does not, and a handoff runs nothing. */
export function countsAsRun(
  outcome: Outcome | null | undefined,
  planned: PlannedCall | undefined,
  decision: RecordedDecision | null,
): boolean {
  if (!outcome?.ok) return outcome?.ran === true;
  return !(planned && 'handoff' in planned && planned.handoff !== undefined) && decision?.verdict !== 'respond';
}

/** To whom the call has handed the conversation; null for one that did not. One that a person answered hands over nothing. */
export function handedOverTo({
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

/** What the model reads of a call. Where a person changed its arguments, that comes first: the model wrote others. */
export function outcomeText(outcome: Outcome, decision?: RecordedDecision | null): string {
  const text = outcome.ok
    ? outcome.text
    : JSON.stringify({ error: outcome.reason.text, tool: outcome.tool, kind: outcome.kind });
  return decision?.arguments === undefined
    ? text
    : `A person changed the arguments of this call to ${decision.arguments}. It answered:\n${text}`;
}
