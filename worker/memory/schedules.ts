// The schedules of a server in memory. Virtual time never jumps to the times of one by itself: only `advance` gets there.
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { Clock } from './clock.ts';
import type { Execution } from './execution/index.ts';
import type { Ref } from './execution/owner.ts';
import type { PayloadFields } from './fields.ts';
import { long, timestamp } from './history.ts';
import { api } from './proto.ts';
import { type ScheduleTimes, scheduleTimes } from './scheduleTimes.ts';
import { alreadyExists, MemoryServiceError, notFound, unimplemented } from './serviceError.ts';

type Action = temporal.api.workflow.v1.INewWorkflowExecutionInfo;
type Result = temporal.api.schedule.v1.IScheduleActionResult;

const { ScheduleOverlapPolicy: Overlap, WorkflowIdReusePolicy } = api.enums.v1;

/** As many as Temporal's server keeps and tells. */
const RECENT_MAX = 10;
const NEXT_MAX = 10;

/** What schedules need of their server. */
export interface ScheduleHost {
  readonly clock: Clock;
  /** Starts a workflow, and returns its run id. */
  start(request: temporal.api.workflowservice.v1.IStartWorkflowExecutionRequest): string;
  latest(workflowId: string): Execution | undefined;
  /** Calls `listener` for each execution that is over. */
  listenForClose(listener: (execution: Execution) => void): void;
}

interface Schedule {
  readonly id: string;
  readonly createdMs: number;
  readonly memo: temporal.api.common.v1.IMemo | null | undefined;
  readonly searchAttributes: temporal.api.common.v1.ISearchAttributes | null | undefined;
  updatedMs: number | null;
  times: ScheduleTimes;
  action: Action;
  overlap: number;
  policies: temporal.api.schedule.v1.ISchedulePolicies;
  isPaused: boolean;
  note: string;
  /** The run whose end the next one waits for. */
  running: Ref | null;
  /** Times of the starts that wait for the end of the run. */
  readonly waiting: number[];
  readonly recent: Result[];
  started: number;
  skipped: number;
  stopTimer: () => void;
}

export class Schedules {
  readonly #host: ScheduleHost;
  readonly #schedules = new Map<string, Schedule>();

  constructor(host: ScheduleHost) {
    this.#host = host;
    host.listenForClose((execution) => {
      for (const schedule of this.#schedules.values())
        if (schedule.running?.runId === execution.start.firstRunId) this.#ended(schedule);
    });
  }

  create({
    scheduleId,
    schedule,
    initialPatch,
    memo,
    searchAttributes,
  }: temporal.api.workflowservice.v1.ICreateScheduleRequest): void {
    const id = scheduleId ?? '';
    if (this.#schedules.has(id)) throw alreadyExists(`Schedule "${id}" is already registered.`);
    checkPatch(initialPatch);
    const created: Schedule = {
      id,
      createdMs: this.#nowMs,
      memo,
      searchAttributes,
      updatedMs: null,
      ...read(schedule),
      running: null,
      waiting: [],
      recent: [],
      started: 0,
      skipped: 0,
      stopTimer: () => {},
    };
    this.#schedules.set(id, created);
    this.#arm(created, this.#nowMs);
    this.#patch(created, initialPatch);
  }

  update({ scheduleId, schedule }: temporal.api.workflowservice.v1.IUpdateScheduleRequest): void {
    const found = this.#found(scheduleId);
    Object.assign(found, read(schedule), { updatedMs: this.#nowMs });
    this.#arm(found, this.#nowMs);
  }

  patch({ scheduleId, patch }: temporal.api.workflowservice.v1.IPatchScheduleRequest): void {
    const found = this.#found(scheduleId);
    checkPatch(patch);
    this.#patch(found, patch);
  }

  remove(scheduleId: string | null | undefined): void {
    const found = this.#found(scheduleId);
    found.stopTimer();
    this.#schedules.delete(found.id);
  }

  describe(scheduleId: string | null | undefined): temporal.api.workflowservice.v1.IDescribeScheduleResponse {
    const found = this.#found(scheduleId);
    const { times, action, policies, isPaused, note, running, recent, memo, searchAttributes } = found;
    return {
      schedule: {
        spec: times.spec,
        action: { startWorkflow: copyOf(action) },
        policies,
        state: { paused: isPaused, notes: note },
      },
      info: {
        actionCount: long(found.started),
        overlapSkipped: long(found.skipped),
        missedCatchupWindow: long(0),
        bufferSize: long(found.waiting.length),
        runningWorkflows: running ? [{ ...running }] : [],
        recentActions: [...recent],
        futureActionTimes: this.#next(found),
        createTime: timestamp(found.createdMs),
        ...(found.updatedMs !== null && { updateTime: timestamp(found.updatedMs) }),
      },
      memo: memo ?? null,
      searchAttributes: searchAttributes ?? null,
    };
  }

  list({
    query,
  }: temporal.api.workflowservice.v1.IListSchedulesRequest): temporal.api.schedule.v1.IScheduleListEntry[] {
    if (query) throw unimplemented('A server in memory lists schedules without a query.');
    return [...this.#schedules.values()].map((found) => ({
      scheduleId: found.id,
      memo: found.memo ?? null,
      searchAttributes: found.searchAttributes ?? null,
      info: {
        spec: found.times.spec,
        workflowType: { name: found.action.workflowType?.name ?? '' },
        paused: found.isPaused,
        notes: found.note,
        recentActions: [...found.recent],
        futureActionTimes: this.#next(found),
      },
    }));
  }

  get #nowMs(): number {
    return this.#host.clock.nowMs();
  }

  #found(id: string | null | undefined): Schedule {
    const found = this.#schedules.get(id ?? '');
    if (!found) throw notFound(`schedule not found: ${id}`);
    return found;
  }

  #next({ times }: Schedule) {
    const next: number[] = [];
    for (let atMs = times.next(this.#nowMs); atMs !== null && next.length < NEXT_MAX; atMs = times.next(atMs))
      next.push(atMs);
    return next.map(timestamp);
  }

  #patch(schedule: Schedule, patch: temporal.api.schedule.v1.ISchedulePatch | null | undefined): void {
    if (patch?.triggerImmediately) {
      const { overlapPolicy } = patch.triggerImmediately;
      // Ids of runs have times in whole seconds.
      this.#due(schedule, Math.floor(this.#nowMs / 1_000) * 1_000, overlapPolicy || schedule.overlap);
    }
    for (const [note, isPaused] of [
      [patch?.pause, true],
      [patch?.unpause, false],
    ] as const)
      if (note) Object.assign(schedule, { note, isPaused });
    this.#arm(schedule, this.#nowMs);
  }

  /** Waits for the next time after this one. */
  #arm(schedule: Schedule, afterMs: number): void {
    schedule.stopTimer();
    schedule.stopTimer = () => {};
    if (schedule.isPaused) return;
    const atMs = schedule.times.next(afterMs);
    if (atMs === null) return;
    const due = () => {
      // Times that have passed before this process came to it are left out.
      this.#arm(schedule, Math.max(atMs, this.#nowMs));
      this.#due(schedule, atMs, schedule.overlap);
    };
    schedule.stopTimer = this.#host.clock.at(atMs, due, 'person');
  }

  #due(schedule: Schedule, atMs: number, overlap: number): void {
    const { running, waiting } = schedule;
    if (overlap === Overlap.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL) {
      this.#start(schedule, atMs);
      return;
    }
    if (!running) {
      schedule.running = this.#start(schedule, atMs);
      return;
    }
    switch (overlap) {
      case Overlap.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL:
        waiting.push(atMs);
        return;
      case Overlap.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE:
        if (waiting.length === 0) waiting.push(atMs);
        else schedule.skipped += 1;
        return;
      case Overlap.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER:
        waiting.splice(0, waiting.length, atMs);
        this.#host.latest(running.workflowId)?.cancel('schedule');
        return;
      case Overlap.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER:
        waiting.splice(0, waiting.length, atMs);
        this.#host.latest(running.workflowId)?.terminate('schedule');
        return;
      default:
        schedule.skipped += 1;
    }
  }

  #ended(schedule: Schedule): void {
    schedule.running = null;
    while (!schedule.running && schedule.waiting.length > 0)
      schedule.running = this.#start(schedule, schedule.waiting.shift()!);
  }

  /** Returns null if a run of this second is there already. */
  #start(schedule: Schedule, atMs: number): Ref | null {
    const { action, id } = schedule;
    const workflowId = `${action.workflowId}-${new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z')}`;
    const { indexedFields } = action.searchAttributes ?? {};
    try {
      const runId = this.#host.start({
        ...copyOf(action),
        workflowId,
        workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
        searchAttributes: { indexedFields: { ...indexedFields, ...startedBy(id, atMs) } },
      });
      schedule.started += 1;
      schedule.recent.push({
        scheduleTime: timestamp(atMs),
        actualTime: timestamp(this.#nowMs),
        startWorkflowResult: { workflowId, runId },
      });
      if (schedule.recent.length > RECENT_MAX) schedule.recent.shift();
      return { workflowId, runId };
    } catch (error) {
      if (error instanceof MemoryServiceError) return null;
      throw error;
    }
  }
}

/** What Temporal's server adds to a run that a schedule has started. */
function startedBy(id: string, atMs: number): PayloadFields {
  const attribute = (value: string, type: string) => {
    const { metadata, data } = defaultPayloadConverter.toPayload(value)!;
    return { metadata: { ...metadata, type: Buffer.from(type) }, data };
  };
  return {
    TemporalScheduledById: attribute(id, 'Keyword'),
    TemporalScheduledStartTime: attribute(new Date(atMs).toISOString(), 'Datetime'),
  } as PayloadFields;
}

function read(given: temporal.api.schedule.v1.ISchedule | null | undefined) {
  const { spec, action, policies, state } = given ?? {};
  if (!action?.startWorkflow) throw unimplemented('A schedule in memory starts workflows, and nothing else.');
  if (state?.limitedActions) throw unimplemented('A schedule in memory has no remainingActions.');
  if (policies?.pauseOnFailure) throw unimplemented('A schedule in memory has no pauseOnFailure.');
  const overlap = policies?.overlapPolicy || Overlap.SCHEDULE_OVERLAP_POLICY_SKIP;
  return {
    times: scheduleTimes(spec ?? {}),
    action: copyOf(action.startWorkflow),
    overlap,
    policies: { ...policies, overlapPolicy: overlap },
    isPaused: state?.paused === true,
    note: state?.notes ?? '',
  };
}

function checkPatch(patch: temporal.api.schedule.v1.ISchedulePatch | null | undefined): void {
  if (patch?.backfillRequest && patch.backfillRequest.length > 0)
    throw unimplemented('A schedule in memory has no backfill.');
}

/** The client decodes in place what it reads. */
function copyOf(action: Action): Action {
  const { NewWorkflowExecutionInfo } = api.workflow.v1;
  return NewWorkflowExecutionInfo.decode(NewWorkflowExecutionInfo.encode(action).finish());
}
