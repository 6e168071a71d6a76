// The end of a run that has a result.
import { allHandlersFinished, condition, upsertMemo } from '@temporalio/workflow';
import { MEMO } from '../core/names.ts';
import type { RunResult } from '../core/types.ts';
import { showEnd } from './details.ts';
import { type End, type RunState, resultOf } from './runState.ts';
import { clearWaits } from './waits.ts';

export async function finish(run: RunState, end: End): Promise<RunResult> {
  run.live.leaving = true;
  // Whoever waits for a reply is told that none will come.
  if (!allHandlersFinished()) await condition(allHandlersFinished);
  showEnd(run, end.status, end.reason);
  const result = resultOf(run, end);
  if (run.agent?.index) {
    clearWaits(run);
    upsertMemo({ [MEMO.status]: result.status, [MEMO.spend]: result.spend });
  }
  return result;
}
