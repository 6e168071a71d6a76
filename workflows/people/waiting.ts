// The open questions of a run: their list, their publication in the memo, and the clock, which is paused while they wait.
import { countOpenApprovals, openApprovals } from '../../core/batch/approvals.ts';
import { WAITS_ARGUMENT_CHARS, WAITS_SHOWN } from '../../core/limits.ts';
import { shownArguments } from '../../core/shownArguments.ts';
import { oneLine } from '../../core/text.ts';
import type { Question, Waits } from '../../core/types.ts';
import type { Run } from '../state/run.ts';
import { showWaiting } from './details.ts';

/** Returns the first `max` open questions, uncut. That about the budget is among them: history has it nowhere else. */
export function openQuestions(run: Run, max = Number.POSITIVE_INFINITY): Question[] {
  const budget = run.budget.question(run.spend);
  return [...approvalsOf(run, max - budget.length), ...budget];
}

export function hasQuestions(run: Run): boolean {
  return openQuestions(run, 1).length > 0;
}

function approvalsOf(run: Run, max: number): Question[] {
  const { batch, turns, batchRules, startedBy } = run;
  if (!batch) return [];
  const { calls, askedAtMs } = batch;
  const { approvalTimeoutMs } = batchRules;
  return openApprovals({ turn: turns.turn, calls, askedAtMs, approvalTimeoutMs, startedBy }, max);
}

/** Writes the open questions to the memo if they have changed. The loop calls this once for a burst of decisions. */
export function publishWaits(run: Run): void {
  run.published.showWaits(waitsOf(run), run.agent?.index, run.used);
}

function waitsOf(run: Run): Waits | null {
  const questions = openQuestions(run, WAITS_SHOWN);
  if (questions.length === 0) return null;
  return {
    sinceMs: Math.min(...questions.map(({ sinceMs }) => sinceMs)),
    count: countQuestions(run),
    questions: questions.map(shortened),
  };
}

function countQuestions(run: Run): number {
  return (run.batch ? countOpenApprovals(run.batch.calls) : 0) + run.budget.question(run.spend).length;
}

function shortened(question: Question): Question {
  if (question.kind !== 'approval') return question;
  return {
    ...question,
    arguments: shownArguments(question.arguments, WAITS_ARGUMENT_CHARS),
    question: question.question && oneLine(question.question, WAITS_ARGUMENT_CHARS),
  };
}

/** Pauses active time: nothing runs, and the run waits for a person. */
export function pauseClock(run: Run): void {
  showWaiting(run, openQuestions(run, WAITS_SHOWN), countQuestions(run));
  if (run.clock.isPaused) return;
  run.clock.pause();
  reportWaiting(run, true);
}

export function resumeClock(run: Run): void {
  // A cancelled run counts no more time.
  if (run.clock.isCancelled) return;
  // Even if the clock was not paused: the previous execution may have reported that the run waits.
  reportWaiting(run, false);
  run.clock.resume();
}

function reportWaiting(run: Run, isWaiting: boolean): void {
  if (run.parent) run.published.reportWaiting(isWaiting, () => run.spend);
}

export async function waitForPeople<T>(run: Run, wait: () => Promise<T>): Promise<T> {
  pauseClock(run);
  publishWaits(run);
  try {
    return await wait();
  } finally {
    resumeClock(run);
    if (!run.clock.isCancelled) publishWaits(run);
  }
}
