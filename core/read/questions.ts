// What the run waits for people to say.
import type { Question, Waits } from '../types.ts';
import { approvalTimeoutMs, type Reading } from './reading.ts';
import { type OpenTurn, placeOf } from './turns.ts';

export function openQuestions(reading: Reading): Question[] {
  if (reading.run.endedAtMs !== null) return [];
  const last = reading.turns.at(-1);
  return [...(last ? approvalsIn(reading, last) : []), ...budgetQuestions(reading.waits)];
}

/** The calls of a turn that wait for a person. */
export function approvalsIn(reading: Reading, turn: OpenTurn): Question[] {
  if (!turn.taken || turn === reading.askedNoMore) return [];
  const sinceMs = turn.answeredAtMs ?? turn.askedAtMs;
  const expiresAtMs = sinceMs + approvalTimeoutMs(reading);
  return turn.calls.flatMap((call): Question[] => {
    const { ok, asks, decision, tool, arguments: args } = call;
    if (ok !== null || !asks || decision) return [];
    return [{ kind: 'approval', call: placeOf(call), tool, arguments: args, ...asks, sinceMs, expiresAtMs }];
  });
}

/** Of approvals the calls tell; that more budget is asked for, only the memo. */
export function budgetQuestions(waits: Waits | null): Question[] {
  return waits?.questions.filter(({ kind }) => kind === 'budget') ?? [];
}
