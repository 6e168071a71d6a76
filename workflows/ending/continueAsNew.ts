// Continue-as-new: when it is due, and how a run gets there without losing a command.
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

/** Whether the history is long, and the run has to continue as new; or to end, if its history `isFull` and its state does not fit. */
export function mustContinueAsNew(run: Run): boolean {
  return isLong(run) && (isFull(run) || fits(run));
}

/** Whether the history is long, but the transcript must be weighed to know whether it fits once it is compressed or stored. */
export function mustWeigh(run: Run): boolean {
  const { weight, messages } = run.conversation;
  return isLong(run) && (!weight || messages.length > weight.length * WEIGH_AGAIN) && !fits(run);
}

function isLong({ rules }: Run): boolean {
  const { historyLength, historySize, continueAsNewSuggested } = workflowInfo();
  const eventsMax = Math.max(rules.maxHistoryEvents ?? LONG_HISTORY_EVENTS, LONG_HISTORY_EVENTS_MIN);
  return historyLength >= eventsMax || historySize >= LONG_HISTORY_BYTES || continueAsNewSuggested;
}

/** Whether the history is about to exceed the server's limits, and the carried state does not fit a payload. */
export function isFull(run: Run): boolean {
  return hasUsed(1) && !fits(run);
}

/** Whether the history will soon be full, so that compaction should make the carried state fit. */
export function isNearlyFull(run: Run): boolean {
  return hasUsed(HISTORY_NEARLY_FULL) && !fits(run);
}

function hasUsed(share: number): boolean {
  const { historyLength, historySize } = workflowInfo();
  return historyLength >= HISTORY_EVENTS_MAX * share || historySize >= HISTORY_BYTES_MAX * share;
}

/** Messages that no worker has weighed count uncompressed: compression may not make them smaller. */
function fits(run: Run): boolean {
  const { messages, weight } = run.conversation;
  const { length, bytes } = weight ?? { length: 0, bytes: 0 };
  const handOver = run.carried();
  const rest = { ...handOver, conversation: { ...handOver.conversation, messages: [] } };
  let bytesLeft = CARRIED_STATE_BYTES_MAX - bytes - jsonBytes([run.input, { ...run.passedOn, handOver: rest }]);
  // Stops once the answer is known: there may be a hundred times as many messages.
  for (let at = length; at < messages.length && bytesLeft >= 0; at++)
    bytesLeft -= jsonBytes(messages[at]) + (at > length ? 1 : 0);
  return bytesLeft >= 0;
}

/**
 * Continues as new between two turns. Returns only if the run was cancelled meanwhile: the next execution would not know of the
 * cancellation, so the run stays in this one.
 */
export async function continueAsNew(run: Run): Promise<void> {
  run.enter({ is: 'continuing' });
  await untilReady(run);
  if (run.clock.isCancelled) return run.enter({ is: 'running' });
  await continueNow(run);
}

export interface Preparation {
  /** Every handler has finished and every report is sent, unless others have arrived since. */
  isReady: boolean;
}

/** Prepares to continue as new and wakes the loop, which meanwhile decides about commands to an open batch. */
export function prepareToContinue(run: Run): Preparation {
  run.enter({ is: 'continuing' });
  const preparation: Preparation = { isReady: false };
  void untilReady(run).then(() => {
    preparation.isReady = true;
    run.wake.wake();
  });
  return preparation;
}

async function untilReady(run: Run): Promise<void> {
  // Every update returns before its history ends, including those that arrive while others finish.
  do {
    // Also if the run is cancelled meanwhile: updates still have to return.
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    const later = run.task.until(CARRIED_STATE_BYTES_MAX);
    if (later) await later;
    // A signal that is sent in the task of the continue-as-new would be lost.
    await run.published.reporting;
  } while (!allHandlersFinished());
}

/** Continues as new. Does not return. */
export async function continueNow(run: Run): Promise<void> {
  const { memo, typedSearchAttributes: attributes } = workflowInfo();
  const index = run.agent?.index;
  const entries = Object.entries({ ...memo, [MEMO.startedAt]: run.startedAtMs });
  // The SDK would carry over the memo that the run was started with, without its open questions.
  const next = makeContinueAsNewFunc<(input: RunInput, origin: Origin) => Promise<unknown>>({
    memo: Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined)),
    typedSearchAttributes:
      index === 'status' ? attributes.updateCopy(run.published.attributes(index, run.used)) : attributes,
  });
  await next(run.input, { ...run.passedOn, handOver: run.carried() });
}
