// Reads a run from its histories and nothing else. What happened to a call is decided by the kernel that decided it in the
// workflow. A run that continued as new has several histories, which are read in order as one run.

import { asRun } from './asRun.ts';
import type { History, HistoryEvent } from './history.ts';
import { take } from './readEvent.ts';
import { openReading } from './reading.ts';
import type { Run, RunEvent } from './run.ts';

export interface RunReader {
  /** Reads the next event of the history, and returns the run events that follow from it. */
  add(event: HistoryEvent): RunEvent[];
  read(): Run;
}

/** Reads a run from all its histories, in order. */
export function readRun(...histories: readonly History[]): Run {
  const reader = createRunReader();
  for (const { events } of histories) for (const event of events ?? []) reader.add(event);
  return reader.read();
}

export function createRunReader(): RunReader {
  const reading = openReading();
  return { add: (event) => take(reading, event), read: () => asRun(reading) };
}
