// Folds calls that a model repeats, so that a loop is one line of a list.

import type { Call, Turn } from './run.ts';

export interface FoldedTurn {
  /** The first of the turns that are shown as one. */
  readonly turn: Turn;
  /** The last of them; the same for a turn that is not repeated. */
  readonly last: Turn;
  readonly calls: readonly FoldedCall[];
}

/** A call, and how often it was made: with the same tool, arguments and end. */
export interface FoldedCall {
  readonly call: Call;
  readonly last: Call;
  readonly times: number;
}

/** Two equal calls may be on purpose, and are shown. */
const FOLDED_MIN = 3;

/** Returns the turns, with equal calls of a turn folded, and successive turns of the same calls. `breaks`: turns that end a repetition. */
export function foldTurns(turns: readonly Turn[], breaks: ReadonlySet<number> = new Set()): FoldedTurn[] {
  const groups: Turn[][] = [];
  for (const turn of turns) {
    const before = groups.at(-1);
    const [first] = before ?? [];
    const previous = before?.at(-1);
    if (before && first && previous && !breaks.has(previous.turn) && isSame(first, turn)) before.push(turn);
    else groups.push([turn]);
  }
  return groups.flatMap((group) => (group.length < FOLDED_MIN ? group.map((turn) => folded([turn])) : [folded(group)]));
}

function folded(group: readonly Turn[]): FoldedTurn {
  const [turn, last] = [group[0]!, group.at(-1)!];
  return { turn, last, calls: foldCalls(turn.calls, last.calls, group.length) };
}

function foldCalls(calls: readonly Call[], lastCalls: readonly Call[], turns: number): FoldedCall[] {
  const alike = new Map<string, number[]>();
  for (const [slot, call] of calls.entries()) {
    const key = keyOf(call);
    alike.set(key, [...(alike.get(key) ?? []), slot]);
  }
  return calls.flatMap((call, slot): FoldedCall[] => {
    const slots = alike.get(keyOf(call)) ?? [slot];
    if (slots.length < FOLDED_MIN) return [{ call, last: lastCalls[slot] ?? call, times: turns }];
    return slots[0] === slot ? [{ call, last: lastCalls[slots.at(-1)!] ?? call, times: slots.length * turns }] : [];
  });
}

/** What people said or decided is shown, so such turns are not folded. */
function isSame(a: Turn, b: Turn): boolean {
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
function keyOf(call: Call): string {
  const { turn, slot, tool, ok, kind, approval, decision, childId } = call;
  const isOwn = ok === null || approval !== null || decision !== null || childId !== null;
  return JSON.stringify([tool, call.arguments, ok, kind, ...(isOwn ? [turn, slot] : [])]);
}
