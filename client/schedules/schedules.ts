// Agents on a cron expression or an interval: Temporal's own schedules, whose action is the start of a run.
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
import { InvalidSchedule, ScheduleExists, ScheduleNotFound, unreachable } from '../errors/errors.ts';
import { grpcCode } from '../errors/grpc.ts';
import { type RunHandle, runHandle } from '../runHandle.ts';
import { checkStart } from '../startable.ts';
import { type StartOptions, startOptions } from '../startOptions.ts';
import { type ScheduleTimes, scheduleSpec, timesText } from './scheduleTimes.ts';

/**
 * What becomes of a start while an earlier run is under way. `skip`: it is left out. `buffer-one`, `buffer-all`: it waits
 * for that run's end, one start or all of them. `cancel-other`, `terminate-other`: that run is ended first.
 * `allow-all`: both run.
 */
export type Overlap = (typeof OVERLAPS)[number];
export const OVERLAPS = ['skip', 'buffer-one', 'buffer-all', 'cancel-other', 'terminate-other', 'allow-all'] as const;

export interface ScheduleOptions extends ScheduleTimes, Omit<StartOptions, 'id'> {
  readonly agent: string;
  readonly input: string;
  /** `skip` when not said. */
  readonly overlap?: Overlap;
  /**
   * How late a start may be that the server missed because it was down.
   * @default '1h'
   */
  readonly catchup?: Duration;
  /** Added, and left paused until `resume`. */
  readonly paused?: boolean;
  readonly note?: string;
}

export interface Schedule {
  readonly id: string;
  /** null, as `input`, where the schedule was made elsewhere and starts its runs with something else. */
  readonly agent: string | null;
  readonly input: string | null;
  /** A cron expression, or `every 1h`. */
  readonly when: string;
  readonly timezone: string;
  readonly overlap: Overlap;
  readonly paused: boolean;
  readonly note: string | null;
  /** null while it is paused, and where no time is left that fits. */
  readonly nextRunAtMs: number | null;
  readonly lastRun: { readonly workflowId: string; readonly runId: string; readonly startedAtMs: number } | null;
  /** Runs started so far. */
  readonly runs: number;
  /** Starts left out so far, because a run was under way. */
  readonly skipped: number;
}

export interface Schedules {
  /** A run's workflow id is the schedule's with the time: `nightly-2026-01-08T03:00:00Z`. */
  add(id: string, options: ScheduleOptions): Promise<Schedule>;
  get(id: string): Promise<Schedule>;
  /** All that start agents, by id. One just added may take a second to be there. */
  list(): Promise<Schedule[]>;
  /** No run is started until `resume`; one under way goes on. */
  pause(id: string, note?: string): Promise<void>;
  resume(id: string, note?: string): Promise<void>;
  /** The schedule is gone; its runs stay, and one under way goes on. */
  remove(id: string): Promise<void>;
  /**
   * Starts a run now, also of a paused schedule, by its own overlap policy. null when none has begun: it is left out, or
   * waits, because a run is under way; or there is one of this very second.
   */
  run(id: string): Promise<RunHandle | null>;
}

/** The notes of a pause and a resume that say no more. */
export const PAUSED = 'paused';
const RESUMED = 'resumed';
/** A run's id is longer by `-2026-01-08T03:00:00Z`, and has 255 characters at most. */
const ID_CHARS_MAX = 230;
/** An hour without a server costs no run; after a night without one, it does not start a night's worth of runs at once. */
const CATCHUP_DEFAULT = '1h';
/** The server takes no less. */
const CATCHUP_MIN_MS = 10_000;
const CATCHUP_MAX_MS = 366 * 86_400_000;
/** Enough to be quick with hundreds of schedules, and no load for any server. */
const ASKED_AT_ONCE = 10;
/** The server starts a run within a fraction of a second; one that has not begun by then is kept back. */
const BEGIN_MS = 5_000;
const LOOK_MS = 50;

export function schedulesOf(client: Client, address: string, taskQueue: string): Schedules {
  async function get(id: string): Promise<Schedule> {
    return readSchedule(await asked(id, (handle) => handle.describe()));
  }

  /** What the server answers about a schedule; its errors as ones that a person can act on. */
  async function asked<T>(id: string, ask: (handle: ScheduleHandle) => Promise<T>): Promise<T> {
    try {
      return await ask(client.schedule.getHandle(id));
    } catch (error) {
      if (error instanceof ScheduleNotFoundError || grpcCode(error) === 'notFound')
        throw new ScheduleNotFound('schedule_not_found', { id });
      throw told(error);
    }
  }

  function told(error: unknown): unknown {
    return grpcCode(error) === 'unavailable' ? unreachable(address, error) : error;
  }

  /** The ids of all schedules that start our workflow. */
  async function ids(): Promise<string[]> {
    const found: string[] = [];
    try {
      for await (const { scheduleId, action } of client.schedule.list())
        if (action?.workflowType === WORKFLOW_TYPE) found.push(scheduleId);
    } catch (error) {
      throw told(error);
    }
    return found.sort();
  }

  return {
    async add(id, options) {
      const { agent, input, cron, every, timezone, overlap = 'skip', catchup, paused, note, ...limits } = options;
      const runInput: RunInput = { agent, input, ...limits };
      checkId(id);
      checkStart(runInput, id);
      const schedule = {
        scheduleId: id,
        spec: scheduleSpec(options),
        policies: { overlap: temporalOverlap(overlap), catchupWindow: catchupMs(catchup ?? CATCHUP_DEFAULT) },
        state: { paused: paused === true, ...(note !== undefined && { note }) },
        action: {
          type: 'startWorkflow' as const,
          workflowType: WORKFLOW_TYPE,
          workflowId: id,
          ...startOptions(runInput, taskQueue),
        },
      };
      try {
        await client.schedule.create(schedule);
      } catch (error) {
        if (error instanceof ScheduleAlreadyRunning) throw new ScheduleExists('schedule_exists', { id });
        // What the SDK makes of the server's "Invalid schedule spec".
        if (!(error instanceof TypeError)) throw told(error);
        throw new InvalidSchedule('times_refused', { ...timesOf(options), said: error.message });
      }
      return get(id);
    },
    get,
    async list() {
      const all = await ids();
      const schedules: Schedule[] = [];
      for (let i = 0; i < all.length; i += ASKED_AT_ONCE) {
        const some = all.slice(i, i + ASKED_AT_ONCE).map((id) => get(id).catch(unlessGone));
        schedules.push(...(await Promise.all(some)).filter((schedule) => schedule !== null));
      }
      return schedules;
    },
    // To the server, an empty note is no pause.
    pause: (id, note) => asked(id, (handle) => handle.pause(note || PAUSED)),
    resume: (id, note) => asked(id, (handle) => handle.unpause(note || RESUMED)),
    remove: (id) => asked(id, (handle) => handle.delete()),
    run: (id) =>
      asked(id, async (handle) => {
        const before = await handle.describe();
        // By its own policy: Temporal's default here would let a second run begin that the schedule then knows nothing of.
        await handle.trigger(before.policies.overlap);
        const begun = await beginning(handle, before);
        return begun && runHandle(client, address, begun.workflowId, begun.firstExecutionRunId);
      }),
  };
}

/** The first run that has begun since `before`; null where the start was left out, or waits. */
async function beginning(handle: ScheduleHandle, before: ScheduleDescription) {
  const known = new Set(before.info.recentActions.map(({ action }) => action.workflow.firstExecutionRunId));
  const deadline = Date.now() + BEGIN_MS;
  while (Date.now() < deadline) {
    const { info } = await handle.describe();
    const begun = info.recentActions.find(({ action }) => !known.has(action.workflow.firstExecutionRunId));
    if (begun) return begun.action.workflow;
    if (info.numActionsSkippedOverlap > before.info.numActionsSkippedOverlap) return null;
    await sleep(LOOK_MS);
  }
  return null;
}

function readSchedule({ scheduleId, spec, action, policies, state, info }: ScheduleDescription): Schedule {
  const { agent, input } = (action.args?.[0] ?? {}) as Partial<Record<keyof RunInput, unknown>>;
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

/** One that is removed while the list is made is not in it. */
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
  // Not every caller is checked by a compiler.
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
