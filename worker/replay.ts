// The replay gate: runs recorded histories against the workflow code of today, and says where it no longer fits.
import { DefaultLogger, type ReplayWorkerOptions, Runtime, Worker } from '@temporalio/worker';
import { parseActivityId } from '../core/names.ts';
import { eventId, type History, type HistoryEvent } from '../core/read/history.ts';
import { workflowCode } from './workflowBundle.ts';

/** What became of one history. */
export type ReplayOutcome = { readonly ok: true } | ({ readonly ok: false } & Misfit);

/** Where the workflow code does something else than what is recorded. */
export interface Misfit {
  readonly problem: string;
  /** The first event that the code does not lead to. */
  readonly eventId: number | null;
  readonly turn: number | null;
  /** The slot of the tool call in its turn; null for the model call, and where it is about no call. */
  readonly slot: number | null;
  /** The activity type: a tool's name, or callModel. */
  readonly activity: string | null;
}

export interface ReplayOptions {
  /** Your own workflows, as `createWorker` takes them. */
  readonly workflowsPath?: string;
  /** Runs the workflow in the main thread, where a debugger sees it, and without limits of time. */
  readonly debug?: boolean;
}

export type Replayer = (history: History) => Promise<ReplayOutcome>;

/** A replay takes 50 ms. One that takes this long never ends: the history breaks off in a way that nothing waits for. */
const REPLAY_MS = 30_000;

/**
 * Gets the workflow code, once for all histories. Their payloads are plain: as the client and `export` give them, or by
 * `decodeHistory`.
 *
 * ```ts
 * const replay = await createReplayer();
 * const outcome = await replay(historyFromJson(await readFile('run.json', 'utf8')));
 * ```
 */
export async function createReplayer({ workflowsPath, debug = false }: ReplayOptions = {}): Promise<Replayer> {
  const options: ReplayWorkerOptions = {
    workflowBundle: await workflowCode(workflowsPath),
    ...(debug && { debugMode: true }),
  };
  return async (history) => {
    const events = history.events ?? [];
    const problem = await problemWith(options, events, debug);
    if (problem === null) return { ok: true };
    const last = debug ? events.length : await firstMisfit(options, events);
    return { ok: false, problem, ...placeOf(events, events[last - 1]) };
  };
}

/** Replays are about one thing, and the SDK's log would say it again, longer. Call it before anything of the SDK. */
export function silenceSdk(): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => {}),
    telemetryOptions: { logging: { forward: {}, filter: 'OFF' } },
    shutdownSignals: [],
  });
}

async function problemWith(
  options: ReplayWorkerOptions,
  events: readonly HistoryEvent[],
  unlimited = false,
): Promise<string | null> {
  const first = events[0]?.workflowExecutionStartedEventAttributes;
  const replay = Worker.runReplayHistory(options, { events }, first?.workflowId ?? undefined);
  try {
    if (unlimited) await replay;
    else await withinLimit(replay);
    return null;
  } catch (error) {
    return inShort(error);
  }
}

async function withinLimit(replay: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the replay did not end within ${REPLAY_MS / 1_000} s`)), REPLAY_MS);
  });
  try {
    await Promise.race([replay, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * How many events the shortest beginning has that does not replay. The errors of the SDK seldom name the event, so it is
 * looked for: what does not fit a beginning does not fit what is longer.
 */
async function firstMisfit(options: ReplayWorkerOptions, events: readonly HistoryEvent[]): Promise<number> {
  // Before the first workflow task there is nothing to replay, and the SDK would wait for it.
  let fits = events.findIndex((event) => event.workflowTaskStartedEventAttributes) + 1;
  let misfit = events.length;
  if (fits === 0) return misfit;
  while (misfit - fits > 1) {
    const middle = Math.floor((fits + misfit) / 2);
    if ((await problemWith(options, events.slice(0, middle))) === null) fits = middle;
    else misfit = middle;
  }
  return misfit;
}

function placeOf(events: readonly HistoryEvent[], event: HistoryEvent | undefined): Omit<Misfit, 'problem'> {
  const scheduled =
    event && (event.activityTaskScheduledEventAttributes ? event : events.find((other) => isScheduledOf(other, event)));
  const attributes = scheduled?.activityTaskScheduledEventAttributes;
  // An event that belongs to no activity (the workflow's own end, a timer) comes after the last one that was asked for.
  const before = events
    .slice(0, event ? events.indexOf(event) + 1 : events.length)
    .findLast((other) => other.activityTaskScheduledEventAttributes)?.activityTaskScheduledEventAttributes;
  const place = parseActivityId((attributes ?? before)?.activityId ?? '');
  return {
    eventId: event ? eventId(event.eventId) : null,
    turn: place?.turn ?? null,
    slot: attributes ? (place?.slot ?? null) : null,
    activity: attributes?.activityType?.name ?? null,
  };
}

function isScheduledOf(scheduled: HistoryEvent, event: HistoryEvent): boolean {
  const end =
    event.activityTaskStartedEventAttributes ??
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCanceledEventAttributes;
  return end != null && eventId(end.scheduledEventId) === eventId(scheduled.eventId);
}

/** The one sentence of the error that says what is wrong; around it the SDK prints its structures. */
function inShort(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, quoted] = /message: "((?:[^"\\]|\\.)*)"/.exec(message) ?? [];
  return (quoted ?? message).replace(/^\[TMPRL\d+\] /, '').replaceAll('\\"', '"');
}
