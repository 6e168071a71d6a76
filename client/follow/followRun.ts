// Follows a run live: its histories by long poll; what history does not keep (streamed text, attempts, progress) from the
// heartbeats of pending activities.
import type { Client } from '@temporalio/client';
import type { HistoryEvent } from '../../core/read/history.ts';
import type { RunReader } from '../../core/read/readRun.ts';
import type { RunEvent } from '../../core/read/run.ts';
import type { ExecutionRef } from '../histories/history.ts';
import { openReader } from '../histories/readHistory.ts';
import { runPages } from '../histories/runHistories.ts';
import { afterPlace, type EventPlace, eventPlaces, formatEventId } from './eventIds.ts';
import { createLivePoll } from './live.ts';

/** Heartbeats reach the server two to ten times a second; polling more often would show nothing new. */
const POLL_INTERVAL_MS = 200;

export interface FollowedEvent {
  readonly event: RunEvent;
  /** Whether it comes after the place to follow from. */
  readonly isAfter: boolean;
}

interface FollowOptions {
  readonly signal?: AbortSignal | undefined;
  /** null: the beginning of the run. */
  readonly from?: EventPlace | null;
  /** Receives each history event before the run events that follow from it. If it returns false, the run is followed no further. */
  readonly onHistory?: (event: HistoryEvent, runId: string) => boolean;
  /**
   * Whether to look for what is not in history as well, several times a second.
   * @default true
   */
  readonly live?: boolean;
  /** Reads the run's history, and knows its state after the events so far. */
  readonly reader?: RunReader;
}

export function followRun(
  client: Client,
  execution: ExecutionRef,
  { signal, from = null, onHistory, live = true, reader = openReader(execution.workflowId) }: FollowOptions = {},
): ReadableStream<FollowedEvent> {
  const stop = new AbortController();
  const signals = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const places = eventPlaces();
  const isAfter = afterPlace(from);
  let poll = createLivePoll(client, execution);
  let currentRunId = execution.runId;
  let running = 0;
  let pollTimer: NodeJS.Timeout | undefined;

  return new ReadableStream<FollowedEvent>({
    start(controller) {
      let isPolling = false;
      async function pollOnce(): Promise<void> {
        if (running === 0 || isPolling) return;
        isPolling = true;
        try {
          for (const event of await poll()) if (!signals.aborted) controller.enqueue({ event, isAfter: true });
        } catch {
          // A failed poll only delays live text; everything that counts is in history.
        } finally {
          isPolling = false;
        }
      }
      async function readHistory(): Promise<void> {
        for await (const { runId, events } of runPages(client, execution, { wait: true, signal: signals })) {
          if (runId !== currentRunId) poll = createLivePoll(client, { workflowId: execution.workflowId, runId });
          currentRunId = runId;
          for (const event of events) {
            if (onHistory?.(event, runId) === false) return;
            running += runningChange(event);
            const place = places.next(event);
            for (const [index, runEvent] of reader.add(event).entries()) {
              const at = { ...place, index };
              controller.enqueue({ event: { ...runEvent, id: formatEventId(at) }, isAfter: isAfter(at) });
            }
          }
        }
      }
      if (live) pollTimer = setInterval(pollOnce, POLL_INTERVAL_MS);
      const finish = (end: () => void) => {
        clearInterval(pollTimer);
        // If the consumer cancelled, the stream is closed already.
        if (!stop.signal.aborted) end();
        stop.abort();
      };
      readHistory().then(
        () => finish(() => controller.close()),
        (error) => finish(() => controller.error(error)),
      );
    },
    cancel() {
      clearInterval(pollTimer);
      stop.abort();
    },
  });
}

/** +1 if the event schedules an activity, −1 if it ends one. */
function runningChange(event: HistoryEvent): number {
  if (event.activityTaskScheduledEventAttributes) return 1;
  return event.activityTaskCompletedEventAttributes ||
    event.activityTaskFailedEventAttributes ||
    event.activityTaskTimedOutEventAttributes ||
    event.activityTaskCanceledEventAttributes
    ? -1
    : 0;
}
