// The replay gate: replays recorded histories on the current workflow code, and reports where they diverge.
import { DefaultLogger, type ReplayWorkerOptions, Runtime, Worker } from '@temporalio/worker';
import { TOLERANT } from '../client/payloads/tolerant.ts';
import { parseActivityId } from '../core/names.ts';
import { eventId, type History, type HistoryEvent } from '../core/read/history.ts';
import { workflowCode } from './workflowBundle.ts';

/** The result of replaying one history. */
export type ReplayOutcome = { readonly ok: true } | ({ readonly ok: false } & Misfit);

/** Where the workflow code diverges from the recorded history. */
export interface Misfit {
  readonly problem: string;
  /** The first event that the code does not reproduce. */
  readonly eventId: number | null;
  readonly turn: number | null;
  /** The slot of the tool call in its turn; null if the event is of a model call or of no call. */
  readonly slot: number | null;
  /** The activity type: a tool's name, or `callModel`. */
  readonly activity: string | null;
}

export interface ReplayOptions {
  /** Path of a module with your own workflows, as for `createWorker`. */
  readonly workflowsPath?: string;
  /**
   * Waits for as long as a replay takes, and does not search for the event that does not fit: for a debugger.
   * @default false
   */
  readonly debug?: boolean;
}

export type Replayer = (history: History) => Promise<ReplayOutcome>;

/** A replay takes 50 ms. One that takes this long never ends: its history breaks off where the worker waits for more. */
const REPLAY_MS = 30_000;

/**
 * Loads the workflow code once, and returns a function that replays a history. Payloads must be decoded: by the client,
 * `export`, or `decodeHistory`.
 *
 * ```ts
 * const replay = await createReplayer();
 * const outcome = await replay(historyFromJson(await readFile('run.json', 'utf8')));
 * ```
 */
export async function createReplayer({ workflowsPath, debug = false }: ReplayOptions = {}): Promise<Replayer> {
  // The SDK replays in the main thread, where a debugger finds it; in one of its own, each replay would take half a second more.
  const options: ReplayWorkerOptions = { workflowBundle: await workflowCode(workflowsPath), dataConverter: TOLERANT };
  return async (history) => {
    const events = history.events ?? [];
    const problem = await replayProblem(options, events, debug);
    if (problem === null) return { ok: true };
    const last = debug ? events.length : await firstMisfit(options, events);
    return { ok: false, problem, ...locate(events, events[last - 1]) };
  };
}

/** Silences the SDK's log, which would repeat each problem at length. Call it before any other use of the SDK. */
export function silenceSdk(): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => {}),
    telemetryOptions: { logging: { forward: {}, filter: 'OFF' } },
    shutdownSignals: [],
  });
}

async function replayProblem(
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
    return shortMessage(error);
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
 * The length of the shortest prefix of the history that does not replay. The SDK's errors seldom name the event, so a binary
 * search finds it: if a prefix does not replay, no longer one does.
 */
async function firstMisfit(options: ReplayWorkerOptions, events: readonly HistoryEvent[]): Promise<number> {
  // Before the first workflow task there is nothing to replay, and the SDK would wait for one.
  let fits = events.findIndex((event) => event.workflowTaskStartedEventAttributes) + 1;
  let misfit = events.length;
  if (fits === 0) return misfit;
  while (misfit - fits > 1) {
    const middle = Math.floor((fits + misfit) / 2);
    if ((await replayProblem(options, events.slice(0, middle))) === null) fits = middle;
    else misfit = middle;
  }
  return misfit;
}

function locate(events: readonly HistoryEvent[], event: HistoryEvent | undefined): Omit<Misfit, 'problem'> {
  const scheduled =
    event && (event.activityTaskScheduledEventAttributes ? event : events.find((other) => isScheduledOf(other, event)));
  const attributes = scheduled?.activityTaskScheduledEventAttributes;
  // An event of no activity (the workflow's end, a timer) is attributed to the turn of the last activity before it.
  const before = events
    .slice(0, event ? events.indexOf(event) + 1 : events.length)
    .findLast((other) => other.activityTaskScheduledEventAttributes)?.activityTaskScheduledEventAttributes;
  const ids = parseActivityId((attributes ?? before)?.activityId ?? '');
  return {
    eventId: event ? eventId(event.eventId) : null,
    turn: ids?.turn ?? null,
    slot: attributes ? (ids?.slot ?? null) : null,
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

/** The sentence of the error that says what is wrong, without the structures that the SDK prints around it. */
function shortMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, quoted] = /message: "((?:[^"\\]|\\.)*)"/.exec(message) ?? [];
  return (quoted ?? message).replace(/^\[TMPRL\d+\] /, '').replaceAll('\\"', '"');
}
