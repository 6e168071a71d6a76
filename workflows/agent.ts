// The agent loop: call the model, run the batch of its calls, until one of them ends the run. Commands of people and parents, and
// reports of sub-agents, take effect between turns and while a batch runs.
import { CancelledFailure, isCancellation, upsertMemo } from '@temporalio/workflow';
import { MEMO } from '../core/names.ts';
import type { RunInput, RunResult } from '../core/types.ts';
import { finish, finishCancelled } from './ending/finish.ts';
import { handleCommands } from './people/commands.ts';
import { handleFamilySignals } from './people/family.ts';
import { endInterrupted, endMessage } from './people/replies.ts';
import { type End, type Origin, openRun, type Run } from './state/run.ts';
import { askModel } from './turn/askModel.ts';
import { betweenTurns } from './turn/betweenTurns.ts';
import { timeLimitEnd, timeLimitMs } from './turn/budgetTime.ts';
import { judgeTurn } from './turn/judge.ts';
import { waitOut } from './turn/outage.ts';
import { runBatch } from './turn/runBatch.ts';
import { recordAnswer, settleBatch } from './turn/settleBatch.ts';

/**
 * The workflow of every agent: an interpreter of plans, which knows no agent. Clients start it with the input only; `origin`
 * comes from a parent, or from the execution that this one continues.
 */
export async function agent(input: RunInput, origin?: Origin): Promise<RunResult> {
  const run = openRun(input, origin);
  // The first task of a continued execution must write an event. Otherwise, a replay may merge it with the next task, and a
  // command that arrived with that one would take effect before the loop began.
  if (origin?.handOver) upsertMemo({ [MEMO.agent]: run.input.agent });
  handleCommands(run);
  handleFamilySignals(run);
  // Calls have their own scopes, and a loop that waits for people has to be woken.
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
        case 'unavailable':
          await waitOut(run, asked.pause);
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
