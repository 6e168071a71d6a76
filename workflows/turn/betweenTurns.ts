// Between two turns, a run stops, waits, compacts, continues as new, or takes queued messages.
import { CancelledFailure, condition } from '@temporalio/workflow';
import { reason } from '../../core/reasons/reason.ts';
import { continueAsNew, isFull, mustContinueAsNew } from '../ending/continueAsNew.ts';
import { nextMessage, takeQueued } from '../people/replies.ts';
import { resumeClock, waitForPeople } from '../people/waiting.ts';
import type { End, Run } from '../state/run.ts';
import { compact, mustCompact } from './compact.ts';

/** Resolves with the run's end, or with null when the model can be called. */
export async function betweenTurns(run: Run): Promise<End | null> {
  const { session, control, budget } = run;
  if (run.parent?.reports && run.turns.turn > 0) run.published.report(run.spend);
  for (;;) {
    if (run.clock.isCancelled) throw new CancelledFailure('The run was cancelled.');
    if (control.stop) return stopped(run);
    if (mustContinueAsNew(run)) {
      if (isFull(run)) {
        control.stopForFullHistory();
        continue;
      }
      await continueAsNew(run);
      continue;
    }
    if (session.isIdle && session.queued === 0) {
      const end = await nextMessage(run);
      if (end) return end;
      continue;
    }
    if (control.isPaused) {
      await untilChanged(run, () => !control.isPaused);
      continue;
    }
    const reached = budget.reached(run.spend);
    if (reached && !budget.asksAtLimit) return { status: 'budget', reason: reached };
    if (reached) {
      budget.ask();
      await untilChanged(run, () => budget.reached(run.spend) === null);
      continue;
    }
    resumeClock(run);
    takeQueued(run);
    if (!mustCompact(run)) return null;
    // Compaction takes time and spends tokens, so everything is checked again.
    await compact(run);
  }
}

async function untilChanged(run: Run, isDone: () => boolean): Promise<void> {
  await waitForPeople(run, () => condition(() => isDone() || run.control.stop !== null || mustContinueAsNew(run)));
}

function stopped({ control }: Run): End {
  if (control.isHistoryFull) return { status: 'stopped', reason: reason('history_full') };
  return { status: 'stopped', reason: reason('stopped', control.stop ?? {}) };
}
