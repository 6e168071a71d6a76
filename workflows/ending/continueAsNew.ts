// Continue-as-new: the run continues with an empty history, and with everything that it knows.
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import {
  CARRIED_STATE_BYTES_MAX,
  HISTORY_BYTES_MAX,
  HISTORY_EVENTS_MAX,
  HISTORY_NEARLY_FULL,
  LONG_HISTORY_BYTES,
  LONG_HISTORY_EVENTS,
  LONG_HISTORY_EVENTS_MIN,
  WEIGH_AGAIN,
} from '../../core/limits.ts';
import { MEMO } from '../../core/names.ts';
import { jsonBytes } from '../../core/text.ts';
import type { RunInput } from '../../core/types.ts';
import type { Origin, Run } from '../state/run.ts';

/** Whether the history has become long, and can be left behind or must be. */
export function mustContinueAsNew(run: Run): boolean {
  return isLong(run) && (isFull(run) || fits(run));
}

/** Whether the history is to be left behind, if only the transcript were known to fit when it is packed. */
export function mustWeigh(run: Run): boolean {
  const { weight, messages } = run.conversation;
  return isLong(run) && (!weight || messages.length > weight.length * WEIGH_AGAIN) && !fits(run);
}

function isLong({ rules }: Run): boolean {
  const { historyLength, historySize, continueAsNewSuggested } = workflowInfo();
  const eventsMax = Math.max(rules.maxHistoryEvents ?? LONG_HISTORY_EVENTS, LONG_HISTORY_EVENTS_MIN);
  return historyLength >= eventsMax || historySize >= LONG_HISTORY_BYTES || continueAsNewSuggested;
}

/** Whether the history cannot be left behind, and is about to be too long for the server. */
export function isFull(run: Run): boolean {
  return hasUsed(1) && !fits(run);
}

/** Whether that is near: what can be done about it is to be done now. */
export function isNearlyFull(run: Run): boolean {
  return hasUsed(HISTORY_NEARLY_FULL) && !fits(run);
}

function hasUsed(share: number): boolean {
  const { historyLength, historySize } = workflowInfo();
  return historyLength >= HISTORY_EVENTS_MAX * share || historySize >= HISTORY_BYTES_MAX * share;
}

/** What no worker has measured counts as it is: it may be such that nothing makes it smaller. */
function fits(run: Run): boolean {
  const { messages, weight } = run.conversation;
  const { length, bytes } = weight ?? { length: 0, bytes: 0 };
  const handOver = run.carried();
  const rest = { ...handOver, conversation: { ...handOver.conversation, messages: [] } };
  let room = CARRIED_STATE_BYTES_MAX - bytes - jsonBytes([run.input, { handOver: rest }]);
  // Looked at no further than it takes to know: there may be a hundred times as much.
  for (let at = length; at < messages.length && room >= 0; at++)
    room -= jsonBytes(messages[at]) + (at > length ? 1 : 0);
  return room >= 0;
}

/**
 * Continues as new between two turns. Returns only where the run was cancelled meanwhile, which the next execution would not
 * know: it stays in this one.
 */
export async function continueAsNew(run: Run): Promise<void> {
  run.enter({ is: 'leaving' });
  await untilReady(run);
  if (run.clock.isCancelled) return run.enter({ is: 'running' });
  await leave(run);
}

export interface Departure {
  /** Nothing is left behind any more, unless something has come since. */
  isReady: boolean;
}

/** Prepares to continue as new and wakes the loop, which decides meanwhile about what people ask of an open batch. */
export function prepareToLeave(run: Run): Departure {
  run.enter({ is: 'leaving' });
  const departure: Departure = { isReady: false };
  void untilReady(run).then(() => {
    departure.isReady = true;
    run.wake.wake();
  });
  return departure;
}

async function untilReady(run: Run): Promise<void> {
  // Whoever sent a command has an answer before the history that knows of it is left; also who sent one in between.
  do {
    // Also in a run that is cancelled meanwhile: its calls are still to be answered.
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    const later = run.task.until(CARRIED_STATE_BYTES_MAX);
    if (later) await later;
    // A signal in the task of the continue-as-new would be lost.
    await run.published.reporting;
  } while (!allHandlersFinished());
}

/** Continues as new now. Does not return. */
export async function leave(run: Run): Promise<void> {
  const { memo, typedSearchAttributes } = workflowInfo();
  const entries = Object.entries({ ...memo, [MEMO.startedAt]: run.startedAtMs });
  // Given here, since the SDK would hand over the memo that the run was started with, and what it waits for would be lost.
  const next = makeContinueAsNewFunc<(input: RunInput, origin: Origin) => Promise<unknown>>({
    memo: Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined)),
    typedSearchAttributes,
  });
  await next(run.input, { ...(run.parent && { parent: run.parent }), handOver: run.carried() });
}
