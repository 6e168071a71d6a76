// Folds calls that a model repeats, so that a loop is one line of a list.

import type { Call, Turn } from './run.ts';

/** A call as the read model has it, or as a page was sent it. */
type FoldableCall = Pick<Call, 'turn' | 'slot' | 'tool' | 'ok' | 'kind' | 'approval' | 'decision' | 'childId'> & {
  readonly arguments: unknown;
};

type FoldableTurn<OneCall> = Pick<Turn, 'turn' | 'agent' | 'error' | 'userMessages'> & {
  readonly calls: readonly OneCall[];
};

export interface FoldedTurn<OneTurn = Turn, OneCall = Call> {
  /** The first of the turns that are shown as one. */
  readonly turn: OneTurn;
  /** The last of them; the same for a turn that is not repeated. */
  readonly last: OneTurn;
  readonly turns: readonly OneTurn[];
  readonly calls: readonly FoldedCall<OneCall>[];
}

/** A call, and how often it was made: with the same tool, arguments and end. */
export interface FoldedCall<OneCall = Call> {
  readonly call: OneCall;
  readonly last: OneCall;
  /** Those of the first turn. */
  readonly calls: readonly OneCall[];
  readonly times: number;
}

/** Two equal calls may be on purpose, and are shown. */
const FOLDED_MIN = 3;

/** Returns the turns, with equal calls of a turn folded, and successive turns of the same calls. `breaks`: turns that end a repetition. */
export function foldTurns<OneCall extends FoldableCall, OneTurn extends FoldableTurn<OneCall>>(
  turns: readonly (OneTurn & FoldableTurn<OneCall>)[],
  breaks: ReadonlySet<number> = new Set(),
): FoldedTurn<OneTurn, OneCall>[] {
  const groups: (OneTurn & FoldableTurn<OneCall>)[][] = [];
  for (const turn of turns) {
    const before = groups.at(-1);
    const [first] = before ?? [];
    const previous = before?.at(-1);
    if (before && first && previous && !breaks.has(previous.turn) && isSame(first, turn)) before.push(turn);
    else groups.push([turn]);
  }
  return groups.flatMap((group) => (group.length < FOLDED_MIN ? group.map((turn) => folded([turn])) : [folded(group)]));
}

function folded<OneCall extends FoldableCall, OneTurn extends FoldableTurn<OneCall>>(
  group: readonly (OneTurn & FoldableTurn<OneCall>)[],
): FoldedTurn<OneTurn, OneCall> {
  const [turn, last] = [group[0]!, group.at(-1)!];
  return { turn, last, turns: group, calls: foldCalls<OneCall>(turn.calls, last.calls, group.length) };
}

/** Folds the calls of one turn; `lastCalls` are those of the last of `turns` equal ones. */
export function foldCalls<OneCall extends FoldableCall>(
  calls: readonly OneCall[],
  lastCalls: readonly OneCall[] = calls,
  turns = 1,
): FoldedCall<OneCall>[] {
  const alike = Map.groupBy(calls.entries(), ([, call]) => keyOf(call));
  return calls.flatMap((call, slot): FoldedCall<OneCall>[] => {
    const equal = alike.get(keyOf(call)) ?? [];
    if (equal.length < FOLDED_MIN) return [{ call, last: lastCalls[slot] ?? call, calls: [call], times: turns }];
    const [first, last] = [equal[0]![0], equal.at(-1)![0]];
    const all = equal.map(([, one]) => one);
    return first === slot ? [{ call, last: lastCalls[last] ?? call, calls: all, times: equal.length * turns }] : [];
  });
}

/** What people said or decided is shown, so such turns are not folded. */
function isSame(a: FoldableTurn<FoldableCall>, b: FoldableTurn<FoldableCall>): boolean {
  return (
    a.calls.length > 0 &&
    a.agent === b.agent &&
    a.error === null &&
    b.error === null &&
    b.userMessages.length === 0 &&
    a.calls.length === b.calls.length &&
    a.calls.every((call, slot) => keyOf(call) === keyOf(b.calls[slot]!))
  );
}

/** Calls that a person decides, that run a sub-agent or that are open differ from all others. */
function keyOf(call: FoldableCall): string {
  const { turn, slot, tool, ok, kind, approval, decision, childId } = call;
  const isOwn = ok === null || approval !== null || decision !== null || childId !== null;
  return JSON.stringify([tool, call.arguments, ok, kind, ...(isOwn ? [turn, slot] : [])]);
}
