// Reads a run from its history and nothing else. It takes the workflow's own steps: what happened to a call is told by
// the same function that told it to the workflow. The histories of a chain, one after the other, read as one run.

import { asRun } from './asRun.ts';
import type { History, HistoryEvent } from './history.ts';
import { take } from './readEvent.ts';
import { openReading } from './reading.ts';
import type { Run, RunEvent } from './run.ts';

export interface RunReader {
  /** Takes the next event of the history, and says what it means. */
  add(event: HistoryEvent): RunEvent[];
  read(): Run;
}

/** The run that a history tells of: one history, or those of a chain in their order. */
export function readRun(...histories: readonly History[]): Run {
  const reader = createRunReader();
  for (const { events } of histories) for (const event of events ?? []) reader.add(event);
  return reader.read();
}

export function createRunReader(): RunReader {
  const reading = openReading();
  return { add: (event) => take(reading, event), read: () => asRun(reading) };
}
