// The history of one execution, as Temporal's server writes it.

import { msToTs } from '@temporalio/common/lib/time.js';
import type { temporal } from '@temporalio/proto';
import { api } from './proto.ts';

export type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
const { EventType } = api.enums.v1;
const EventMessage = api.history.v1.HistoryEvent;

type Attributes = Extract<keyof HistoryEvent, `${string}EventAttributes`>;
type Long = NonNullable<HistoryEvent['eventId']>;
/** With numbers where the protocol has its own, too. */
type Loosely<T> = T extends Long
  ? Long | number
  : T extends Uint8Array
    ? T
    : T extends object
      ? { [Name in keyof T]: Loosely<T[Name]> }
      : T;
export type Fields<Name extends Attributes> = Loosely<NonNullable<HistoryEvent[Name]>>;
export type { Attributes };

export class HistoryWriter {
  readonly events: HistoryEvent[] = [];
  bytes = 0;
  readonly #nowMs: () => number;
  readonly #listeners = new Set<() => void>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Returns the event's id. `atMs`: when it happened, if that is not now. */
  add<Name extends Attributes>(
    name: Name,
    fields: Fields<Name>,
    userMetadata?: HistoryEvent['userMetadata'],
    atMs = this.#nowMs(),
  ): number {
    const event = EventMessage.fromObject({
      eventId: this.events.length + 1,
      eventTime: timestamp(atMs),
      eventType: typeOf(name),
      [name]: fields,
      ...(userMetadata && { userMetadata }),
    });
    this.events.push(event);
    this.bytes += EventMessage.encode(event).finish().length;
    for (const listener of [...this.#listeners]) listener();
    return this.events.length;
  }

  /** Calls `listener` for each new event, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const types = new Map<string, number>();

/** `activityTaskScheduledEventAttributes` is of the type `EVENT_TYPE_ACTIVITY_TASK_SCHEDULED`. */
function typeOf(name: string): number {
  let type = types.get(name);
  if (type === undefined) {
    const words = name.slice(0, -'EventAttributes'.length).replace(/[A-Z]/g, (letter) => `_${letter}`);
    type = EventType[`EVENT_TYPE_${words.toUpperCase()}` as keyof typeof EventType];
    if (type === undefined) throw new TypeError(`There is no event of ${name}.`);
    types.set(name, type);
  }
  return type;
}

export function timestamp(ms: number) {
  return msToTs(Math.floor(ms));
}

/** As a whole number of the protocol. */
export function long(value: number): Long {
  return EventMessage.fromObject({ eventId: value }).eventId;
}
