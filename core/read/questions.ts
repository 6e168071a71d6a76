// The open questions of a run.
import type { Question } from '../types.ts';
import { budgetQuestions } from '../waits.ts';
import { approvalsIn } from './batchView.ts';
import type { Reading } from './reading.ts';

export function openQuestions(reading: Reading): Question[] {
  if (reading.run.endedAtMs !== null) return [];
  const last = reading.turns.at(-1);
  return [...(last ? approvalsIn(reading, last) : []), ...budgetQuestions(reading.waits)];
}
