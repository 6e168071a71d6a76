// What became of a tool's activity, told apart once: the workflow asks it to go on, the read model to show it.

import { changedPrefix } from './failures.ts';
import { QUEUE_WAIT_MS, RESULT_BYTES_MAX } from './limits.ts';
import { FAILURE } from './names.ts';
import { cutText, inWords } from './text.ts';
import type { FailureKind, Outcome, Problem, RunResult, StandingDecision, ToolFailure, ToolPolicy } from './types.ts';

/** Why an activity failed, in the least common words of the SDK's errors and of history's. */
export type FailureCause = (
  | { readonly source: 'application'; readonly type: string | null | undefined; readonly message: string }
  | { readonly source: 'timeout'; readonly timeout: TimeoutKind }
  | { readonly source: 'cancelled' }
  | { readonly source: 'other'; readonly message: string }
) & {
  /** What the activity left with its failure, or with its last heartbeat where it could not say more. */
  readonly details?: unknown;
};

export type TimeoutKind = 'START_TO_CLOSE' | 'SCHEDULE_TO_START' | 'SCHEDULE_TO_CLOSE' | 'HEARTBEAT';

interface Failure {
  readonly kind: FailureKind;
  readonly error: string;
}

export function failedOutcome(tool: string, cause: FailureCause, policy: ToolPolicy): Outcome {
  return { ok: false, ran: true, tool, ...whatHappened(cause, policy) };
}

/** A call that the plan did not let run. */
export function refused(tool: string, problem: Problem): Outcome {
  return { ok: false, ran: false, tool, ...problem };
}

/** A call that was kept from starting. */
export function notStarted(tool: string, error = 'cancelled before it started'): Outcome {
  return { ok: false, ran: false, tool, kind: 'cancelled', error };
}

/** Why calls do not start: in words that the read model knows as well. */
export const CALL_INTERRUPTED = 'interrupted before it started';
export const RUN_STOPPED = 'not run: the run was asked to stop';

export function nobodyDecided(timeoutMs: number): string {
  return `nobody decided within ${inWords(timeoutMs)}`;
}

/** Why a sub-agent may not start at this depth, or as one more than `count`; null where it may. */
export function whyNoSubAgent(depth: number, maxDepth: number, count: number, countMax: number): string | null {
  if (depth > maxDepth) return `not run: sub-agents may be nested ${maxDepth} deep, and this would be ${depth}`;
  if (count >= countMax) return `not run: a run may start ${countMax} sub-agents, and this one has`;
  return null;
}

/** A call that passes the conversation on; `already`: to whom another one of its batch has. */
export function handedOff(tool: string, to: string, already: string | null | undefined): Outcome {
  if (already !== null && already !== undefined)
    return refused(tool, { kind: 'rejected', error: `not done: the conversation goes to ${already} already` });
  return { ok: true, tool, text: `The conversation is now with ${to}.` };
}

/** How the run of a sub-agent ended, as its parent hears of it. */
export type ChildEnd =
  | { readonly ended: RunResult }
  | { readonly failed: string }
  | 'cancelled'
  | 'terminated'
  | 'timed_out'
  /** The server has a run of its id already. */
  | 'id_taken';

const CHILD_LOST = {
  terminated: 'it was terminated',
  timed_out: 'it timed out',
  id_taken: 'a run of its id is under way already',
} as const;

/** What became of a call that is a run of another agent: what it said, or why it did not come to that. */
export function childOutcome(tool: string, end: ChildEnd): Outcome {
  if (end === 'cancelled') return { ok: false, ran: true, tool, kind: 'cancelled', error: 'cancelled' };
  if (typeof end === 'string' || 'failed' in end) {
    const why = typeof end === 'string' ? CHILD_LOST[end] : end.failed;
    return { ok: false, ran: end !== 'id_taken', tool, kind: 'failed', error: `the sub-agent failed: ${why}` };
  }
  const { status, output, value, reason } = end.ended;
  if (status === 'completed') {
    // What its schema made says it better than its words, which may have a fence around them.
    const text = value === undefined ? (output ?? '') : JSON.stringify(value);
    return { ok: true, tool, text: cutText(text, RESULT_BYTES_MAX) };
  }
  const why = reason ? `: ${reason}` : '';
  const said = output ? ` The last that it said: ${cutText(output, CHILD_WORDS_CHARS)}` : '';
  return { ok: false, ran: true, tool, kind: 'failed', error: `the sub-agent ended as ${status}${why}${said}` };
}

const CHILD_WORDS_CHARS = 2_000;

function whatHappened(cause: FailureCause, policy: ToolPolicy): Failure {
  switch (cause.source) {
    case 'application':
      return applicationFailure(cause.type, cause.message, policy);
    case 'timeout':
      return timedOut(cause.timeout, policy);
    case 'cancelled':
      return { kind: 'cancelled', error: 'cancelled' };
    case 'other':
      return lost(policy, cause.message);
  }
}

function applicationFailure(type: string | null | undefined, message: string, policy: ToolPolicy): Failure {
  switch (type) {
    case FAILURE.invalidArguments:
      return { kind: 'invalid_arguments', error: message };
    case FAILURE.toolTimeout:
      return lost(policy, message, 'timeout');
    case FAILURE.outcomeUnknown:
      return { kind: 'outcome_unknown', error: message };
    case FAILURE.tool:
    case FAILURE.notRegistered:
    case FAILURE.workerShutdown:
    case undefined:
    case null:
      return { kind: 'failed', error: message };
    // Nothing of ours says that: the call's payloads could not be read or written, perhaps after it was through.
    default:
      return lost(policy, message);
  }
}

function timedOut(timeout: TimeoutKind, policy: ToolPolicy): Failure {
  switch (timeout) {
    case 'SCHEDULE_TO_START': {
      const error = `no worker took the call for ${inWords(QUEUE_WAIT_MS)}`;
      // Where there may be more than one attempt, those before this one may have run.
      return { kind: 'timeout', error: policy.attempts === 1 ? `did not run: ${error}` : error };
    }
    case 'HEARTBEAT':
      return lost(policy, `the worker that ran it was lost (no sign of life for ${inWords(policy.heartbeatMs)})`);
    case 'START_TO_CLOSE':
    case 'SCHEDULE_TO_CLOSE':
      return lost(policy, `timed out after ${inWords(policy.timeoutMs)}`, 'timeout');
  }
}

/** The call ended without a word from the tool: for one that must not happen twice, say that nobody knows. */
function lost(policy: ToolPolicy, error: string, kind: FailureKind = 'failed'): Failure {
  if (policy.effect !== 'once') return { kind, error };
  return { kind: 'outcome_unknown', error: `${error}; it may or may not have happened: check before you do it again` };
}

/** A call that a person rejected, in the words that the model reads. */
export function rejection({ why }: Pick<StandingDecision, 'why'>): string {
  return why ? `rejected by a person: ${why}` : 'rejected by a person';
}

/** What the model was told of a call that did not start, read back: a failure is JSON with its kind. */
export function toldOutcome(tool: string, told: string, decision: StandingDecision | null): Outcome {
  const prefix = changedPrefix(decision);
  const text = told.startsWith(prefix) ? told.slice(prefix.length) : told;
  try {
    const { error, kind } = JSON.parse(text) as Partial<ToolFailure>;
    if (typeof error === 'string' && typeof kind === 'string') return { ok: false, ran: false, tool, kind, error };
  } catch {
    // No failure then.
  }
  return { ok: true, tool, text };
}
