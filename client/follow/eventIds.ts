// Ids of a run's events: the same whoever reads the history, and whenever. An id is a place in the run: the execution, the history
// event, the number of the run event among those that follow from it, and the time.
import { eventId, type HistoryEvent, timeMs } from '../../core/read/history.ts';
import { InvalidList } from '../errors/errors.ts';

export interface EventPlace {
  /** The run id under which the history event was written, in base64url. */
  readonly execution: string;
  readonly eventId: number;
  readonly index: number;
  readonly atMs: number;
}

export function formatEventId({ execution, eventId: event, index, atMs }: EventPlace): string {
  return [execution, ...[event, index, atMs].map((number) => number.toString(36))].join('.');
}

export function readEventId(id: string): EventPlace {
  const [, execution = '', ...numbers] =
    /^([\w-]{22})\.([0-9a-z]{1,9})\.([0-9a-z]{1,9})\.([0-9a-z]{1,9})$/.exec(id) ?? [];
  if (execution !== '') {
    const [event = 0, index = 0, atMs = 0] = numbers.map((number) => Number.parseInt(number, 36));
    return { execution, eventId: event, index, atMs };
  }
  const problem = `after is ${JSON.stringify(id)}, which is no id of an event. Pass the id of an event of events().`;
  throw new InvalidList('list_invalid', { problem });
}

/** Says under which run ids the events of a run were written. */
export interface EventPlaces {
  /** The place of the first run event that follows from the next history event. */
  next(event: HistoryEvent): EventPlace;
}

/**
 * A reset copies events into another execution, where they keep their ids: up to the task that it fails, they have the run id under
 * which they were written, and from there on the new one.
 */
export function eventPlaces(): EventPlaces {
  let execution = '';
  return {
    next(event) {
      const written = event.workflowExecutionStartedEventAttributes?.originalExecutionRunId;
      if (written) execution = compact(written);
      const { baseRunId, newRunId } = event.workflowTaskFailedEventAttributes ?? {};
      if (baseRunId && newRunId) execution = compact(newRunId);
      return { execution, eventId: eventId(event.eventId), index: 0, atMs: timeMs(event) };
    },
  };
}

/** Decides event by event, in order, whether it comes after `from`. */
export function afterPlace(from: EventPlace | null): (place: EventPlace) => boolean {
  let isSeen = false;
  return (place) => {
    if (from === null) return true;
    if (place.execution === from.execution) {
      isSeen = true;
      return place.eventId > from.eventId || (place.eventId === from.eventId && place.index > from.index);
    }
    // In another history, which may be all that is left: retention deletes the first ones, and a reset takes back what came last.
    return place.atMs > from.atMs || (place.atMs === from.atMs && isSeen);
  };
}

/** 22 characters in place of 36. */
function compact(runId: string): string {
  return Buffer.from(runId.replaceAll('-', ''), 'hex').toString('base64url');
}
