// Between two turns: where a run stops, waits and moves on, and where it hears what was said to it.
import { CancelledFailure, condition } from '@temporalio/workflow';
import { askForBudget, asksAtLimit, overBudget } from './budget.ts';
import { HISTORY_FULL, isFull, moveOn, mustMoveOn } from './carry.ts';
import { compact, mustCompact } from './compact.ts';
import { hear, nextMessage } from './conversation.ts';
import { reportToParent } from './family.ts';
import { type End, isPaused, type RunState } from './runState.ts';
import { goOn, waitForPeople } from './waits.ts';

/** Resolves with null when the model is to be asked, or with the run's end. */
export async function betweenTurns(run: RunState): Promise<End | null> {
  reportToParent(run);
  for (;;) {
    if (run.stop) return stopped(run);
    if (mustMoveOn(run)) {
      if (isFull(run)) {
        run.stop = HISTORY_FULL;
        continue;
      }
      await moveOn(run);
      throw new CancelledFailure('Cancelled before it continued as new.');
    }
    if (run.idle && run.queue.length === 0) {
      const end = await nextMessage(run);
      if (end) return end;
    } else if (isPaused(run)) {
      await untilSomebody(run, () => !isPaused(run));
    } else {
      const over = overBudget(run);
      if (over === null) {
        goOn(run);
        hear(run);
        if (!mustCompact(run)) return null;
        // It takes its time and costs something: then it is looked at once more whether the run may go on.
        await compact(run);
        continue;
      }
      if (!asksAtLimit(run)) return { status: 'budget', reason: over };
      askForBudget(run);
      await untilSomebody(run, () => overBudget(run) === null);
    }
  }
}

async function untilSomebody(run: RunState, did: () => boolean): Promise<void> {
  await waitForPeople(run, () => condition(() => did() || run.stop !== null || mustMoveOn(run)));
}

function stopped({ stop }: RunState): End {
  const by = stop?.by ? ` by ${stop.by}` : '';
  return { status: 'stopped', reason: `Stopped${by}${stop?.why ? `: ${stop.why}` : '.'}` };
}
