// Follows a run live: its histories by long poll; what history does not keep (streamed text, attempts, progress) from the
// heartbeats of pending activities.
import type { Client } from '@temporalio/client';
import type { HistoryEvent } from '../core/read/history.ts';
import type { RunReader } from '../core/read/readRun.ts';
import type { RunEvent } from '../core/read/run.ts';
import type { ExecutionRef } from './history.ts';
import { createLivePoll } from './live.ts';
import { runPages } from './runHistories.ts';

/** Heartbeats reach the server two to ten times a second; polling more often would show nothing new. */
const POLL_INTERVAL_MS = 200;

/** Yields the run's events, which `reader` reads from its history. */
export function followRun(
  client: Client,
  execution: ExecutionRef,
  reader: RunReader,
  signal?: AbortSignal,
): ReadableStream<RunEvent> {
  const stop = new AbortController();
  const signals = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  let poll = createLivePoll(client, execution);
  let currentRunId = execution.runId;
  let running = 0;
  let pollTimer: NodeJS.Timeout | undefined;

  return new ReadableStream<RunEvent>({
    start(controller) {
      let isPolling = false;
      async function pollOnce(): Promise<void> {
        if (running === 0 || isPolling) return;
        isPolling = true;
        try {
          for (const event of await poll()) if (!signals.aborted) controller.enqueue(event);
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
            running += runningChange(event);
            for (const runEvent of reader.add(event)) controller.enqueue(runEvent);
          }
        }
      }
      pollTimer = setInterval(pollOnce, POLL_INTERVAL_MS);
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
