// Follows a run live: its history by long poll, and what history does not keep (text as it streams, attempts, progress)
// from the heartbeats that the server shows.
import type { Client } from '@temporalio/client';
import type { HistoryEvent } from '../core/read/history.ts';
import { createRunReader } from '../core/read/readRun.ts';
import type { RunEvent } from '../core/read/run.ts';
import { chainPages } from './chain.ts';
import type { RunPlace } from './history.ts';
import { createLiveLook } from './live.ts';

/** Heartbeats reach the server two to ten times a second; asking more often would show nothing new. */
const LOOK_EVERY_MS = 200;

export function followRun(client: Client, place: RunPlace, signal?: AbortSignal): ReadableStream<RunEvent> {
  const stop = new AbortController();
  const signals = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const reader = createRunReader();
  let look = createLiveLook(client, place);
  let link = place.runId;
  let running = 0;
  let looking: NodeJS.Timeout | undefined;

  return new ReadableStream<RunEvent>({
    start(controller) {
      let looks = false;
      async function lookOnce(): Promise<void> {
        if (running === 0 || looks) return;
        looks = true;
        try {
          for (const event of await look()) if (!signals.aborted) controller.enqueue(event);
        } catch {
          // A look that fails costs a moment of live text; the history says what counts.
        } finally {
          looks = false;
        }
      }
      async function readHistory(): Promise<void> {
        for await (const { runId, events } of chainPages(client, place, { wait: true, signal: signals })) {
          if (runId !== link) look = createLiveLook(client, { workflowId: place.workflowId, runId });
          link = runId;
          for (const event of events) {
            running += startsOrEnds(event);
            for (const told of reader.add(event)) controller.enqueue(told);
          }
        }
      }
      looking = setInterval(lookOnce, LOOK_EVERY_MS);
      const finish = (end: () => void) => {
        clearInterval(looking);
        // A consumer that cancelled has closed the stream already.
        if (!stop.signal.aborted) end();
        stop.abort();
      };
      readHistory().then(
        () => finish(() => controller.close()),
        (error) => finish(() => controller.error(error)),
      );
    },
    cancel() {
      clearInterval(looking);
      stop.abort();
    },
  });
}

/** +1 for an activity that was scheduled, −1 for one that ended. */
function startsOrEnds(event: HistoryEvent): number {
  if (event.activityTaskScheduledEventAttributes) return 1;
  return event.activityTaskCompletedEventAttributes ||
    event.activityTaskFailedEventAttributes ||
    event.activityTaskTimedOutEventAttributes ||
    event.activityTaskCanceledEventAttributes
    ? -1
    : 0;
}
