// The agent loop. It is the whole story of a run: ask the model, carry out what it planned, until one of them ends it. What
// people, parents and sub-agents say takes effect between turns, and while a turn's calls are carried out.
import { CancelledFailure, isCancellation, upsertMemo } from '@temporalio/workflow';
import { MEMO } from '../core/names.ts';
import type { RunInput, RunResult } from '../core/types.ts';
import { finish, finishCancelled } from './ending/finish.ts';
import { handleCommands } from './people/commands.ts';
import { listenToFamily } from './people/family.ts';
import { endInterrupted, endMessage } from './people/replies.ts';
import { type End, type Origin, openRun, type Run } from './state/run.ts';
import { askModel } from './turn/askModel.ts';
import { betweenTurns } from './turn/betweenTurns.ts';
import { timeLimitEnd, timeLimitMs } from './turn/budgetTime.ts';
import { judgeTurn } from './turn/judge.ts';
import { runBatch } from './turn/runBatch.ts';
import { recordAnswer, settleBatch } from './turn/settleBatch.ts';

/**
 * The workflow behind every agent: a fixed interpreter that knows none of them. Start it with its input alone; `origin`
 * comes from a parent, or from the execution that this one continues.
 */
export async function agent(input: RunInput, origin?: Origin): Promise<RunResult> {
  const run = openRun(input, origin);
  // A continued execution's first task must leave something in its history. Where it does not, the SDK may take it and the
  // next one for a single task when it replays: a command that came with that one would be carried out before the loop began.
  if (origin?.handOver) upsertMemo({ [MEMO.agent]: run.input.agent });
  handleCommands(run);
  listenToFamily(run);
  // Its calls have scopes of their own; and a run that is cancelled while it waits for people has to notice.
  run.clock.scope.cancelRequested.catch(() => {
    run.batch?.cancelRunning();
    run.wake.wake();
  });
  try {
    const end = await run.clock.scope.run(() => loop(run));
    return await finish(run, end);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    if (run.clock.isTimeUp) return finish(run, timeLimitEnd(run));
    await finishCancelled(run);
    throw new CancelledFailure('The run was cancelled.');
  }
}

/** Turn after turn, to the run's end. */
async function loop(run: Run): Promise<End> {
  if (run.agent) run.clock.limitTo(timeLimitMs(run));
  for (;;) {
    if (!run.batch) {
      const halt = await betweenTurns(run);
      if (halt) return halt;
      const asked = await askModel(run);
      switch (asked.kind) {
        case 'answered':
          recordAnswer(run, asked.answer);
          run.clock.limitTo(timeLimitMs(run));
          break;
        case 'interrupted':
          endInterrupted(run);
          continue;
        case 'too_long':
          continue;
        case 'failed': {
          throwIfCancelled(run);
          const { status, reason } = asked;
          if (!endMessage(run, { status, reason })) return { status, reason };
          continue;
        }
      }
    }

    const batch = await runBatch(run);
    settleBatch(run, batch);
    throwIfCancelled(run);
    const isInterrupted = run.control.takeInterrupt();
    const end = judgeTurn(run, batch, isInterrupted);
    if (end && !endMessage(run, end)) return end;
    if (!end && isInterrupted) endInterrupted(run);
  }
}

function throwIfCancelled(run: Run): void {
  if (run.clock.isCancelled) throw new CancelledFailure('The run was cancelled.');
}
