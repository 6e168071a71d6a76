// One activity in memory, over all of its attempts: timeouts, retries, heartbeats and cancellation as of Temporal's server.

import { tsToMs } from '@temporalio/common/lib/time.js';
import type { coresdk, temporal } from '@temporalio/proto';
import type { Clock } from '../clock.ts';
import { timestamp } from '../history.ts';
import type { ActivityResult, ActivityTask } from '../nativeWorker.ts';
import { api, core } from '../proto.ts';

type Command = coresdk.workflow_commands.IScheduleActivity;
export type Failure = temporal.api.failure.v1.IFailure;
type Payloads = temporal.api.common.v1.IPayload[] | null | undefined;
export type PendingActivityInfo = temporal.api.workflow.v1.IPendingActivityInfo;

const { TimeoutType, RetryState, PendingActivityState } = api.enums.v1;
const { ActivityCancelReason } = core.activity_task;

export type ActivityEnd =
  | { readonly how: 'completed'; readonly result: temporal.api.common.v1.IPayload | null | undefined }
  | { readonly how: 'failed' | 'timedOut'; readonly failure: Failure; readonly retryState: number }
  | { readonly how: 'canceled'; readonly details: Payloads };

/**
 * What happens to an attempt. `run`: the worker runs it. `lose`: it runs, and the worker is lost before it says so. `end`: it ends so,
 * without having run. `held`: it is under way until that is known, also if it is cancelled. Virtual time stands still meanwhile.
 */
export type ActivityFate = KnownFate | { readonly held: Promise<KnownFate> };

export type KnownFate = 'run' | 'lose' | { readonly end: ActivityEnd };

export interface ActivityWorker {
  runActivity(task: ActivityTask): void;
}

export interface ActivityOwner {
  readonly clock: Clock;
  readonly namespace: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly workflowType: string;
  /** Calls `take` once a worker of this queue has a place for it. */
  place(taskQueue: string, take: (worker: ActivityWorker) => void): () => void;
  newToken(activity: ActivityRun): Uint8Array;
  fateOf(activity: ActivityRun): ActivityFate;
  ended(activity: ActivityRun, end: ActivityEnd): void;
}

/** `limit.blobSize.error` of Temporal's server. */
const PAYLOAD_BYTES_MAX = 2 * 1024 * 1024;

/** What Temporal's server assumes where a retry policy says nothing. */
const RETRY = { initialMs: 1_000, coefficient: 2, maximumFactor: 100 };

export class ActivityRun {
  readonly scheduledEventId: number;
  command: Command;
  attempt = 1;
  isCancelRequested = false;
  /** Its end no longer matters to the workflow, which did not wait for it. */
  isForgotten = false;
  lastFailure: Failure | null = null;
  readonly #owner: ActivityOwner;
  readonly #scheduledMs: number;
  #attemptMs: number;
  #heartbeat: Payloads = null;
  #state: 'waiting' | 'held' | 'running' | 'over' = 'waiting';
  #token: Uint8Array | null = null;
  #worker: ActivityWorker | null = null;
  #isToBeLost = false;
  #nextMs: number | null = null;
  #lastEndMs: number | null = null;
  #stopWaiting: (() => void)[] = [];
  #stopDeadline: () => void = () => {};
  #stopHeartbeat: () => void = () => {};
  #stopToStart: () => void = () => {};
  #endWork: () => void = () => {};

  constructor(owner: ActivityOwner, command: Command, scheduledEventId: number) {
    this.#owner = owner;
    this.command = command;
    this.scheduledEventId = scheduledEventId;
    this.#scheduledMs = owner.clock.nowMs();
    this.#attemptMs = this.#scheduledMs;
    const toClose = msOf(command.scheduleToCloseTimeout);
    if (toClose > 0)
      this.#stopDeadline = owner.clock.at(this.#scheduledMs + toClose, () => this.#timeOut('SCHEDULE_TO_CLOSE'));
  }

  /** Starts an attempt, as soon as there is a worker for it. */
  start(): void {
    const { clock } = this.#owner;
    this.#attemptMs = clock.nowMs();
    this.#nextMs = null;
    const fate = this.#owner.fateOf(this);
    if (typeof fate !== 'object' || !('held' in fate)) return this.#meet(fate);
    this.#state = 'held';
    this.#endWork = clock.freeze();
    void fate.held.then((known) => {
      if (this.#state !== 'held') return;
      this.#clear();
      this.#meet(known);
    });
  }

  #meet(fate: KnownFate): void {
    if (typeof fate === 'object') {
      // Not within the task that scheduled it.
      this.#wait(0, () => this.#end(fate.end));
      return;
    }
    this.#isToBeLost = fate === 'lose';
    this.#stopWaiting.push(this.#owner.place(this.command.taskQueue ?? '', (worker) => this.#run(worker)));
    this.#expectStart();
  }

  #run(worker: ActivityWorker): void {
    const { clock } = this.#owner;
    const { command } = this;
    for (const stop of this.#stopWaiting.splice(0)) stop();
    const token = this.#owner.newToken(this);
    worker.runActivity({
      taskToken: token,
      start: {
        workflowNamespace: this.#owner.namespace,
        workflowType: this.#owner.workflowType,
        workflowExecution: { workflowId: this.#owner.workflowId, runId: this.#owner.runId },
        activityId: command.activityId,
        activityType: command.activityType,
        headerFields: command.headers,
        input: command.arguments,
        heartbeatDetails: this.#heartbeat,
        scheduledTime: timestamp(this.#scheduledMs),
        currentAttemptScheduledTime: timestamp(this.#attemptMs),
        startedTime: timestamp(clock.nowMs()),
        attempt: this.attempt,
        scheduleToCloseTimeout: command.scheduleToCloseTimeout ?? duration(0),
        startToCloseTimeout: command.startToCloseTimeout ?? command.scheduleToCloseTimeout,
        heartbeatTimeout: command.heartbeatTimeout,
        retryPolicy: command.retryPolicy,
        priority: command.priority,
        isLocal: false,
      },
    });
    [this.#worker, this.#token] = [worker, token];
    this.#state = 'running';
    this.#endWork = clock.begin();
    const toClose = msOf(command.startToCloseTimeout);
    if (toClose > 0) this.#wait(toClose, () => this.#timeOut('START_TO_CLOSE'));
    this.#expectHeartbeat();
  }

  /** While no worker has it. */
  #expectStart(): void {
    const { clock } = this.#owner;
    const toStart = msOf(this.command.scheduleToStartTimeout);
    if (this.#state !== 'waiting' || this.#nextMs !== null || toStart === 0) return;
    this.#stopToStart = clock.at(this.#attemptMs + toStart, () => this.#timeOut('SCHEDULE_TO_START'));
    this.#stopWaiting.push(() => this.#stopToStart());
  }

  heartbeat(details: Payloads): void {
    this.#heartbeat = details;
    this.#expectHeartbeat();
  }

  /** The worker has ended an attempt; one that timed out before is of no interest. */
  attemptEnded(token: Uint8Array, result: ActivityResult): void {
    if (this.#state !== 'running' || token !== this.#token) return;
    if (this.#isToBeLost || result.willCompleteAsync) {
      this.#isToBeLost = false;
      // Only time tells that its worker is gone, or somebody that it is complete.
      this.#endWork();
      return;
    }
    this.report(result);
  }

  /** What a worker reports, or somebody in its place. */
  report({ completed, failed, cancelled }: ActivityResult): void {
    this.#clear();
    if (completed && (completed.result?.data?.length ?? 0) > PAYLOAD_BYTES_MAX)
      this.#retryOr('failed', {
        message: 'Complete result exceeds size limit.',
        serverFailureInfo: { nonRetryable: true },
      });
    else if (completed) this.#end({ how: 'completed', result: completed.result });
    else if (cancelled && this.isCancelRequested)
      this.#end({ how: 'canceled', details: cancelled.failure?.canceledFailureInfo?.details?.payloads });
    else this.#retryOr('failed', (failed ?? cancelled)?.failure ?? { message: 'The worker did not say what it did.' });
  }

  /** Somebody changes the options of the activity, for the attempts to come. */
  change(options: Pick<Command, 'retryPolicy' | 'scheduleToStartTimeout'>): void {
    this.command = { ...this.command, ...options };
    if (!options.scheduleToStartTimeout) return;
    this.#stopToStart();
    this.#expectStart();
  }

  requestCancel(): void {
    this.isCancelRequested = true;
    if (this.#state === 'running')
      this.#tellWorker(ActivityCancelReason.CANCELLED, { isCancelled: true, isNotFound: false });
    else if (this.#state === 'waiting') {
      this.#clear();
      this.#end({ how: 'canceled', details: null });
    }
  }

  /** The run is over, and with it its activities. */
  abandon(): void {
    if (this.#state === 'running') this.#tellWorker(ActivityCancelReason.NOT_FOUND, { isNotFound: true });
    this.#clear();
    this.#stopDeadline();
    this.#state = 'over';
  }

  pending(): PendingActivityInfo {
    const { command } = this;
    const isRunning = this.#state === 'running';
    return {
      activityId: command.activityId,
      activityType: { name: command.activityType },
      state: this.isCancelRequested
        ? PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED
        : isRunning
          ? PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
          : PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED,
      attempt: this.attempt,
      maximumAttempts: command.retryPolicy?.maximumAttempts ?? 0,
      scheduledTime: timestamp(this.#nextMs ?? this.#attemptMs),
      ...(isRunning && { lastStartedTime: timestamp(this.#attemptMs) }),
      ...(this.#heartbeat && { heartbeatDetails: { payloads: this.#heartbeat } }),
      ...(this.lastFailure && { lastFailure: this.lastFailure }),
      ...(this.#lastEndMs !== null && { lastAttemptCompleteTime: timestamp(this.#lastEndMs) }),
      ...(this.#nextMs !== null && { nextAttemptScheduleTime: timestamp(this.#nextMs) }),
    };
  }

  #expectHeartbeat(): void {
    this.#stopHeartbeat();
    const ms = msOf(this.command.heartbeatTimeout);
    if (ms > 0 && this.#state === 'running')
      this.#stopHeartbeat = this.#owner.clock.at(this.#owner.clock.nowMs() + ms, () => this.#timeOut('HEARTBEAT'));
  }

  #timeOut(type: 'SCHEDULE_TO_CLOSE' | 'SCHEDULE_TO_START' | 'START_TO_CLOSE' | 'HEARTBEAT'): void {
    if (this.#state === 'over') return;
    if (this.#state === 'running') this.#tellWorker(ActivityCancelReason.TIMED_OUT, { isTimedOut: true });
    this.#clear();
    const failure: Failure = {
      message: `activity ${NAMES[type]} timeout`,
      source: 'Server',
      timeoutFailureInfo: {
        timeoutType: TimeoutType[`TIMEOUT_TYPE_${type}`],
        ...(this.#heartbeat && { lastHeartbeatDetails: { payloads: this.#heartbeat } }),
      },
    };
    // Neither is about the attempt.
    if (type === 'SCHEDULE_TO_START' || type === 'SCHEDULE_TO_CLOSE') this.#endTimedOut(failure, 'TIMEOUT');
    else this.#retryOr('timedOut', failure);
  }

  #retryOr(how: 'failed' | 'timedOut', failure: Failure): void {
    const { retryPolicy, scheduleToCloseTimeout } = this.command;
    const { maximumAttempts, nonRetryableErrorTypes } = retryPolicy ?? {};
    const info = failure.applicationFailureInfo;
    const give = (retryState: keyof typeof STATES) =>
      how === 'timedOut'
        ? this.#endTimedOut(failure, retryState)
        : this.#end({ how: 'failed', failure, retryState: STATES[retryState] });
    if (this.isCancelRequested) return give('CANCEL_REQUESTED');
    if (
      info?.nonRetryable ||
      failure.serverFailureInfo?.nonRetryable ||
      (info?.type && nonRetryableErrorTypes?.includes(info.type))
    )
      return give('NON_RETRYABLE_FAILURE');
    if (maximumAttempts && this.attempt >= maximumAttempts) return give('MAXIMUM_ATTEMPTS_REACHED');
    const nextMs = this.#owner.clock.nowMs() + (msOf(info?.nextRetryDelay) || this.#backoffMs());
    const toClose = msOf(scheduleToCloseTimeout);
    if (toClose > 0 && nextMs >= this.#scheduledMs + toClose) return give('TIMEOUT');
    this.lastFailure = failure;
    this.attempt += 1;
    this.#nextMs = nextMs;
    this.#lastEndMs = this.#owner.clock.nowMs();
    this.#wait(nextMs - this.#owner.clock.nowMs(), () => this.start());
  }

  #backoffMs(): number {
    const { initialInterval, backoffCoefficient, maximumInterval } = this.command.retryPolicy ?? {};
    const initialMs = msOf(initialInterval) || RETRY.initialMs;
    const mostMs = msOf(maximumInterval) || initialMs * RETRY.maximumFactor;
    return Math.min(mostMs, initialMs * (backoffCoefficient || RETRY.coefficient) ** (this.attempt - 1));
  }

  #endTimedOut(failure: Failure, retryState: keyof typeof STATES): void {
    const cause = this.lastFailure;
    this.#end({ how: 'timedOut', failure: { ...failure, ...(cause && { cause }) }, retryState: STATES[retryState] });
  }

  #end(end: ActivityEnd): void {
    this.#stopDeadline();
    this.#state = 'over';
    this.#owner.ended(this, end);
  }

  #wait(ms: number, due: () => void): void {
    this.#stopWaiting.push(this.#owner.clock.at(this.#owner.clock.nowMs() + ms, due));
  }

  #clear(): void {
    for (const stop of this.#stopWaiting.splice(0)) stop();
    this.#stopHeartbeat();
    this.#endWork();
    this.#endWork = () => {};
    this.#token = null;
    this.#state = 'waiting';
  }

  #tellWorker(reason: number, details: coresdk.activity_task.IActivityCancellationDetails): void {
    if (this.#token) this.#worker?.runActivity({ taskToken: this.#token, cancel: { reason, details } });
  }
}

/** In the words of the server. */
const NAMES = {
  SCHEDULE_TO_CLOSE: 'ScheduleToClose',
  SCHEDULE_TO_START: 'ScheduleToStart',
  START_TO_CLOSE: 'StartToClose',
  HEARTBEAT: 'Heartbeat',
} as const;

const STATES = {
  NON_RETRYABLE_FAILURE: RetryState.RETRY_STATE_NON_RETRYABLE_FAILURE,
  TIMEOUT: RetryState.RETRY_STATE_TIMEOUT,
  MAXIMUM_ATTEMPTS_REACHED: RetryState.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED,
  CANCEL_REQUESTED: RetryState.RETRY_STATE_CANCEL_REQUESTED,
} as const;

function msOf(length: Parameters<typeof tsToMs>[0]): number {
  return length ? tsToMs(length) : 0;
}

function duration(ms: number) {
  return timestamp(ms);
}
