// The warning about a batch in which calls failed.
import { BATCH_FAILURES_SHOWN } from '../limits.ts';
import type { Reason } from '../reasons/codes.ts';
import { reason } from '../reasons/reason.ts';
import { cutText } from '../text.ts';
import type { Outcome } from '../types.ts';

const ERROR_CHARS = 300;

/** Returns one warning about the failed calls of a batch; null if none failed. */
export function batchWarning(turn: number, outcomes: readonly Outcome[]): Reason | null {
  const failed = outcomes.filter((outcome) => !outcome.ok);
  if (failed.length === 0) return null;
  const failures = failed
    .slice(0, BATCH_FAILURES_SHOWN)
    .map(({ tool, reason: why }) => ({ tool, error: cutText(why.text, ERROR_CHARS) }));
  return reason('calls_failed', {
    turn,
    calls: outcomes.length,
    failed: failed.length,
    all: allToolsFailed(outcomes),
    failures,
  });
}

/** Needs at least two calls that ran: a rejected call says nothing about its tool. */
export function allToolsFailed(outcomes: readonly Outcome[]): boolean {
  const ran = outcomes.filter((outcome) => outcome.ok || outcome.ran);
  return ran.length >= 2 && ran.every((outcome) => !outcome.ok);
}
