// Whether a run goes on after a turn. Settle everything, then decide.
import { allToolsFailed } from '../core/failures.ts';
import { HANDOFFS_MAX, SAME_FAILURE_MAX, TRUNCATED_MAX } from '../core/limits.ts';
import { plural } from '../core/text.ts';
import type { AgentRules, Outcome, ToolCall } from '../core/types.ts';
import type { Batch, End, RunState } from './runState.ts';

/** The end that the model's answer itself brings, if any. */
export function judgeAnswer(run: RunState, { answer, calls, expired }: Batch): End | null {
  if (expired !== null)
    return { status: 'stopped', reason: `The run was to end for it: ${expired}.`, isFinal: true, endsSession: true };
  switch (answer.kind) {
    case 'final':
      return { status: 'completed', reason: null };
    case 'refused':
      return { status: 'refused', reason: 'The model, or its provider, declined to answer.' };
    case 'truncated':
      run.truncated += 1;
      if (calls.length > 0 && run.truncated <= TRUNCATED_MAX) return null;
      return {
        status: 'model_failed',
        reason: "The model's answer was cut off at its output limit. Raise maxOutputTokens, or ask for less at once.",
      };
    case 'ended':
      return { ...(answer.end ?? { status: 'refused', reason: null }), isFinal: true };
    case 'calls':
    case 'again':
      run.truncated = 0;
      return null;
  }
}

/** The end that the turn's calls bring, if any. */
export function judgeBatch(
  run: RunState,
  calls: readonly ToolCall[],
  outcomes: readonly Outcome[],
  interrupted: boolean,
): End | null {
  const rules = run.agent!.rules;
  // A run that is to stop does so, with what there is.
  if (run.stop !== null) return null;
  if (run.handoffs > HANDOFFS_MAX)
    return { status: 'max_turns', reason: `The conversation was passed on more than ${HANDOFFS_MAX} times.` };
  const maxTurns = run.input.maxTurns ?? rules.maxTurns;
  // Calls that a person kept from running, or stopped, say nothing about the tools.
  const failed = interrupted
    ? null
    : (everythingFailed(run, outcomes, rules) ?? theSameAgain(run, calls, outcomes, rules));
  return (
    failed ??
    (run.turn - run.turnsBefore < maxTurns
      ? null
      : { status: 'max_turns', reason: `exceeded maximum iterations (${plural(maxTurns, 'turn')})` })
  );
}

function everythingFailed(run: RunState, outcomes: readonly Outcome[], rules: AgentRules): End | null {
  if (outcomes.some((outcome) => outcome.ok)) run.failedBatches = 0;
  if (!allToolsFailed(outcomes)) return null;
  run.failedBatches += 1;
  switch (rules.whenAllToolsFail) {
    case 'continue':
      return null;
    case 'abort':
      return { status: 'all_tools_failed', reason: 'Every tool of a batch failed.' };
    case 'tell':
      // Once, the model may find another way; twice in a row, it has not.
      if (run.failedBatches < 2) return null;
      return { status: 'all_tools_failed', reason: 'Every tool of two batches in a row failed.' };
  }
}

function theSameAgain(
  run: RunState,
  calls: readonly ToolCall[],
  outcomes: readonly Outcome[],
  rules: AgentRules,
): End | null {
  const [call] = calls;
  const [outcome] = outcomes;
  if (calls.length !== 1 || !call || !outcome || outcome.ok) {
    run.sameFailure = { key: '', times: 0 };
    return null;
  }
  const key = JSON.stringify([call.function.name, call.function.arguments, outcome.kind, outcome.error]);
  run.sameFailure = { key, times: key === run.sameFailure.key ? run.sameFailure.times + 1 : 1 };
  if (run.sameFailure.times < SAME_FAILURE_MAX || rules.whenAllToolsFail === 'continue') return null;
  return {
    status: 'all_tools_failed',
    reason: `${call.function.name} failed ${SAME_FAILURE_MAX} times in a row in the same way: ${outcome.error}`,
  };
}
