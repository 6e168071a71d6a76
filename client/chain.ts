// A run and what it became when it continued as new: one run, in several histories.
import type { Client } from '@temporalio/client';
import type { History, HistoryEvent } from '../core/read/history.ts';
import { grpcCode } from './errors/grpc.ts';
import { describeRun, historyPages, type RunPlace } from './history.ts';

interface PagesOptions {
  readonly wait: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Temporal's number for the filter that gives the event which closed a run. */
const CLOSE_EVENT = 2;

interface ChainLink extends RunPlace {
  readonly runId: string;
}

/** A page of events, and the run id of the link that it is from. */
export interface ChainPage {
  readonly runId: string;
  readonly events: readonly HistoryEvent[];
}

/**
 * The events of the whole chain that a run is in, from the first link that the server still has: closed links go with the
 * namespace's retention, the oldest first. Where one in the middle is gone, it goes on after that. For a link that was
 * reset stands the run that it was reset to, which has a copy of what holds of it.
 */
export async function* chainPages(client: Client, place: RunPlace, options: PagesOptions): AsyncGenerator<ChainPage> {
  const { workflowId } = place;
  const seen = new Set<string>();
  let runId: string | undefined = await firstLink(client, place);
  while (runId !== undefined) {
    seen.add(runId);
    let next: string | undefined;
    for await (const events of historyPages(client, { workflowId, runId }, options)) {
      yield { runId, events };
      next = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
    }
    if (next !== undefined)
      next =
        (await standing(client, { workflowId, runId: next })) ?? (await afterTheGap(client, { workflowId, runId }));
    runId = next !== undefined && seen.has(next) ? undefined : next;
  }
}

/** The histories of the chain's links that the server still has, in their order. */
export async function chainHistories(client: Client, place: RunPlace): Promise<History[]> {
  const links = new Map<string, HistoryEvent[]>();
  for await (const { runId, events } of chainPages(client, place, { wait: false })) {
    const link = links.get(runId) ?? [];
    link.push(...events);
    links.set(runId, link);
  }
  return [...links.values()].map((events) => ({ events }));
}

/** The run id of the chain's first link, whichever link the place names; and that of the link itself. */
export async function linksOf(client: Client, place: RunPlace): Promise<{ first: string; given: string }> {
  try {
    return await describedLinks(client, place);
  } catch (error) {
    if (place.runId === undefined || grpcCode(error) !== 'notFound') throw error;
    // Whoever started a run has the id of its first link, which may be gone by now.
    const latest = await describedLinks(client, { workflowId: place.workflowId });
    if (latest.first !== place.runId) throw error;
    return latest;
  }
}

async function describedLinks(client: Client, place: RunPlace): Promise<{ first: string; given: string }> {
  const { workflowExecutionInfo: info } = await describeRun(client, place);
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
  const { workflowId } = place;
  return (await standing(client, { workflowId, runId: first })) ?? earliestLink(client, { workflowId, runId: given });
}

/** Where the chain goes on for good, behind a link that is gone; undefined where another run has the workflow id by now. */
async function afterTheGap(client: Client, before: ChainLink): Promise<string | undefined> {
  const { workflowId } = before;
  const [{ first }, latest] = await Promise.all([
    describedLinks(client, before),
    describedLinks(client, { workflowId }),
  ]);
  return latest.first === first ? earliestLink(client, { workflowId, runId: latest.given }) : undefined;
}

/** The earliest link from which the server has all up to `runId`. */
async function earliestLink(client: Client, { workflowId, runId }: ChainLink): Promise<string> {
  let earliest = runId;
  for (;;) {
    const before = await linkBefore(client, { workflowId, runId: earliest });
    const there = before && (await standing(client, { workflowId, runId: before }));
    if (!there) return earliest;
    earliest = there;
  }
}

async function linkBefore(client: Client, execution: RunPlace): Promise<string | undefined> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution,
    maximumPageSize: 1,
  });
  return history?.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
}

/** The run that stands at this place of the chain: the link itself, or what it was reset to; undefined where it is gone. */
async function standing(client: Client, { workflowId, runId }: ChainLink): Promise<string | undefined> {
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
