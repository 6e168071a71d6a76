// What a run waits for people to say: asked of it by query, and shown in its memo, where one inbox finds all of it.
import { upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { WAITS_ARGUMENT_CHARS, WAITS_SHOWN } from '../core/limits.ts';
import { ATTRIBUTE, callActivityId, MEMO } from '../core/names.ts';
import { oneLine } from '../core/text.ts';
import type { Question, Waits } from '../core/types.ts';
import { budgetQuestion } from './budget.ts';
import { showWaiting } from './details.ts';
import { tellParentOfWaiting } from './family.ts';
import { approvalTimeoutMs, type RunState } from './runState.ts';

/** Everything that is open, in full. */
export function questions(run: RunState): Question[] {
  return [...approvals(run), ...budgetQuestion(run)];
}

function approvals(run: RunState): Question[] {
  const { batch } = run;
  if (!batch) return [];
  const timeoutMs = approvalTimeoutMs(run);
  return Object.entries(batch.asks).flatMap(([key, { question, decision }]): Question[] => {
    const slot = Number(key);
    const planned = batch.plan[slot];
    const call = batch.calls[slot];
    if (decision || batch.outcomes[slot] || !call || !planned || 'problem' in planned) return [];
    return [
      {
        kind: 'approval',
        call: callActivityId(run.turn, slot),
        digest: planned.digest,
        tool: call.function.name,
        arguments: planned.arguments ?? call.function.arguments,
        question,
        sinceMs: batch.askedAtMs,
        expiresAtMs: batch.askedAtMs + timeoutMs,
      },
    ];
  });
}

/** Says in the memo what is open, where that has changed; a burst of decisions is one change. */
export function showWaits(run: RunState): void {
  const open = questions(run);
  const waits = open.length === 0 ? null : waitsOf(open);
  if (JSON.stringify(waits) === JSON.stringify(run.shownWaits)) return;
  const { index } = run.agent ?? {};
  if (index === undefined) return;
  if (index === 'attributes' && run.shownWaits?.sinceMs !== waits?.sinceMs)
    upsertSearchAttributes(attributes(waits, run.input.agent));
  // A run that was not started by our client has no agent in its memo yet.
  upsertMemo({ [MEMO.waits]: waits, ...(waits && { [MEMO.agent]: run.input.agent }) });
  run.shownWaits = waits;
}

export function clearWaits(run: RunState): void {
  if (!run.shownWaits) return;
  if (run.agent?.index === 'attributes') upsertSearchAttributes(attributes(null, run.input.agent));
  upsertMemo({ [MEMO.waits]: null });
  run.shownWaits = null;
}

function attributes(waits: Waits | null, agent: string): Parameters<typeof upsertSearchAttributes>[0] {
  return [
    {
      key: { name: ATTRIBUTE.waitingSince, type: 'DATETIME' },
      value: waits && new Date(waits.sinceMs),
    },
    { key: { name: ATTRIBUTE.agent, type: 'KEYWORD' }, value: agent },
  ];
}

function waitsOf(open: readonly Question[]): Waits {
  const shown = open.slice(0, WAITS_SHOWN).map((question) =>
    question.kind === 'approval'
      ? {
          ...question,
          arguments: oneLine(question.arguments, WAITS_ARGUMENT_CHARS),
          question: question.question && oneLine(question.question, WAITS_ARGUMENT_CHARS),
        }
      : question,
  );
  return { sinceMs: Math.min(...open.map(({ sinceMs }) => sinceMs)), count: open.length, questions: shown };
}

/** Nothing runs, and what happens next is a person's word: that takes none of the run's time. */
export function hold(run: RunState): void {
  showWaiting(run, questions(run));
  if (run.live.held) return;
  run.live.held = true;
  run.live.clock.hold();
  tellParentOfWaiting(run, true);
}

export function goOn(run: RunState): void {
  // A cancelled run has no time left to count.
  if (run.live.clock.scope.consideredCancelled) return;
  // Also in a link that was not held itself: the one before may have told the parent that it waits.
  tellParentOfWaiting(run, false);
  if (!run.live.held) return;
  run.live.held = false;
  run.live.clock.go();
}

export async function waitForPeople<T>(run: RunState, wait: () => Promise<T>): Promise<T> {
  hold(run);
  showWaits(run);
  try {
    return await wait();
  } finally {
    goOn(run);
    if (!run.live.clock.scope.consideredCancelled) showWaits(run);
  }
}
