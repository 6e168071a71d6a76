// What failed in a run: where to look first.

import { callActivityId } from '../names.ts';
import { cutText, seconds } from '../text.ts';
import type { FailureKind } from '../types.ts';
import { type Call, endedBadly, type Run, type Turn } from './run.ts';

export interface FailingStep {
  readonly turn: number;
  /** The call id, `<turn>.<slot>`; null if the model call failed. */
  readonly call: string | null;
  readonly tool: string | null;
  /** What the model wrote; null for a model call. */
  readonly arguments: string | null;
  /** The later turns in which the same call failed again. */
  readonly again: readonly number[];
  /** null for a model call. */
  readonly kind: FailureKind | null;
  readonly attempts: number;
  /** Why, in a sentence of the engine, or as the tool or model reported it. */
  readonly why: string;
  readonly tookMs: number | null;
  /** Whether it, or the same call again, is in the last turn of a run that did not complete: then it may be why. */
  readonly isLast: boolean;
  /** Failed calls of the run that are not the same. */
  readonly others: number;
}

/**
 * Returns the step to look at first: of a run that did not complete, the failed model call or the first failed call of its last
 * turn; otherwise the first that failed. Where the same call failed before, it is the first of these, among whose neighbours the cause
 * shows. What a person rejected or cancelled has not failed. null if nothing has.
 */
export function failingStep(run: Run): FailingStep | null {
  const failed = run.turns.flatMap((turn) => turn.calls.filter(hasFailed).map((call) => ({ turn, call })));
  const last = run.turns.at(-1);
  const isBad = endedBadly(run.status);
  if (last && last.error !== null && last.answeredAtMs !== null && (isBad || failed.length === 0))
    return { ...ofModel(last), isLast: isBad, others: failed.length };
  const inLast = isBad ? failed.find(({ turn }) => turn === last) : undefined;
  const found = inLast ?? failed[0];
  if (!found) return null;
  const [first = found, ...again] = failed.filter(({ call }) => isSame(call, found.call));
  return {
    ...ofCall(first.call),
    again: [...new Set(again.map(({ turn }) => turn.turn))],
    isLast: inLast !== undefined,
    others: failed.length - 1 - again.length,
  };
}

const isSame = (one: Call, other: Call) => one.tool === other.tool && one.arguments === other.arguments;

export function hasFailed({ ok, kind }: Call): boolean {
  return ok === false && kind !== 'rejected' && kind !== 'cancelled';
}

function ofModel({ turn, attempts, error, startedAtMs, answeredAtMs }: Turn) {
  const tookMs = answeredAtMs === null ? null : answeredAtMs - startedAtMs;
  return { turn, call: null, tool: null, arguments: null, again: [], kind: null, attempts, why: error ?? '', tookMs };
}

function ofCall({ turn, slot, tool, arguments: args, kind, attempts, reason, text, scheduledAtMs, endedAtMs }: Call) {
  const tookMs = scheduledAtMs === null || endedAtMs === null ? null : endedAtMs - scheduledAtMs;
  const why = reason?.text ?? text ?? '';
  return { turn, call: callActivityId(turn, slot), tool, arguments: args, kind, attempts, why, tookMs };
}

/** Of arguments in a sentence. */
const ARGUMENT_CHARS = 120;

/** Returns the step in a sentence. Names, arguments and reasons in it come from outside. */
export function failingSentence(step: FailingStep): string {
  const { turn, call, tool, attempts, why, tookMs, again, others } = step;
  const what = call === null ? `Turn ${turn}: the model call` : `Turn ${turn}: call ${call} of ${tool}${givenTo(step)}`;
  const how = [
    attempts > 1 ? `after ${attempts} attempts` : '',
    tookMs !== null && tookMs >= 1_000 ? `in ${seconds(tookMs)}` : '',
  ].filter(Boolean);
  const head = [`${what} failed`, ...how].join(' ');
  const later = again.filter((one) => one !== turn);
  const same = later.length > 0 ? ` The same call failed again in ${turnsText(later)}.` : '';
  const more = others > 0 ? ` ${others === 1 ? 'One other call' : `${others} other calls`} failed as well.` : '';
  const reason = why.trim();
  return `${head}${reason === '' ? '.' : `: ${/[.!?…]$/.test(reason) ? reason : `${reason}.`}`}${same}${more}`;
}

function givenTo({ arguments: args }: FailingStep): string {
  const text = args?.trim() ?? '';
  if (text === '' || text === '{}') return '';
  return ` with ${cutText(text, ARGUMENT_CHARS)}`;
}

/** More are counted. */
const TURNS_NAMED = 4;

function turnsText(turns: readonly number[]): string {
  const [last] = turns.slice(-1);
  if (turns.length > TURNS_NAMED) return `${turns.length} later turns`;
  return turns.length === 1 ? `turn ${last}` : `turns ${turns.slice(0, -1).join(', ')} and ${last}`;
}
