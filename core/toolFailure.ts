// What became of a tool's activity, told apart once: the workflow asks it to go on, the read model to show it.
import { QUEUE_WAIT_MS } from './limits.ts';
import { FAILURE } from './names.ts';
import { inWords } from './text.ts';
import type { FailureKind, Outcome, Problem, ToolPolicy } from './types.ts';

/** Why an activity failed, in the least common words of the SDK's errors and of history's. */
export type FailureCause =
  | { readonly source: 'application'; readonly type: string | null | undefined; readonly message: string }
  | { readonly source: 'timeout'; readonly timeout: TimeoutKind }
  | { readonly source: 'cancelled' }
  | { readonly source: 'other'; readonly message: string };

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

/** A call that the run's end kept from starting. */
export function notStarted(tool: string): Outcome {
  return { ok: false, ran: false, tool, kind: 'cancelled', error: 'cancelled before it started' };
}

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
    default:
      return { kind: 'failed', error: message };
  }
}

function timedOut(timeout: TimeoutKind, policy: ToolPolicy): Failure {
  switch (timeout) {
    case 'SCHEDULE_TO_START':
      return { kind: 'timeout', error: `did not run: no worker took the call for ${inWords(QUEUE_WAIT_MS)}` };
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
