// A run and what it became when it continued as new: one run, in several histories.
import type { Client } from '@temporalio/client';
import type { HistoryEvent } from '../core/history.ts';
import { grpcCode } from './errors.ts';
import { historyPages, type RunPlace } from './history.ts';

interface PagesOptions {
  readonly wait: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Temporal's number for the filter that gives the event which closed a run. */
const CLOSE_EVENT = 2;

/** A page of events, and the run id of the link that it is from. */
export interface ChainPage {
  readonly runId: string;
  readonly events: readonly HistoryEvent[];
}

/** The events of the whole chain that a run is in, from the first link that the server still has. */
export async function* chainPages(client: Client, place: RunPlace, options: PagesOptions): AsyncGenerator<ChainPage> {
  let runId: string | undefined = await firstLink(client, place);
  while (runId !== undefined) {
    let next: string | undefined;
    for await (const events of historyPages(client, { workflowId: place.workflowId, runId }, options)) {
      yield { runId, events };
      next = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
    }
    runId = next;
  }
}

/** The run id of the chain's first link, whichever link the place names; and that of the link itself. */
export async function linksOf(client: Client, place: RunPlace): Promise<{ first: string; given: string }> {
  const { workflowExecutionInfo: info } = await client.workflowService.describeWorkflowExecution({
    namespace: client.options.namespace,
    execution: place,
  });
  const given = info?.execution?.runId ?? place.runId ?? '';
  return { first: info?.firstRunId || given, given };
}

/** The run id of the last link of the chain that `runId` is in; another run may have the workflow id by now. */
export async function lastLink(client: Client, workflowId: string, runId: string): Promise<string> {
  const latest = await linksOf(client, { workflowId });
  if (latest.given === runId || latest.first === runId) return latest.given;
  const { first } = await linksOf(client, { workflowId, runId });
  if (latest.first === first) return latest.given;
  for (let link = runId; ; ) {
    const next = await linkAfter(client, { workflowId, runId: link });
    if (next === undefined) return link;
    link = next;
  }
}

async function linkAfter(client: Client, place: RunPlace): Promise<string | undefined> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: place,
    historyEventFilterType: CLOSE_EVENT,
  });
  const next = history?.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  return next || undefined;
}

async function firstLink(client: Client, place: RunPlace): Promise<string> {
  const { first, given } = await linksOf(client, place);
  if (first === given) return given;
  try {
    await linksOf(client, { workflowId: place.workflowId, runId: first });
    return first;
  } catch (error) {
    // Closed links go with the namespace's retention. The link that is there carries what it needs.
    if (grpcCode(error) !== 'notFound') throw error;
    return given;
  }
}
