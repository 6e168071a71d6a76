// The activities that an execution has under way.
import type { coresdk } from '@temporalio/proto';
import { isOfQueue } from '../fields.ts';
import { long } from '../history.ts';
import { core } from '../proto.ts';
import { type ActivityEnd, type ActivityFate, ActivityRun, type Failure } from './activityRun.ts';
import { IDENTITY, type Owner, type TaskRef } from './owner.ts';
import type { Command } from './taskCommands.ts';

const { ActivityCancellationType } = core.workflow_commands;

export class Activities {
  /** By the number of the command. */
  readonly pending = new Map<number, ActivityRun>();
  readonly #owner: Owner;
  readonly #fateOf: (activity: ActivityRun) => ActivityFate;

  constructor(owner: Owner, fateOf: (activity: ActivityRun) => ActivityFate) {
    this.#owner = owner;
    this.#fateOf = fateOf;
  }

  schedule(
    command: coresdk.workflow_commands.IScheduleActivity,
    task: TaskRef,
    userMetadata: Command['userMetadata'],
  ): void {
    const { seq } = command;
    const scheduledEventId = this.#owner.history.add(
      'activityTaskScheduledEventAttributes',
      {
        ...task,
        activityId: command.activityId,
        activityType: { name: command.activityType },
        taskQueue: { name: command.taskQueue },
        header: { fields: { ...command.headers } },
        input: { payloads: command.arguments ?? [] },
        scheduleToCloseTimeout: command.scheduleToCloseTimeout,
        scheduleToStartTimeout: command.scheduleToStartTimeout,
        startToCloseTimeout: command.startToCloseTimeout,
        heartbeatTimeout: command.heartbeatTimeout,
        retryPolicy: command.retryPolicy,
      },
      userMetadata,
    );
    const host = this.#owner.host;
    const activity = new ActivityRun(
      {
        clock: host.clock,
        namespace: host.namespace,
        ...this.#owner.ref,
        workflowType: this.#owner.start.type,
        place: (taskQueue, take) => host.place(taskQueue, take),
        newToken: (one) => host.newToken(one),
        fateOf: this.#fateOf,
        ended: (one, end) => this.#owner.happen(() => this.#ended(seq!, one, end)),
      },
      command,
      scheduledEventId,
    );
    this.pending.set(seq!, activity);
    activity.start();
  }

  #ended(seq: number, activity: ActivityRun, end: ActivityEnd): void {
    this.pending.delete(seq);
    const { scheduledEventId, attempt, lastFailure, command } = activity;
    const wasStarted = end.how !== 'timedOut' || !isOfQueue(end.failure);
    const startedEventId = wasStarted
      ? this.#owner.history.add('activityTaskStartedEventAttributes', {
          scheduledEventId,
          identity: IDENTITY,
          attempt,
          ...(lastFailure && { lastFailure }),
        })
      : 0;
    const ids = { scheduledEventId, startedEventId };
    const wrapped = (cause: Failure, retryState: number): Failure => ({
      message: end.how === 'timedOut' ? 'Activity task timed out' : 'Activity task failed',
      cause,
      activityFailureInfo: {
        scheduledEventId: long(scheduledEventId),
        startedEventId: long(startedEventId),
        identity: IDENTITY,
        activityType: { name: command.activityType },
        activityId: command.activityId,
        retryState,
      },
    });
    let result: coresdk.activity_result.IActivityResolution;
    if (end.how === 'completed') {
      const payload = end.result;
      this.#owner.history.add('activityTaskCompletedEventAttributes', {
        ...ids,
        identity: IDENTITY,
        ...(payload && { result: { payloads: [payload] } }),
      });
      result = { completed: { ...(payload && { result: payload }) } };
    } else if (end.how === 'canceled') {
      const details = { payloads: [...(end.details ?? [])] };
      this.#owner.history.add('activityTaskCanceledEventAttributes', { ...ids, identity: IDENTITY, details });
      result = {
        cancelled: { failure: wrapped({ message: 'Activity canceled', canceledFailureInfo: { details } }, 0) },
      };
    } else {
      const { failure, retryState } = end;
      if (end.how === 'failed')
        this.#owner.history.add('activityTaskFailedEventAttributes', {
          ...ids,
          identity: IDENTITY,
          failure,
          retryState,
        });
      else this.#owner.history.add('activityTaskTimedOutEventAttributes', { ...ids, failure, retryState });
      result = { failed: { failure: wrapped(failure, retryState) } };
    }
    if (!activity.isForgotten) this.#owner.give({ resolveActivity: { seq, result } });
  }

  cancel(seq: number, task: TaskRef): void {
    const activity = this.pending.get(seq);
    if (!activity) return;
    this.#owner.history.add('activityTaskCancelRequestedEventAttributes', {
      ...task,
      scheduledEventId: activity.scheduledEventId,
    });
    if (activity.command.cancellationType === ActivityCancellationType.TRY_CANCEL) activity.isForgotten = true;
    // What it ends with comes after this task.
    activity.requestCancel();
  }

  /** The execution is over, and nobody waits for them. */
  abandon(): void {
    for (const activity of this.pending.values()) activity.abandon();
    this.pending.clear();
  }
}
