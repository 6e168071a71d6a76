// Resets of runs, as `temporal workflow reset` does them.
import { randomUUID } from 'node:crypto';
import type { Holdfast } from '../../client/index.ts';
import { eventId, type History, type HistoryEvent } from '../../core/read/history.ts';

/** Returns the ids of the events to which the execution can be reset: the end of each of its workflow tasks. */
export function resetPoints({ events }: History): number[] {
  return ((events ?? []) as HistoryEvent[])
    .filter((event) => event.workflowTaskCompletedEventAttributes)
    .map((event) => eventId(event.eventId));
}

/** Resets an execution, the current one by default. The run continues in a new execution with the same workflow id. */
export async function reset(
  { client }: Holdfast,
  execution: { readonly workflowId: string; readonly runId?: string | undefined },
  toEvent: number,
): Promise<void> {
  await client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: execution,
    reason: 'a test',
    requestId: randomUUID(),
    workflowTaskFinishEventId: toEvent as never,
  });
}
