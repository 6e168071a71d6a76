// Decides whether a run continues after a turn.
import { endsByExpiry } from '../../core/batch/decide.ts';
import { allToolsFailed } from '../../core/batch/report.ts';
import { HANDOFFS_MAX, SAME_FAILURE_MAX, TRUNCATED_MAX } from '../../core/limits.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { Outcome } from '../../core/types.ts';
import type { Batch } from '../state/batch.ts';
import type { End, Run } from '../state/run.ts';

/** Returns the run's end, or null if it continues. */
export function judgeTurn(run: Run, batch: Batch, isInterrupted: boolean): End | null {
  return judgeAnswer(run, batch) ?? judgeBatch(run, batch, isInterrupted);
}

function judgeAnswer(run: Run, { answer, calls, isExpired }: Batch): End | null {
  const rules = run.batchRules;
  const control = { isCancelled: false, isInterrupted: false, isPaused: false, stop: null, isExpired };
  if (endsByExpiry({ control, rules, calls })) {
    const { approvalTimeoutMs: timeoutMs } = rules;
    return { status: 'stopped', reason: reason('approval_timed_out', { timeoutMs }), isFinal: true, endsSession: true };
  }
  run.turns.recordTruncated(answer.kind === 'truncated');
  switch (answer.kind) {
    case 'final':
      return { status: 'completed', reason: null };
    case 'refused':
      return { status: 'refused', reason: reason('model_refused') };
    case 'truncated':
      if (calls.length > 0 && run.turns.truncated <= TRUNCATED_MAX) return null;
      return { status: 'model_failed', reason: reason('output_limit') };
    case 'ended':
      return { ...(answer.end ?? { status: 'refused', reason: reason('model_refused') }), isFinal: true };
    case 'calls':
    case 'again':
      return null;
  }
}

function judgeBatch(run: Run, { calls, outcomes }: Batch, isInterrupted: boolean): End | null {
  const { turns, maxTurns } = run;
  // A stopped run ends before its next turn, with the status `stopped`.
  if (run.control.stop) return null;
  if (turns.handoffs > HANDOFFS_MAX)
    return { status: 'max_turns', reason: reason('max_handoffs', { max: HANDOFFS_MAX }) };
  // Interrupted calls say nothing about the tools.
  const failed = isInterrupted ? null : judgeFailures(run, calls, outcomes);
  if (failed) return failed;
  return turns.limited < maxTurns ? null : { status: 'max_turns', reason: reason('max_turns', { maxTurns }) };
}

function judgeFailures({ turns, rules }: Run, calls: Batch['calls'], outcomes: readonly Outcome[]): End | null {
  turns.recordBatch(
    calls.map(({ call }) => call),
    outcomes,
  );
  const { whenAllToolsFail } = rules;
  if (whenAllToolsFail === 'continue') return null;
  // The model gets one chance to find another way.
  const batches = whenAllToolsFail === 'abort' ? 1 : 2;
  if (allToolsFailed(outcomes) && turns.failedBatches >= batches)
    return { status: 'all_tools_failed', reason: reason('all_tools_failed', { batches }) };
  const [first] = outcomes;
  if (turns.sameFailures < SAME_FAILURE_MAX || !first || first.ok) return null;
  const { tool, reason: why } = first;
  return {
    status: 'all_tools_failed',
    reason: reason('same_failure', { tool, times: SAME_FAILURE_MAX, error: why.text }),
  };
}
