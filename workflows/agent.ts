// The agent loop. It is the whole story of a run: ask the model, carry out what it planned, until one of them ends it.
// What people, parents and sub-agents have to say is heard between turns, and while a turn's calls are carried out.
import { CancelledFailure, isCancellation, upsertMemo } from '@temporalio/workflow';
import { MEMO } from '../core/names.ts';
import type { RunInput, RunResult } from '../core/types.ts';
import { askModel } from './askModel.ts';
import { carryOut } from './batch.ts';
import { betweenTurns } from './betweenTurns.ts';
import { timeLimitEnd, timeLimitMs } from './budget.ts';
import { endInterrupted, endMessage } from './conversation.ts';
import { finish, finishCancelled } from './finish.ts';
import { judgeAnswer, judgeBatch } from './judge.ts';
import { takeOrders } from './orders.ts';
import { type Carried, openRun, recordAnswer, settleBatch } from './runState.ts';
import { startClock } from './timeLimit.ts';

/** The workflow behind every agent: a fixed interpreter that knows none of them. */
export async function agent(input: RunInput): Promise<RunResult> {
  const clock = startClock((input?.carried as Carried | undefined)?.spend.activeMs ?? null);
  const run = openRun(input, clock);
  // A later link's first task must leave something in its history. Where it does not, the SDK may take it and the next one
  // for a single task when it replays: an order that came with that one would be carried out before the loop began.
  if (input.carried !== undefined) upsertMemo({ [MEMO.agent]: input.agent });
  takeOrders(run);
  try {
    return await clock.scope.run(async () => {
      if (run.agent) clock.limitTo(timeLimitMs(run, run.agent.rules));
      for (;;) {
        if (!run.batch) {
          const halt = await betweenTurns(run);
          if (halt) return finish(run, halt);
          if (clock.scope.consideredCancelled) throw new CancelledFailure('Cancelled between two turns.');

          const answer = await askModel(run);
          if ('failed' in answer && clock.scope.consideredCancelled)
            throw new CancelledFailure('Cancelled while the model was asked.');
          if ('interrupted' in answer) endInterrupted(run);
          if ('interrupted' in answer || 'tooLong' in answer) continue;
          if ('failed' in answer) {
            const end = { status: answer.failed, reason: answer.reason };
            if (!endMessage(run, end)) return finish(run, end);
            continue;
          }
          const asked = recordAnswer(run, answer);
          clock.limitTo(timeLimitMs(run, asked.rules));
        }

        const batch = await carryOut(run);
        const { calls, outcomes } = settleBatch(run, batch);
        if (clock.scope.consideredCancelled) throw new CancelledFailure('Cancelled in a batch.');

        const { interrupted } = run.live;
        run.live.interrupted = false;
        const end = judgeAnswer(run, batch) ?? judgeBatch(run, calls, outcomes, interrupted);
        if (end && !endMessage(run, end)) return finish(run, end);
        if (!end && interrupted) endInterrupted(run);
      }
    });
  } catch (error) {
    if (!isCancellation(error)) throw error;
    if (clock.timeIsUp()) return finish(run, timeLimitEnd(run));
    await finishCancelled(run);
    throw new CancelledFailure('The run was cancelled.');
  }
}
