// Continue-as-new: the run goes on with an empty history, and with everything that it knows.
import { allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import {
  CARRIED_BYTES_MAX,
  HISTORY_BYTES_MAX,
  HISTORY_EVENTS_MAX,
  LINK_BYTES_MAX,
  LINK_EVENTS_MAX,
} from '../core/limits.ts';
import { utf8Length } from '../core/text.ts';
import type { agent } from './agent.ts';
import { carriedOf, type RunState } from './runState.ts';

/** Whether the history has become long, and can be left behind or must be. */
export function mustMoveOn(run: RunState): boolean {
  const { historyLength, historySize, continueAsNewSuggested } = workflowInfo();
  const eventsMax = run.agent?.rules.linkEvents ?? LINK_EVENTS_MAX;
  if (historyLength < eventsMax && historySize < LINK_BYTES_MAX && !continueAsNewSuggested) return false;
  return isFull(run) || utf8Length(JSON.stringify(carriedOf(run))) <= CARRIED_BYTES_MAX;
}

/** Whether the history cannot be left behind, and is about to be too long for the server. */
export function isFull(run: RunState): boolean {
  const { historyLength, historySize } = workflowInfo();
  if (historyLength < HISTORY_EVENTS_MAX && historySize < HISTORY_BYTES_MAX) return false;
  return utf8Length(JSON.stringify(carriedOf(run))) > CARRIED_BYTES_MAX;
}

export async function moveOn(run: RunState): Promise<never> {
  run.live.leaving = true;
  run.live.wake();
  await condition(allHandlersFinished);
  return continueAsNew<typeof agent>({ ...run.input, carried: carriedOf(run) });
}
