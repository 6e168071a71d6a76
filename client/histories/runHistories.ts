// The histories of a run: each continue-as-new begins another one, and together they are one run.
import type { Client } from '@temporalio/client';
import type { History, HistoryEvent } from '../../core/read/history.ts';
import { grpcCode } from '../errors/grpc.ts';
import { describeRun, type ExecutionRef, historyPages } from './history.ts';

interface PagesOptions {
  readonly wait: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Temporal's `HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT`: only the event that closed the execution. */
const CLOSE_EVENT = 2;

interface Execution extends ExecutionRef {
  readonly runId: string;
}

/** A page of events, and the run id of the execution that it is from. */
export interface RunPage {
  readonly runId: string;
  readonly events: readonly HistoryEvent[];
}

/**
 * Yields the events of all histories of a run, from the first one that the server still has: the namespace's retention
 * deletes closed executions, oldest first. If one in the middle is missing, continues after it. An execution that was reset
 * is replaced by the one it was reset to, which has a copy of the events that still hold.
 */
export async function* runPages(
  client: Client,
  execution: ExecutionRef,
  options: PagesOptions,
): AsyncGenerator<RunPage> {
  const { workflowId } = execution;
  const seen = new Set<string>();
  let runId: string | undefined = await firstAvailable(client, execution);
  while (runId !== undefined) {
    seen.add(runId);
    let next: string | undefined;
    for await (const events of historyPages(client, { workflowId, runId }, options)) {
      yield { runId, events };
      next = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
    }
    if (next !== undefined)
      next =
        (await followResets(client, { workflowId, runId: next })) ?? (await afterGap(client, { workflowId, runId }));
    runId = next !== undefined && seen.has(next) ? undefined : next;
  }
}

/** The histories of a run that the server still has, in order. */
export async function runHistories(client: Client, execution: ExecutionRef): Promise<History[]> {
  const histories = new Map<string, HistoryEvent[]>();
  for await (const { runId, events } of runPages(client, execution, { wait: false })) {
    const history = histories.get(runId) ?? [];
    history.push(...events);
    histories.set(runId, history);
  }
  return [...histories.values()].map((events) => ({ events }));
}

/** The run ids of the run's first execution and of the given one. */
export async function executionIds(client: Client, execution: ExecutionRef): Promise<{ first: string; given: string }> {
  try {
    return await describeIds(client, execution);
  } catch (error) {
    if (execution.runId === undefined || grpcCode(error) !== 'notFound') throw error;
    // A caller that started the run has the id of its first execution, which retention may have deleted.
    const latest = await describeIds(client, { workflowId: execution.workflowId });
    if (latest.first !== execution.runId) throw error;
    return latest;
  }
}

async function describeIds(client: Client, execution: ExecutionRef): Promise<{ first: string; given: string }> {
  const { workflowExecutionInfo: info } = await describeRun(client, execution);
  const given = info?.execution?.runId ?? execution.runId ?? '';
  return { first: info?.firstRunId || given, given };
}

/** The run id of the last execution of the run that `runId` belongs to; another run may have taken its workflow id since. */
export async function lastExecution(client: Client, workflowId: string, runId: string): Promise<string> {
  const latest = await executionIds(client, { workflowId });
  if (latest.given === runId || latest.first === runId) return latest.given;
  const { first } = await executionIds(client, { workflowId, runId });
  if (latest.first === first) return latest.given;
  for (let last = runId; ; ) {
    const next = await executionAfter(client, { workflowId, runId: last });
    if (next === undefined) return last;
    last = next;
  }
}

async function executionAfter(client: Client, execution: ExecutionRef): Promise<string | undefined> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution,
    historyEventFilterType: CLOSE_EVENT,
  });
  const next = history?.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  return next || undefined;
}

async function firstAvailable(client: Client, execution: ExecutionRef): Promise<string> {
  const { first, given } = await executionIds(client, execution);
  const { workflowId } = execution;
  return (
    (await followResets(client, { workflowId, runId: first })) ??
    earliestAvailable(client, { workflowId, runId: given })
  );
}

/** The execution after which nothing is missing any more; undefined if another run has taken the workflow id. */
async function afterGap(client: Client, before: Execution): Promise<string | undefined> {
  const { workflowId } = before;
  const [{ first }, latest] = await Promise.all([describeIds(client, before), describeIds(client, { workflowId })]);
  return latest.first === first ? earliestAvailable(client, { workflowId, runId: latest.given }) : undefined;
}

/** The earliest execution from which the server has every history up to `runId`. */
async function earliestAvailable(client: Client, { workflowId, runId }: Execution): Promise<string> {
  let earliest = runId;
  for (;;) {
    const before = await executionBefore(client, { workflowId, runId: earliest });
    const available = before && (await followResets(client, { workflowId, runId: before }));
    if (!available) return earliest;
    earliest = available;
  }
}

async function executionBefore(client: Client, execution: ExecutionRef): Promise<string | undefined> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution,
    maximumPageSize: 1,
  });
  return history?.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
}

/** The execution itself, or the one it was reset to; undefined if it was deleted. */
async function followResets(client: Client, { workflowId, runId }: Execution): Promise<string | undefined> {
  try {
    for (let at = runId; ; ) {
      const { workflowExtendedInfo } = await describeRun(client, { workflowId, runId: at });
      if (!workflowExtendedInfo?.resetRunId) return at;
      at = workflowExtendedInfo.resetRunId;
    }
  } catch (error) {
    if (grpcCode(error) !== 'notFound') throw error;
    return undefined;
  }
}
