// Follows many runs: those that are open and fit, and those that start later. Which runs there are is looked up again and again; each
// is followed by its history. A reader continues by the last event of every run that may have more to come.
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { RunEvent } from '../../core/read/run.ts';
import type { Labels } from '../../core/types.ts';
import {
  HoldfastError,
  InvalidList,
  PayloadUnreadable,
  RunNotFound,
  TemporalUnreachable,
  unreachable,
} from '../errors/errors.ts';
import { grpcCode } from '../errors/grpc.ts';
import { runError } from '../errors/runError.ts';
import { runFilter } from '../lists/labels.ts';
import { IS_ENDED, IS_OPEN } from '../lists/listRuns.ts';
import { readMemo } from '../lists/memo.ts';
import { lenientClient } from '../payloads/lenient.ts';
import { isForGood } from '../payloads/payloadError.ts';
import { limiter } from './atOnce.ts';
import { readEventId } from './eventIds.ts';
import { followRun } from './followRun.ts';
import { pause } from './pause.ts';

export interface FleetOptions {
  /** Only runs of this agent. */
  readonly agent?: string;
  /** Only runs that have all of these labels. */
  readonly labels?: Labels;
  /** Continues after the event with which `cursor()` returned this. */
  readonly after?: string | undefined;
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined;
}

/** An event of one of many runs. `unreadable` stands for all further events of a run that this process cannot read. */
export type FleetEvent = (
  | RunEvent
  | { readonly type: 'unreadable'; readonly atMs: number; readonly problem: string }
) & {
  /** The run that it is an event of. */
  readonly workflowId: string;
};

export interface FleetEvents extends AsyncIterable<FleetEvent> {
  /** The place after the last event, from which another reader continues with `after`. undefined before the first event. */
  cursor(): string | undefined;
}

/** Each is a long poll, of which a server answers some 1,000 for a namespace. Others wait until one of these has ended. */
const FOLLOWED_AT_ONCE = 500;
const LOOK_MS = 1_000;
/** By how much a run may be listed later than one that ended after it. */
const LISTED_LATE_MS = 10_000;

/** Where a reader is in a run. */
interface Place {
  /** The id of its last event; '' if there was none. */
  readonly last: string;
  /** The last execution of a run that is over. */
  readonly over?: string;
}

/** Everything that decides what a reader gets next, in the order in which it happened. */
type Step =
  | { readonly step: 'event'; readonly event: FleetEvent }
  | { readonly step: 'place'; readonly workflowId: string; readonly place: Place }
  /** Nothing will be listed of it any more. */
  | { readonly step: 'gone'; readonly workflowId: string }
  /** All that ended before this time is known. */
  | { readonly step: 'known'; readonly untilMs: number };

interface Cursor {
  readonly untilMs: number;
  readonly places: ReadonlyMap<string, Place>;
}

export function followRuns(
  client: Client,
  address: string,
  { agent, labels, after, signal }: FleetOptions = {},
): FleetEvents {
  const from = after === undefined ? null : readCursor(after);
  const places = new Map(from?.places);
  let untilMs = from?.untilMs;

  async function* follow(): AsyncGenerator<FleetEvent> {
    const stop = new AbortController();
    const until = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    try {
      for await (const step of stepsOf(client, address, { agent, labels, from, signal: until })) {
        if (until.aborted) return;
        if (step.step === 'place') places.set(step.workflowId, step.place);
        else if (step.step === 'gone') places.delete(step.workflowId);
        else if (step.step === 'known') untilMs = step.untilMs;
        else {
          const { event } = step;
          if (event.type !== 'unreadable' && event.id !== undefined) places.set(event.workflowId, { last: event.id });
          yield event;
        }
      }
    } finally {
      stop.abort();
    }
  }

  return Object.assign(follow(), {
    cursor: () => (untilMs === undefined ? undefined : cursorOf({ untilMs, places })),
  });
}

interface StepsOptions {
  readonly agent: string | undefined;
  readonly labels: Labels | undefined;
  readonly from: Cursor | null;
  readonly signal: AbortSignal;
}

/** A run that was found. */
interface Found {
  readonly workflowId: string;
  /** The id of its last event; '' if there was none. */
  last: string;
  /** The executions that were read. */
  readonly runIds: Set<string>;
  isOver: boolean;
  /** Another execution of its id, that was listed while this one was followed: a reset, or another run. */
  next: string | null;
}

function stepsOf(client: Client, address: string, { agent, labels, from, signal }: StepsOptions): ReadableStream<Step> {
  const { namespace } = client.options;
  const { readable, writable } = new TransformStream<Step, Step>();
  const writer = writable.getWriter();
  const runs = new Map<string, Found>();
  const atOnce = limiter(FOLLOWED_AT_ONCE);

  /** Resolves when the reader has taken it; also when there is no reader any more. */
  const tell = (step: Step): Promise<void> => writer.write(step).catch(() => {});
  const fail = (error: unknown) => void writer.abort(error).catch(() => {});
  const close = () => void writer.close().catch(() => {});

  async function begin(run: Found, runId?: string): Promise<void> {
    Object.assign(run, { isOver: false, next: null });
    runs.set(run.workflowId, run);
    await tell({ step: 'place', workflowId: run.workflowId, place: { last: run.last } });
    void atOnce(() => follow(run, runId)).catch(fail);
  }

  async function follow(run: Found, runId: string | undefined): Promise<void> {
    const { workflowId } = run;
    let over = runId ?? '';
    const onHistory = (_: unknown, id: string) => {
      run.runIds.add(id);
      over = id;
      return true;
    };
    const place = run.last === '' ? null : readEventId(run.last);
    try {
      const events = followRun(client, { workflowId, runId }, { signal, from: place, live: false, onHistory });
      for await (const { event, isAfter } of events) {
        if (!isAfter || event.id === undefined) continue;
        run.last = event.id;
        await tell({ step: 'event', event: { ...event, workflowId } });
      }
    } catch (error) {
      const problem = runError(error, { workflowId, namespace, address });
      if (!isForRunAlone(problem)) throw problem;
      // Retention may have deleted it.
      if (!(problem instanceof RunNotFound)) {
        const { message } = problem;
        await tell({ step: 'event', event: { type: 'unreadable', atMs: Date.now(), problem: message, workflowId } });
      }
    }
    if (signal.aborted) return;
    run.isOver = true;
    await tell({ step: 'place', workflowId, place: { last: run.last, over } });
    if (run.next !== null && !run.runIds.has(run.next)) await begin(run, run.next);
  }

  async function look(): Promise<void> {
    const { query, keeps } = await runFilter(client, { agent, labels });
    const { workflow: workflows } = lenientClient(client);
    const list = (which: string) => workflows.list({ query: `${query} AND ${which}`, pageSize: 1_000 });
    const fits = ({ memo }: WorkflowExecutionInfo) => keeps(readMemo(memo));
    let untilMs = from?.untilMs ?? null;

    /** Those that end before this is called are not followed; the list has the latest first. */
    async function skipEnded(open: ReadonlySet<string>): Promise<void> {
      let latestMs = 0;
      for await (const run of list(IS_ENDED)) {
        const { workflowId, runId } = run;
        latestMs = Math.max(latestMs, endMs(run));
        if (endMs(run) < latestMs - LISTED_LATE_MS) break;
        if (!fits(run) || open.has(workflowId)) continue;
        runs.set(workflowId, { workflowId, last: '', runIds: new Set([runId]), isOver: true, next: null });
        await tell({ step: 'place', workflowId, place: { last: '', over: runId } });
      }
      untilMs = latestMs;
    }

    for (;;) {
      const before = [...runs.values()].filter(({ isOver }) => isOver);
      const listed = new Set<string>();
      // First the open ones: a run that ends in between is in both lists.
      const open = await Array.fromAsync(list(IS_OPEN));
      if (untilMs === null) await skipEnded(new Set(open.map(({ workflowId }) => workflowId)));
      const since = new Date(Math.max(0, untilMs! - LISTED_LATE_MS)).toISOString();
      const ended = await Array.fromAsync(list(`${IS_ENDED} AND CloseTime >= '${since}'`));
      untilMs = Math.max(untilMs!, ...ended.map(endMs));
      for (const one of [...open, ...ended].filter(fits)) {
        const { workflowId, runId } = one;
        listed.add(workflowId);
        const run = runs.get(workflowId);
        if (!run) await begin({ workflowId, last: '', runIds: new Set(), isOver: false, next: null }, runId);
        else if (!run.isOver) run.next = runId;
        else if (!run.runIds.has(runId)) await begin(run, runId);
      }
      for (const { workflowId } of before)
        if (!listed.has(workflowId)) {
          runs.delete(workflowId);
          await tell({ step: 'gone', workflowId });
        }
      await tell({ step: 'known', untilMs });
      await pause(LOOK_MS, signal);
      if (signal.aborted) return;
    }
  }

  async function start(): Promise<void> {
    for (const [workflowId, { last, over }] of from?.places ?? []) {
      const run: Found = { workflowId, last, runIds: new Set(over && [over]), isOver: over !== undefined, next: null };
      runs.set(workflowId, run);
      if (!run.isOver) await begin(run);
    }
    await look();
  }

  if (signal.aborted) close();
  else {
    signal.addEventListener('abort', close, { once: true });
    start().catch((error) => fail(grpcCode(error) === 'unavailable' ? unreachable(address, error) : error));
  }
  return readable;
}

function endMs({ closeTime }: WorkflowExecutionInfo): number {
  return closeTime?.getTime() ?? 0;
}

/** Whether other runs may still be followed. */
function isForRunAlone(error: unknown): error is HoldfastError {
  if (!(error instanceof HoldfastError) || error instanceof TemporalUnreachable) return false;
  return !(error instanceof PayloadUnreadable) || isForGood(error);
}

/** In a text: the time until which all is known, and for each run its id, its last event, and, if it is over, its last execution. */
function cursorOf({ untilMs, places }: Cursor): string {
  const runs = Array.from(places, ([workflowId, { last, over }]) => [
    workflowId,
    last,
    ...(over === undefined ? [] : [over]),
  ]);
  return Buffer.from(JSON.stringify([untilMs, ...runs])).toString('base64url');
}

function readCursor(cursor: string): Cursor {
  try {
    const [untilMs, ...runs] = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Number.isSafeInteger(untilMs) || untilMs < 0 || untilMs > 8.64e15) throw new TypeError('no time');
    return { untilMs, places: new Map(runs.map(readPlace)) };
  } catch {
    const problem = `after is ${JSON.stringify(cursor.slice(0, 100))}. Pass what cursor() of holdfast.events() returned.`;
    throw new InvalidList('list_invalid', { problem });
  }
}

function readPlace(entry: unknown): [string, Place] {
  const isText = (value: unknown) => typeof value === 'string';
  if (!Array.isArray(entry) || entry.length < 2 || entry.length > 3 || !entry.every(isText) || entry[0] === '')
    throw new TypeError('no place');
  const [workflowId, last, over] = entry as [string, string, string?];
  if (last !== '') readEventId(last);
  return [workflowId, over === undefined ? { last } : { last, over }];
}
