// Reads timers. The summary of a timer says which of the run's two it is.

import { TIMER } from '../../names.ts';
import { eventId, firstJson, type HistoryEvent } from '../history.ts';
import type { Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';

type Fired = NonNullable<HistoryEvent['timerFiredEventAttributes']>;

export function timerStarted({ timers }: Reading, id: number, metadata: HistoryEvent['userMetadata']): RunEvent[] {
  const summary = metadata?.summary;
  if (summary) timers.set(id, String(firstJson({ payloads: [summary] })));
  return [];
}

export function timerFired(reading: Reading, { startedEventId }: Fired): RunEvent[] {
  const kind = reading.timers.get(eventId(startedEventId));
  const turn = reading.turns.at(-1);
  // A call that has asked in the same task has begun the time again.
  if (kind === TIMER.approval && turn && reading.asked.length === 0) turn.expired = true;
  if (kind === TIMER.timeLimit) reading.cancelling = true;
  return [];
}
