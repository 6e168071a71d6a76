// The spans of a run while they are read: those that have ended, and those that are open.

import type { RunSpan } from './run.ts';
import type { Writable } from './turns.ts';

/** The state of a run that lasts, whatever else happens. */
export type LastingState = 'people' | 'paused' | 'idle' | 'outage' | 'task';

export interface SpansRead {
  /** The time of the first event that is there: earlier histories may be deleted. */
  fromMs: number | null;
  toMs: number;
  readonly closed: RunSpan[];
  /** By the id of the event that scheduled them. */
  readonly activities: Map<number, Writable<RunSpan>>;
  /** By the sub-agent's workflow id. */
  readonly children: Map<string, Writable<RunSpan>>;
  readonly states: Map<LastingState, Writable<RunSpan>>;
  /** The workflow task that is not started yet, or not completed. */
  task: { readonly scheduledAtMs: number; startedAtMs: number | null } | null;
}

/**
 * A workflow task takes milliseconds and a worker runs many at once, so that one waits this long only if no worker is there.
 * It is as long as Temporal waits for the worker that has the run in its cache.
 */
export const NO_WORKER_AFTER_MS = 10_000;

export function noSpans(): SpansRead {
  return {
    fromMs: null,
    toMs: 0,
    closed: [],
    activities: new Map(),
    children: new Map(),
    states: new Map(),
    task: null,
  };
}
