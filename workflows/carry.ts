// Continue-as-new: the run goes on with an empty history, and with everything that it knows.
import { allHandlersFinished, condition, makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import {
  CARRIED_BYTES_MAX,
  HISTORY_BYTES_MAX,
  HISTORY_EVENTS_MAX,
  LINK_BYTES_MAX,
  LINK_EVENTS_MAX,
  LINK_EVENTS_MIN,
} from '../core/limits.ts';
import { utf8Length } from '../core/text.ts';
import type { RunInput } from '../core/types.ts';
import type { agent } from './agent.ts';
import { carriedOf, type RunState } from './runState.ts';

/** Whether the history has become long, and can be left behind or must be. */
export function mustMoveOn(run: RunState): boolean {
  const { historyLength, historySize, continueAsNewSuggested } = workflowInfo();
  const eventsMax = Math.max(run.agent?.rules.linkEvents ?? LINK_EVENTS_MAX, LINK_EVENTS_MIN);
  if (historyLength < eventsMax && historySize < LINK_BYTES_MAX && !continueAsNewSuggested) return false;
  return isFull(run) || fits(run);
}

/** Whether the history cannot be left behind, and is about to be too long for the server. */
export function isFull(run: RunState): boolean {
  const { historyLength, historySize } = workflowInfo();
  if (historyLength < HISTORY_EVENTS_MAX && historySize < HISTORY_BYTES_MAX) return false;
  return !fits(run);
}

function fits(run: RunState): boolean {
  return utf8Length(JSON.stringify(inputOfNext(run))) <= CARRIED_BYTES_MAX;
}

function inputOfNext(run: RunState): RunInput {
  return { ...run.input, carried: carriedOf(run) };
}

export async function moveOn(run: RunState): Promise<never> {
  run.live.leaving = true;
  run.live.wake();
  // Whoever asked for something has an answer before the history that knows of it is left.
  await condition(allHandlersFinished);
  // A signal in the task of the continue-as-new would be lost.
  await run.live.telling;
  const { memo = {}, typedSearchAttributes } = workflowInfo();
  // Said here, since the SDK would hand over what the run was started with, and what it waits for would be lost.
  const next = makeContinueAsNewFunc<typeof agent>({
    memo: Object.fromEntries(Object.entries(memo).filter(([, value]) => value !== null && value !== undefined)),
    typedSearchAttributes,
  });
  return next(inputOfNext(run));
}
