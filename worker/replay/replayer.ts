// Replays recorded histories on the current workflow code, and says where they diverge.
import { DefaultLogger, type ReplayWorkerOptions, Runtime } from '@temporalio/worker';
import { TOLERANT } from '../../client/payloads/tolerant.ts';
import { parseActivityId } from '../../core/names.ts';
import { eventId, type History, type HistoryEvent } from '../../core/read/history.ts';
import { withAbsoluteSources, withoutStacks, workflowCode } from '../workflowBundle.ts';
import { type Difference, differenceText, firstDifference, firstExtra } from './difference.ts';
import { type Recording, type ReplayedHistory, recordingWorker } from './recordingWorker.ts';
import type { RecordedStep, Step } from './steps.ts';

/** The result of replaying one history. */
export type ReplayOutcome = { readonly ok: true } | ({ readonly ok: false } & Misfit);

/** Where the workflow code diverges from the recorded history. */
export interface Misfit {
  /** One sentence: what history has, and what the code wants; or the SDK's, where that is not known. */
  readonly problem: string;
  /** The first event that the code does not reproduce; if history has nothing there, the one that ends the workflow task. */
  readonly eventId: number | null;
  readonly turn: number | null;
  /** The slot of the tool call in its turn; null if the step is of a model call or of no call. */
  readonly slot: number | null;
  /** The activity type: a tool's name, or `callModel`. */
  readonly activity: string | null;
  /** What history has; null if it has nothing more in this workflow task, or if it is not known. */
  readonly has: RecordedStep | null;
  /** What the code wants; null if it wants nothing more in this workflow task, or if it is not known. */
  readonly wants: Step | null;
  /** The message of Temporal's SDK; null if it has found no difference. */
  readonly sdk: string | null;
}

export interface ReplayOptions {
  /** Path of a module with your own workflows, as for `createWorker`. */
  readonly workflowsPath?: string;
  /**
   * For a debugger: waits for as long as a replay takes, with the source map of the code.
   * @default false
   */
  readonly debug?: boolean;
}

/** Replays histories, one after another. */
export interface Replayer {
  replay(history: History): Promise<ReplayOutcome>;
  close(): Promise<void>;
}

/**
 * A replay takes 0.2 ms for each event. One that takes this long never ends: its history breaks off where the worker waits for
 * more.
 */
const limitMs = ({ events }: History) => 30_000 + 5 * (events?.length ?? 0);

/**
 * Loads the workflow code once, into one worker that replays what it is given. Payloads must be decoded: by the client, by
 * `export`, or by `decodeHistory`.
 *
 * ```ts
 * const replayer = await createReplayer();
 * const outcome = await replayer.replay(historyFromJson(await readFile('run.json', 'utf8')));
 * await replayer.close();
 * ```
 */
export async function createReplayer({ workflowsPath, debug = false }: ReplayOptions = {}): Promise<Replayer> {
  const code = await workflowCode(workflowsPath);
  const options: ReplayWorkerOptions = {
    // The SDK replays in the main thread, where a debugger finds it; in one of its own, each history would take longer.
    workflowBundle: debug ? await withAbsoluteSources(code) : await withoutStacks(code),
    dataConverter: TOLERANT,
  };
  let stream = openStream(options);
  return {
    async replay(history) {
      const events = history.events ?? [];
      // No worker has begun the run, and the SDK would wait for one.
      if (!events.some((event) => event.workflowTaskStartedEventAttributes)) return { ok: true };
      const recording: Recording = { tasks: [], lastEventId: 0 };
      let result: ReplayedHistory | null;
      try {
        const replayed = stream.replay(history, recording);
        result = await (debug ? replayed : withinLimit(replayed, limitMs(history)));
      } catch (error) {
        result = { error: error instanceof Error ? error : new Error(String(error)) };
      }
      if (result === null || stream.isBroken) {
        // A worker that waits for more, or has failed, replays nothing else.
        stream = openStream(options);
        if (result === null) {
          const problem = `the replay did not end within ${limitMs(history) / 1_000} s`;
          return { ok: false, ...unexplained(events, recording, problem) };
        }
      }
      return outcomeOf(events, recording, result);
    },
    close: () => stream.close(),
  };
}

/**
 * Replays many histories in one worker, and yields the outcome of each, in order. It holds one history at a time.
 *
 * ```ts
 * for await (const outcome of replayHistories(histories())) if (!outcome.ok) console.log(outcome.problem);
 * ```
 */
export async function* replayHistories(
  histories: AsyncIterable<History> | Iterable<History>,
  options?: ReplayOptions,
): AsyncGenerator<ReplayOutcome> {
  const replayer = await createReplayer(options);
  try {
    for await (const history of histories) yield await replayer.replay(history);
  } finally {
    await replayer.close();
  }
}

/** Silences the SDK's log, which would repeat each problem at length. Call it before any other use of the SDK. */
export function silenceSdk(): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => {}),
    telemetryOptions: { logging: { forward: {}, filter: 'OFF' } },
    shutdownSignals: [],
  });
}

interface ReplayStream {
  /** The worker has ended before its time. */
  readonly isBroken: boolean;
  replay(history: History, recording: Recording): Promise<ReplayedHistory>;
  close(): Promise<void>;
}

/** One worker, which takes histories as they come. */
function openStream(options: ReplayWorkerOptions): ReplayStream {
  let recording: Recording = { tasks: [], lastEventId: 0 };
  let isBroken = false;
  let next = Promise.withResolvers<{ readonly workflowId: string; readonly history: History } | null>();
  async function* given() {
    for (;;) {
      const one = await next.promise;
      if (one === null) return;
      next = Promise.withResolvers();
      yield one;
    }
  }
  let results: AsyncIterator<ReplayedHistory> | undefined;
  return {
    get isBroken() {
      return isBroken;
    },
    async replay(history, recorded) {
      recording = recorded;
      results ??= recordingWorker(() => recording).runReplayHistories(options, given());
      // Sub-agents' ids are made from that of their run.
      const workflowId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? 'run';
      next.resolve({ workflowId, history });
      try {
        const { done, value } = await results.next();
        if (done) throw new Error('the replay ended early');
        return value;
      } catch (error) {
        isBroken = true;
        throw error;
      }
    },
    async close() {
      next.resolve(null);
      if (!isBroken) await results?.next();
    },
  };
}

/** Returns null if the replay does not end. */
async function withinLimit<T>(replay: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([replay, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function outcomeOf(events: readonly HistoryEvent[], recording: Recording, { error }: ReplayedHistory): ReplayOutcome {
  const { tasks } = recording;
  if (!error) {
    const extra = firstExtra(events, tasks);
    return extra ? { ok: false, ...explained(events, extra, null) } : { ok: true };
  }
  const sdk = shortMessage(error);
  // Code that throws in a task wants nothing: its error says more than what history has there.
  const thrown = tasks.findLast(({ failure }) => failure !== null)?.failure;
  if (thrown) return { ok: false, ...unexplained(events, recording, thrown), sdk };
  const difference = firstDifference(events, tasks);
  return { ok: false, ...(difference ? explained(events, difference, sdk) : unexplained(events, recording, sdk)) };
}

function explained(events: readonly HistoryEvent[], difference: Difference, sdk: string | null): Misfit {
  const { has, wants, taskEventId } = difference;
  const completed = events.find(
    ({ workflowTaskCompletedEventAttributes: attributes }) =>
      attributes && eventId(Object(attributes).startedEventId) === taskEventId,
  );
  const at = has?.eventId ?? eventId(completed?.eventId);
  const activity = [has, wants].find((step) => step?.kind === 'activity');
  return {
    problem: differenceText(difference),
    eventId: at,
    ...placeOf(events, at, activity),
    has,
    wants,
    sdk,
  };
}

/** The first event after the last one that the SDK has read, or the task in which the code threw. */
function unexplained(events: readonly HistoryEvent[], { tasks, lastEventId }: Recording, problem: string): Misfit {
  const last = tasks.at(-1);
  const at = last?.failure != null ? last.startedEventId : Math.min(lastEventId + 1, events.length);
  const activity = events[at - 1]?.activityTaskScheduledEventAttributes;
  const step = activity && { id: activity.activityId ?? null, name: activity.activityType?.name ?? null };
  return { problem, eventId: at, ...placeOf(events, at, step), has: null, wants: null, sdk: problem };
}

/** A step of no activity (the workflow's end, a timer) is attributed to the turn of the last activity before it. */
function placeOf(
  events: readonly HistoryEvent[],
  at: number,
  activity: Pick<Step, 'id' | 'name'> | null | undefined,
): Pick<Misfit, 'turn' | 'slot' | 'activity'> {
  const before = events
    .slice(0, at)
    .findLast((event) => parseActivityId(event.activityTaskScheduledEventAttributes?.activityId ?? ''));
  const own = parseActivityId(activity?.id ?? '');
  const ids = own ?? parseActivityId(before?.activityTaskScheduledEventAttributes?.activityId ?? '');
  return { turn: ids?.turn ?? null, slot: own?.slot ?? null, activity: activity?.name ?? null };
}

/** The sentence of the error that says what is wrong, without the structures that the SDK prints around it. */
function shortMessage(error: Error): string {
  const { message } = error;
  const [, quoted] = /message: "((?:[^"\\]|\\.)*)"/.exec(message) ?? [];
  return (quoted ?? message).replace(/^\[TMPRL\d+\] /, '').replaceAll('\\"', '"');
}
