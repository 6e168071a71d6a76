// The agent loop. It is the whole story of a run: ask the model, carry out what it planned, until one of them ends it.
import { CancelledFailure, isCancellation, setHandler } from '@temporalio/workflow';
import type { RunInput, RunResult } from '../core/types.ts';
import { askModel } from './askModel.ts';
import { carryOut } from './batch.ts';
import { showEnd } from './details.ts';
import { judgeAnswer, judgeBatch } from './judge.ts';
import { transcriptQuery } from './messages.ts';
import { finish, openRun, page, recordAnswer, recordOutcomes } from './runState.ts';
import { startClock } from './timeLimit.ts';

/** The workflow behind every agent: a fixed interpreter that knows none of them. */
export async function agent(input: RunInput): Promise<RunResult> {
  const run = openRun(input);
  setHandler(transcriptQuery, (from = 0, limit = 1_000) => page(run, from, limit));

  const clock = startClock();
  try {
    return await clock.scope.run(async () => {
      for (;;) {
        const answer = await askModel(run);
        if ('failed' in answer && clock.scope.consideredCancelled)
          throw new CancelledFailure('Cancelled while the model was asked.');
        if ('failed' in answer) return finish(run, answer.failed, answer.reason);
        const asked = recordAnswer(run, answer);
        clock.limitTo(asked.rules.timeLimitMs);

        const calls = answer.message.tool_calls ?? [];
        const outcomes = await carryOut(run, calls, answer.plan, asked);
        recordOutcomes(run, calls, outcomes);
        if (clock.scope.consideredCancelled) throw new CancelledFailure('Cancelled in a batch.');

        const end = judgeAnswer(run, answer) ?? judgeBatch(run, calls, outcomes, asked.rules);
        if (end) return finish(run, end.status, end.reason);
      }
    });
  } catch (error) {
    if (!isCancellation(error)) throw error;
    if (clock.timeIsUp()) return finish(run, 'time_limit', clock.reason());
    showEnd(run, 'cancelled', null);
    throw new CancelledFailure('The run was cancelled.');
  }
}
