// Continue-as-new: the run goes on with an empty history, and with everything that it knows.
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import {
  CARRIED_BYTES_MAX,
  HISTORY_BYTES_MAX,
  HISTORY_EVENTS_MAX,
  HISTORY_NEARLY_FULL,
  LINK_BYTES_MAX,
  LINK_EVENTS_MAX,
  LINK_EVENTS_MIN,
  WEIGH_AGAIN,
} from '../core/limits.ts';
import { MEMO } from '../core/names.ts';
import { jsonBytes } from '../core/text.ts';
import type { RunInput, Said } from '../core/types.ts';
import type { agent } from './agent.ts';
import { carriedOf, type RunState } from './runState.ts';
import { roomFor } from './taskRoom.ts';

/** Whether the history has become long, and can be left behind or must be. */
export function mustMoveOn(run: RunState): boolean {
  return isLong(run) && (isFull(run) || fits(run));
}

/** Whether the history is to be left behind, if only the transcript were known to fit when it is packed. */
export function mustWeigh(run: RunState): boolean {
  const { weight } = run.live;
  return isLong(run) && (!weight || run.transcript.length > weight.length * WEIGH_AGAIN) && !fits(run);
}

function isLong(run: RunState): boolean {
  const { historyLength, historySize, continueAsNewSuggested } = workflowInfo();
  const eventsMax = Math.max(run.agent?.rules.linkEvents ?? LINK_EVENTS_MAX, LINK_EVENTS_MIN);
  return historyLength >= eventsMax || historySize >= LINK_BYTES_MAX || continueAsNewSuggested;
}

/** Whether the history cannot be left behind, and is about to be too long for the server. */
export function isFull(run: RunState): boolean {
  return hasTaken(1) && !fits(run);
}

/** Nobody else stops a run whose history is full. */
export const HISTORY_FULL: Said = {
  why:
    'the history of the run is full, and what it would hand over to a new one does not fit a payload. Give the workers a ' +
    'store for large payloads, or let the agent compact its conversation.',
};

/** Whether that is near: what can be done about it is to be done now. */
export function isNearlyFull(run: RunState): boolean {
  return hasTaken(HISTORY_NEARLY_FULL) && !fits(run);
}

function hasTaken(share: number): boolean {
  const { historyLength, historySize } = workflowInfo();
  return historyLength >= HISTORY_EVENTS_MAX * share || historySize >= HISTORY_BYTES_MAX * share;
}

/** What nobody has weighed counts as it is: it may be such that nothing makes it smaller. */
function fits(run: RunState): boolean {
  const { length, bytes } = run.live.weight ?? { length: 0, bytes: 0 };
  let room = CARRIED_BYTES_MAX - bytes - jsonBytes(inputOfNext({ ...run, transcript: [] }));
  // Looked at no further than it takes to know: there may be a hundred times as much.
  for (let at = length; at < run.transcript.length && room >= 0; at++)
    room -= jsonBytes(run.transcript[at]) + (at > length ? 1 : 0);
  return room >= 0;
}

function inputOfNext(run: RunState): RunInput {
  return { ...run.input, carried: carriedOf(run) };
}

/** Resolves where the run was cancelled or interrupted meanwhile, which the next link would not know: it stays in this one. */
export async function moveOn(run: RunState): Promise<void> {
  run.live.leaving = true;
  run.live.wake();
  // Whoever asked for something has an answer before the history that knows of it is left; also who asked in between.
  do {
    // Also in a run that is cancelled meanwhile: its calls are still to be answered.
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    const later = roomFor(run, CARRIED_BYTES_MAX);
    if (later) await later;
    // A signal in the task of the continue-as-new would be lost.
    await run.live.telling;
  } while (!allHandlersFinished());
  if (run.live.clock.scope.consideredCancelled || run.live.interrupted) {
    run.live.leaving = false;
    return;
  }
  const { memo, typedSearchAttributes } = workflowInfo();
  const said = { ...memo, [MEMO.startedAt]: run.startedAtMs };
  // Said here, since the SDK would hand over what the run was started with, and what it waits for would be lost.
  const next = makeContinueAsNewFunc<typeof agent>({
    memo: Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null && value !== undefined)),
    typedSearchAttributes,
  });
  await next(inputOfNext(run));
}
