// The end of a run: nothing more is taken, and nobody is left waiting.
import { allHandlersFinished, CancellationScope, condition, upsertMemo } from '@temporalio/workflow';
import { MEMO } from '../core/names.ts';
import { jsonBytes, plural } from '../core/text.ts';
import type { RunResult } from '../core/types.ts';
import { showEnd } from './details.ts';
import { tellParentOfEnd } from './family.ts';
import { type End, type RunState, resultOf, warn } from './runState.ts';
import { roomFor } from './taskRoom.ts';
import { clearWaits } from './waits.ts';

/** From here on the run takes nothing more; whoever still waits for a reply is told how it ended. */
export async function letGo(run: RunState, end: End): Promise<void> {
  run.live.ended = end;
  run.live.leaving = true;
  for (const scope of run.live.checking.values()) scope.cancel();
  const unheard = run.queue.length;
  if (unheard > 0) warn(run, `The run ended before ${plural(unheard, 'message')} could be answered.`);
  if (!allHandlersFinished()) await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
}

export async function finish(run: RunState, end: End): Promise<RunResult> {
  await letGo(run, end);
  showEnd(run, end.status, end.reason);
  const result = resultOf(run, end);
  const later = roomFor(run, jsonBytes(result));
  if (later) await later;
  showResult(run, result);
  return result;
}

/** A cancelled run closes without a result: its memo says what it has spent, and its parent is told. */
export async function finishCancelled(run: RunState): Promise<void> {
  const end: End = { status: 'cancelled', reason: 'The run was cancelled.' };
  await letGo(run, end);
  showEnd(run, end.status, null);
  showResult(run, resultOf(run, end));
  await tellParentOfEnd(run);
}

function showResult(run: RunState, { status, spend }: RunResult): void {
  if (!run.agent?.index) return;
  clearWaits(run);
  upsertMemo({ [MEMO.status]: status, [MEMO.spend]: spend });
}
