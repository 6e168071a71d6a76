// The open questions of a run.
import type { Question, Waits } from '../types.ts';
import { approvalsIn } from './batchView.ts';
import type { Reading } from './reading.ts';

export function openQuestions(reading: Reading): Question[] {
  if (reading.run.endedAtMs !== null) return [];
  const last = reading.turns.at(-1);
  return [...(last ? approvalsIn(reading, last) : []), ...budgetQuestions(reading.waits)];
}

/** Approvals are read from the calls, but a question about the budget is only in the memo. */
export function budgetQuestions(waits: Waits | null): Question[] {
  return waits?.questions.filter(({ kind }) => kind === 'budget') ?? [];
}
