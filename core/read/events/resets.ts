// Reads resets. A reset copies the history up to a workflow task, and fails that task.
import type { HistoryEvent } from '../history.ts';
import type { Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';

type TaskFailed = NonNullable<HistoryEvent['workflowTaskFailedEventAttributes']>;

export function wasReset({ run, turns }: Reading, { baseRunId, newRunId }: TaskFailed, atMs: number): RunEvent[] {
  // Other tasks that failed were tried again, and name no run.
  if (!baseRunId || !newRunId) return [];
  const turn = turns.at(-1)?.turn ?? run.earlier?.turns ?? 0;
  run.resets = [...(run.resets ?? []), { atMs, from: baseRunId, turn }];
  return [];
}
