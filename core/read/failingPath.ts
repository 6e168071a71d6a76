// What failed in a run: where to look first.

import { callActivityId } from '../names.ts';
import { seconds } from '../text.ts';
import type { FailureKind } from '../types.ts';
import { type Call, endedBadly, type Run, type Turn } from './run.ts';

export interface FailingStep {
  readonly turn: number;
  /** The call id, `<turn>.<slot>`; null if the model call failed. */
  readonly call: string | null;
  readonly tool: string | null;
  /** null for a model call. */
  readonly kind: FailureKind | null;
  readonly attempts: number;
  /** Why, in a sentence of the engine, or as the tool or model reported it. */
  readonly why: string;
  readonly tookMs: number | null;
  /** Whether it is in the last turn of a run that did not complete: then it may be why. */
  readonly isLast: boolean;
  /** Other failed calls of the run. */
  readonly others: number;
}

/**
 * Returns the step to look at first: of a run that did not complete, the failed model call or the first failed call of its last
 * turn; otherwise the first that failed. What a person rejected or cancelled has not failed. null if nothing has.
 */
export function failingStep(run: Run): FailingStep | null {
  const failed = run.turns.flatMap((turn) => turn.calls.filter(hasFailed).map((call) => ({ turn, call })));
  const last = run.turns.at(-1);
  const isBad = endedBadly(run.status);
  if (last && last.error !== null && last.answeredAtMs !== null && (isBad || failed.length === 0))
    return { ...ofModel(last), isLast: isBad, others: failed.length };
  const inLast = isBad ? failed.find(({ turn }) => turn === last) : undefined;
  const first = inLast ?? failed[0];
  return first ? { ...ofCall(first.call), isLast: inLast !== undefined, others: failed.length - 1 } : null;
}

export function hasFailed({ ok, kind }: Call): boolean {
  return ok === false && kind !== 'rejected' && kind !== 'cancelled';
}

function ofModel({ turn, attempts, error, startedAtMs, answeredAtMs }: Turn) {
  const tookMs = answeredAtMs === null ? null : answeredAtMs - startedAtMs;
  return { turn, call: null, tool: null, kind: null, attempts, why: error ?? '', tookMs };
}

function ofCall({ turn, slot, tool, kind, attempts, reason, text, scheduledAtMs, endedAtMs }: Call) {
  const tookMs = scheduledAtMs === null || endedAtMs === null ? null : endedAtMs - scheduledAtMs;
  return { turn, call: callActivityId(turn, slot), tool, kind, attempts, why: reason?.text ?? text ?? '', tookMs };
}

/** Returns the step in a sentence. Names and reasons in it come from outside. */
export function failingSentence({ turn, call, tool, attempts, why, tookMs, others }: FailingStep): string {
  const what = call === null ? `Turn ${turn}: the model call` : `Turn ${turn}: call ${call} of ${tool}`;
  const how = [
    attempts > 1 ? `after ${attempts} attempts` : '',
    tookMs !== null && tookMs >= 1_000 ? `in ${seconds(tookMs)}` : '',
  ].filter(Boolean);
  const head = [`${what} failed`, ...how].join(' ');
  const more = others > 0 ? ` ${others === 1 ? 'One other call' : `${others} other calls`} failed as well.` : '';
  const reason = why.trim();
  return `${head}${reason === '' ? '.' : `: ${/[.!?…]$/.test(reason) ? reason : `${reason}.`}`}${more}`;
}
