// Runs on a cron expression or an interval: Temporal schedules whose action starts a run.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  type ScheduleHandle,
  ScheduleNotFoundError,
} from '@temporalio/client';
import { type Duration, durationMs } from '../../core/duration.ts';
import { WORKFLOW_TYPE } from '../../core/names.ts';
import type { RunInput } from '../../core/types.ts';
import { checkStart } from '../checkStart.ts';
import { InvalidSchedule, ScheduleExists, ScheduleNotFound, unreachable } from '../errors/errors.ts';
import { grpcCode } from '../errors/grpc.ts';
import { listedOptions, searchAttributes } from '../lists/labels.ts';
import { lenientClient, UNREADABLE } from '../payloads/lenient.ts';
import { type RunHandle, runHandle } from '../runHandle.ts';
import { type StartOptions, startOptions } from '../startOptions.ts';
import { type ScheduleTimes, scheduleSpec, timesText } from './scheduleTimes.ts';

/**
 * What to do if a run is due while an earlier one is still running. `skip`: do not start it. `buffer-one`, `buffer-all`:
 * start it when the earlier one ends; keep one such start, or all. `cancel-other`, `terminate-other`: end the earlier run
 * first. `allow-all`: run both.
 */
export type Overlap = (typeof OVERLAPS)[number];
export const OVERLAPS = ['skip', 'buffer-one', 'buffer-all', 'cancel-other', 'terminate-other', 'allow-all'] as const;

export interface ScheduleOptions extends ScheduleTimes, Omit<StartOptions, 'id'> {
  readonly agent: string;
  readonly input: string;
  /** @default 'skip' */
  readonly overlap?: Overlap;
  /**
   * How late a run may still start if the server was down when it was due. 10 seconds to 366 days.
   * @default '1h'
   */
  readonly catchup?: Duration;
  /**
   * Adds the schedule paused, until `resume`.
   * @default false
   */
  readonly paused?: boolean;
  /** A free text, shown with the schedule. */
  readonly note?: string;
}

export interface Schedule {
  readonly id: string;
  /**
   * null, like `input`, if another client made the schedule with other arguments; `(not readable here)` if this process cannot
   * read them.
   */
  readonly agent: string | null;
  readonly input: string | null;
  /** A cron expression, or `every 1h`. */
  readonly when: string;
  readonly timezone: string;
  readonly overlap: Overlap;
  readonly paused: boolean;
  readonly note: string | null;
  /** null while paused, or if no more runs are due. */
  readonly nextRunAtMs: number | null;
  readonly lastRun: { readonly workflowId: string; readonly runId: string; readonly startedAtMs: number } | null;
  /** Number of runs started so far. */
  readonly runs: number;
  /** Number of starts skipped so far because an earlier run was still running. */
  readonly skipped: number;
}

export interface Schedules {
  /**
   * Adds a schedule. The workflow id of each run is the schedule's id with the time: `nightly-2026-01-08T03:00:00Z`.
   *
   * ```ts
   * await holdfast.schedules.add('nightly', { agent: 'auditor', input: 'Audit the day.', cron: '0 3 * * *' });
   * ```
   */
  add(id: string, options: ScheduleOptions): Promise<Schedule>;
  get(id: string): Promise<Schedule>;
  /** Lists all schedules that start agents, sorted by id. A new one may take a second to appear. */
  list(): Promise<Schedule[]>;
  /** Starts no runs until `resume`. A running one continues. */
  pause(id: string, note?: string): Promise<void>;
  resume(id: string, note?: string): Promise<void>;
  /** Removes the schedule. Its runs stay, and a running one continues. */
  remove(id: string): Promise<void>;
  /**
   * Starts a run now, even if the schedule is paused, by its overlap policy. Resolves with null if none started: it is
   * skipped or buffered because of a running one, or one started in this very second.
   */
  run(id: string): Promise<RunHandle | null>;
}

/** Default notes of a pause and a resume. */
export const PAUSED = 'paused';
const RESUMED = 'resumed';
/** A run's id has 255 characters at most, and `-2026-01-08T03:00:00Z` is added to the schedule's. */
const ID_CHARS_MAX = 230;
/** An hour of downtime loses no run, and a night of downtime does not start all its runs at once. */
const CATCHUP_DEFAULT = '1h';
/** The server's minimum. */
const CATCHUP_MIN_MS = 10_000;
const CATCHUP_MAX_MS = 366 * 86_400_000;
/** Quick enough for hundreds of schedules, and light for the server. */
const DESCRIBE_CONCURRENCY = 10;
/** The server starts a run within a fraction of a second; one that has not started by then is buffered. */
const START_WAIT_MS = 5_000;
const POLL_MS = 50;

export function schedulesOf(client: Client, address: string, taskQueue: string): Schedules {
  // A schedule that somebody else made hides no other one.
  const { schedule: schedules } = lenientClient(client);

  async function get(id: string): Promise<Schedule> {
    return readSchedule(await withSchedule(id, (handle) => handle.describe()));
  }

  /** Calls the server about a schedule, and turns its errors into ones of this library. */
  async function withSchedule<T>(id: string, use: (handle: ScheduleHandle) => Promise<T>): Promise<T> {
    try {
      return await use(schedules.getHandle(id));
    } catch (error) {
      if (error instanceof ScheduleNotFoundError || grpcCode(error) === 'notFound')
        throw new ScheduleNotFound('schedule_not_found', { id });
      throw toClientError(error);
    }
  }

  function toClientError(error: unknown): unknown {
    return grpcCode(error) === 'unavailable' ? unreachable(address, error) : error;
  }

  /** The ids of all schedules that start our workflow. */
  async function ids(): Promise<string[]> {
    const found: string[] = [];
    try {
      for await (const { scheduleId, action } of schedules.list())
        if (action?.workflowType === WORKFLOW_TYPE) found.push(scheduleId);
    } catch (error) {
      throw toClientError(error);
    }
    return found.sort();
  }

  return {
    async add(id, options) {
      const {
        agent,
        input,
        cron,
        every,
        timezone,
        overlap = 'skip',
        catchup,
        paused,
        note,
        labels,
        by,
        ...limits
      } = options;
      const runInput: RunInput = { agent, input, ...limits };
      checkId(id);
      checkStart(runInput, id, { labels, by });
      const { memo, ...start } = startOptions(runInput, taskQueue, by);
      const listed = await listedOptions(client, agent, labels).catch((error) => {
        throw toClientError(error);
      });
      const schedule = {
        scheduleId: id,
        spec: scheduleSpec(options),
        policies: { overlap: temporalOverlap(overlap), catchupWindow: catchupMs(catchup ?? CATCHUP_DEFAULT) },
        state: { paused: paused === true, ...(note !== undefined && { note }) },
        action: {
          type: 'startWorkflow' as const,
          workflowType: WORKFLOW_TYPE,
          workflowId: id,
          ...start,
          memo: { ...memo, ...listed.memo },
          ...searchAttributes(listed.attributes),
        },
      };
      try {
        await client.schedule.create(schedule);
      } catch (error) {
        if (error instanceof ScheduleAlreadyRunning) throw new ScheduleExists('schedule_exists', { id });
        // The SDK turns the server's "Invalid schedule spec" into a TypeError.
        if (!(error instanceof TypeError)) throw toClientError(error);
        throw new InvalidSchedule('times_refused', { ...timesOf(options), message: error.message });
      }
      return get(id);
    },
    get,
    async list() {
      const all = await ids();
      const schedules: Schedule[] = [];
      for (let i = 0; i < all.length; i += DESCRIBE_CONCURRENCY) {
        const some = all.slice(i, i + DESCRIBE_CONCURRENCY).map((id) => get(id).catch(unlessGone));
        schedules.push(...(await Promise.all(some)).filter((schedule) => schedule !== null));
      }
      return schedules;
    },
    // The server ignores a pause with an empty note.
    pause: (id, note) => withSchedule(id, (handle) => handle.pause(note || PAUSED)),
    resume: (id, note) => withSchedule(id, (handle) => handle.unpause(note || RESUMED)),
    remove: (id) => withSchedule(id, (handle) => handle.delete()),
    run: (id) =>
      withSchedule(id, async (handle) => {
        const before = await handle.describe();
        // Pass the schedule's policy: Temporal's default would start a second run that the schedule does not track.
        await handle.trigger(before.policies.overlap);
        const started = await startedSince(handle, before);
        return started && runHandle(client, address, started.workflowId, started.firstExecutionRunId);
      }),
  };
}

/** The first run that started since `before`; null if the start was skipped or buffered. */
async function startedSince(handle: ScheduleHandle, before: ScheduleDescription) {
  const known = new Set(before.info.recentActions.map(({ action }) => action.workflow.firstExecutionRunId));
  const deadline = Date.now() + START_WAIT_MS;
  while (Date.now() < deadline) {
    const { info } = await handle.describe();
    const started = info.recentActions.find(({ action }) => !known.has(action.workflow.firstExecutionRunId));
    if (started) return started.action.workflow;
    if (info.numActionsSkippedOverlap > before.info.numActionsSkippedOverlap) return null;
    await sleep(POLL_MS);
  }
  return null;
}

function readSchedule({ scheduleId, spec, action, policies, state, info }: ScheduleDescription): Schedule {
  const [given] = action.args ?? [];
  const { agent, input } = (given === UNREADABLE ? { agent: given, input: given } : Object(given)) as Partial<
    Record<keyof RunInput, unknown>
  >;
  const last = info.recentActions.at(-1);
  return {
    id: scheduleId,
    agent: typeof agent === 'string' ? agent : null,
    input: typeof input === 'string' ? input : null,
    when: timesText(spec),
    timezone: spec.timezone || 'UTC',
    overlap: overlapNamed(policies.overlap),
    paused: state.paused,
    note: state.note || null,
    nextRunAtMs: state.paused ? null : (info.nextActionTimes[0]?.getTime() ?? null),
    lastRun: last
      ? {
          workflowId: last.action.workflow.workflowId,
          runId: last.action.workflow.firstExecutionRunId,
          startedAtMs: last.takenAt.getTime(),
        }
      : null,
    runs: info.numActionsTaken,
    skipped: info.numActionsSkippedOverlap,
  };
}

function timesOf({ cron, every, timezone }: ScheduleTimes): ScheduleTimes {
  return {
    ...(cron !== undefined && { cron }),
    ...(every !== undefined && { every }),
    ...(timezone !== undefined && { timezone }),
  };
}

/** Leaves out a schedule that is removed while the list is read. */
function unlessGone(error: unknown): null {
  if (error instanceof ScheduleNotFound) return null;
  throw error;
}

function checkId(id: string): void {
  if (id === '' || id.length > ID_CHARS_MAX)
    throw new InvalidSchedule('schedule_id_invalid', { id, charsMax: ID_CHARS_MAX });
}

const TEMPORAL_OVERLAP = {
  skip: 'SKIP',
  'buffer-one': 'BUFFER_ONE',
  'buffer-all': 'BUFFER_ALL',
  'cancel-other': 'CANCEL_OTHER',
  'terminate-other': 'TERMINATE_OTHER',
  'allow-all': 'ALLOW_ALL',
} as const satisfies Record<Overlap, string>;

function temporalOverlap(overlap: Overlap) {
  // Callers may be plain JavaScript.
  if (!OVERLAPS.includes(overlap)) throw new InvalidSchedule('overlap_unknown', { overlap, known: OVERLAPS });
  return TEMPORAL_OVERLAP[overlap];
}

function overlapNamed(temporal: ScheduleDescription['policies']['overlap']): Overlap {
  return OVERLAPS.find((overlap) => TEMPORAL_OVERLAP[overlap] === temporal) ?? 'skip';
}

function catchupMs(catchup: Duration): number {
  const ms = durationMs(catchup);
  if (ms >= CATCHUP_MIN_MS && ms <= CATCHUP_MAX_MS) return ms;
  throw new InvalidSchedule('catchup_invalid', { catchup });
}
