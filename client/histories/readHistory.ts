// The read model, for histories from a server: other code may have written one, with anything in it.
import type { HistoryEvent } from '../../core/read/history.ts';
import { createRunReader, type RunReader } from '../../core/read/readRun.ts';
import { RunUnreadable } from '../errors/errors.ts';

/** Returns a reader that throws `RunUnreadable` for a history that is not one of an agent. */
export function openReader(workflowId: string): RunReader {
  const reader = createRunReader();
  const checked = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new RunUnreadable('history_unreadable', { workflowId, why }, { cause: error });
    }
  };
  return { add: (event: HistoryEvent) => checked(() => reader.add(event)), read: () => checked(reader.read) };
}
