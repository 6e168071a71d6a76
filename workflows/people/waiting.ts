// What a run waits for people to answer: as questions, in its memo, and on its clock.
import { countOpenApprovals, openApprovals } from '../../core/batch/approvals.ts';
import { WAITS_ARGUMENT_CHARS, WAITS_SHOWN } from '../../core/limits.ts';
import { oneLine } from '../../core/text.ts';
import type { Question, Waits } from '../../core/types.ts';
import type { Run } from '../state/run.ts';
import { showWaiting } from './details.ts';

/** The first `max` open questions, in full. */
export function openQuestions(run: Run, max = Number.POSITIVE_INFINITY): Question[] {
  return [...approvalsOf(run, max), ...run.budget.question(run.spend)].slice(0, max);
}

export function hasQuestions(run: Run): boolean {
  return openQuestions(run, 1).length > 0;
}

function approvalsOf(run: Run, max: number): Question[] {
  const { batch, turns, batchRules } = run;
  if (!batch) return [];
  const { calls, askedAtMs } = batch;
  return openApprovals({ turn: turns.turn, calls, askedAtMs, approvalTimeoutMs: batchRules.approvalTimeoutMs }, max);
}

/** Writes into the memo what is open, where that has changed; a burst of decisions is one change. */
export function publishWaits(run: Run): void {
  run.published.showWaits(waitsOf(run), run.agent?.index);
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
    arguments: oneLine(question.arguments, WAITS_ARGUMENT_CHARS),
    question: question.question && oneLine(question.question, WAITS_ARGUMENT_CHARS),
  };
}

/** Nothing runs, and a person has the next word: that takes none of the run's time. */
export function pauseClock(run: Run): void {
  showWaiting(run, openQuestions(run, WAITS_SHOWN), countQuestions(run));
  if (run.clock.isPaused) return;
  run.clock.pause();
  reportWaiting(run, true);
}

export function resumeClock(run: Run): void {
  // A cancelled run has no time left to count.
  if (run.clock.isCancelled) return;
  // Also where the clock was not paused: the execution before may have reported to the parent that it waits.
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
