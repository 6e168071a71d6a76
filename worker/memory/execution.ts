// One execution in memory: its history, its workflow tasks, and what it has under way. Commands are carried out as Temporal's server
// and core do.

import { defaultPayloadConverter } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { coresdk, temporal } from '@temporalio/proto';
import { type ActivityEnd, type ActivityFate, ActivityRun, type Failure } from './activityRun.ts';
import { childEndOf } from './childEnd.ts';
import type { Clock } from './clock.ts';
import { isOfQueue, kindOf, merged, type Payload, type PayloadFields, seedOf } from './fields.ts';
import { type Attributes, type Fields, HistoryWriter, long, timestamp } from './history.ts';
import type { Activation, ActivityTask, Completion } from './nativeWorker.ts';
import { api, core } from './proto.ts';
import { invalidArgument, notFound } from './serviceError.ts';
import { type Command, type Job, order, sameCommands, TaskCommands } from './taskCommands.ts';

const { WorkflowExecutionStatus: Status, WorkflowTaskFailedCause, RetryState, ParentClosePolicy } = api.enums.v1;
const { ActivityCancellationType } = core.workflow_commands;

export const IDENTITY = 'memory';
const TASK_TIMEOUT_MS = 10_000;
/** Where Temporal's server suggests to continue as new. */
const SUGGEST = { events: 4_096, bytes: 4 * 1024 * 1024 };

export interface Ref {
  readonly workflowId: string;
  readonly runId: string;
}

export interface ExecutionStart extends Ref {
  readonly type: string;
  readonly taskQueue: string;
  readonly input: readonly Payload[];
  readonly headers?: PayloadFields | null | undefined;
  readonly memo?: PayloadFields | null | undefined;
  readonly searchAttributes?: PayloadFields | null | undefined;
  readonly userMetadata?: temporal.api.sdk.v1.IUserMetadata | null | undefined;
  readonly firstRunId: string;
  readonly continuedFromRunId?: string | undefined;
  readonly parent?: (Ref & { readonly initiatedEventId: number }) | undefined;
  readonly root?: Ref | undefined;
  readonly executionTimeoutMs?: number;
  readonly runTimeoutMs?: number;
}

/** What an execution needs of its server. */
export interface ExecutionHost {
  readonly clock: Clock;
  readonly namespace: string;
  activate(activation: Activation): Promise<Completion>;
  dispatch(taskQueue: string, task: ActivityTask): boolean;
  newToken(activity: ActivityRun): Uint8Array;
  fateOf(activity: ActivityRun, execution: Execution): ActivityFate;
  newRunId(): string;
  /** Work is under way until the promise settles. */
  busy<T>(work: Promise<T>): Promise<T>;
  start(start: ExecutionStart): Execution;
  /** The latest execution of this id. */
  latest(workflowId: string): Execution | undefined;
  byRun(runId: string): Execution | undefined;
  closed(execution: Execution): void;
  /** A workflow task fails again and again. */
  broken(error: Error): void;
}

interface Child {
  readonly seq: number;
  readonly workflowId: string;
  readonly type: string;
  readonly initiatedEventId: number;
  readonly closePolicy: number;
  startedEventId: number;
  runId: string;
}

interface Timer {
  readonly startedEventId: number;
  stop(): void;
}

export interface Outcome {
  readonly success?: temporal.api.common.v1.IPayloads | null;
  readonly failure?: Failure | null;
}

export interface Update {
  readonly id: string;
  readonly name: string;
  readonly input: readonly Payload[];
  readonly headers: PayloadFields | null | undefined;
  acceptedEventId: number | null;
  outcome: Outcome | null;
}

interface Recorded {
  readonly activation: Activation;
  readonly flags: readonly number[];
  readonly commands: readonly Command[];
}

/** Workflow tasks that fail one after another before those who wait learn of it. */
const FAILED_TASKS_MAX = 3;

export class Execution {
  readonly start: ExecutionStart;
  readonly order: number;
  readonly history: HistoryWriter;
  readonly startedMs: number;
  closedMs: number | null = null;
  status: number = Status.WORKFLOW_EXECUTION_STATUS_RUNNING;
  memo: PayloadFields;
  searchAttributes: PayloadFields;
  readonly activities = new Map<number, ActivityRun>();
  readonly #host: ExecutionHost;
  readonly #timers = new Map<number, Timer>();
  readonly #children = new Map<number, Child>();
  readonly #updates = new Map<string, Update>();
  readonly #records: Recorded[] = [];
  #jobs: Job[] = [];
  /** Happens after the task that is being carried out. */
  readonly #later: (() => void)[] = [];
  #isInTask = false;
  #isTaskDue = false;
  #isLoaded = false;
  #failedTasks = 0;
  #taskLength = 0;
  /** Tasks and queries come one after another. */
  #last: Promise<unknown> = Promise.resolve();

  /** `order`: among all executions of the server. */
  constructor(host: ExecutionHost, start: ExecutionStart, order: number) {
    const { clock } = host;
    this.#host = host;
    this.order = order;
    this.start = start;
    this.startedMs = clock.nowMs();
    this.history = new HistoryWriter(() => clock.nowMs());
    this.memo = start.memo ?? {};
    this.searchAttributes = start.searchAttributes ?? {};
    const { parent, root, continuedFromRunId } = start;
    const { executionTimeoutMs = 0, runTimeoutMs = 0 } = start;
    this.history.add(
      'workflowExecutionStartedEventAttributes',
      {
        workflowType: { name: start.type },
        workflowId: start.workflowId,
        taskQueue: { name: start.taskQueue },
        input: { payloads: [...start.input] },
        originalExecutionRunId: start.runId,
        firstExecutionRunId: start.firstRunId,
        identity: IDENTITY,
        attempt: 1,
        workflowTaskTimeout: timestamp(TASK_TIMEOUT_MS),
        workflowExecutionTimeout: timestamp(executionTimeoutMs),
        workflowRunTimeout: timestamp(runTimeoutMs),
        memo: { fields: { ...this.memo } },
        searchAttributes: { indexedFields: { ...this.searchAttributes } },
        ...(start.headers && { header: { fields: { ...start.headers } } }),
        ...(continuedFromRunId !== undefined && { continuedExecutionRunId: continuedFromRunId, initiator: 1 }),
        ...(parent && {
          parentWorkflowNamespace: host.namespace,
          parentWorkflowExecution: { workflowId: parent.workflowId, runId: parent.runId },
          parentInitiatedEventId: parent.initiatedEventId,
        }),
        ...(root && { rootWorkflowExecution: { ...root } }),
      },
      start.userMetadata,
    );
    const limitMs = Math.min(...[executionTimeoutMs, runTimeoutMs].filter((ms) => ms > 0));
    if (Number.isFinite(limitMs))
      clock.at(this.startedMs + limitMs, () =>
        this.#happen(() =>
          this.#close('TIMED_OUT', 'workflowExecutionTimedOutEventAttributes', {
            retryState: RetryState.RETRY_STATE_TIMEOUT,
          }),
        ),
      );
    this.#jobs.push({ initializeWorkflow: this.#initialize() });
    this.#wake();
  }

  get ref(): Ref {
    return { workflowId: this.start.workflowId, runId: this.start.runId };
  }

  get isOpen(): boolean {
    return this.status === Status.WORKFLOW_EXECUTION_STATUS_RUNNING;
  }

  /** Whether it is over, and no other execution of its run follows. */
  get isOver(): boolean {
    return !this.isOpen && this.status !== Status.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW;
  }

  get hasTask(): boolean {
    return this.isOpen && (this.#isInTask || this.#isTaskDue);
  }

  get pendingChildren(): readonly Ref[] {
    return [...this.#children.values()].map(({ workflowId, runId }) => ({ workflowId, runId }));
  }

  // ── From outside ──────────────────────────────────────────────────────────────────────────────────────────────────

  signal(
    name: string,
    input: readonly Payload[],
    { headers, from }: { headers?: PayloadFields | null | undefined; from?: Ref } = {},
  ): void {
    this.#happen(() => {
      this.history.add('workflowExecutionSignaledEventAttributes', {
        signalName: name,
        input: { payloads: [...input] },
        identity: IDENTITY,
        ...(headers && { header: { fields: { ...headers } } }),
        ...(from && { externalWorkflowExecution: { ...from } }),
      });
      this.#give({
        signalWorkflow: { signalName: name, input: [...input], identity: IDENTITY, headers: { ...headers } },
      });
    });
  }

  cancel(reason = '', from?: Ref): void {
    this.#happen(() => {
      this.history.add('workflowExecutionCancelRequestedEventAttributes', {
        cause: reason,
        identity: IDENTITY,
        ...(from && { externalWorkflowExecution: { ...from } }),
      });
      this.#give({ cancelWorkflow: { reason } });
    });
  }

  terminate(reason: string): void {
    this.#happen(() =>
      this.#close('TERMINATED', 'workflowExecutionTerminatedEventAttributes', { reason, identity: IDENTITY }),
    );
  }

  /** Delivers an update. */
  update(id: string, name: string, input: readonly Payload[], headers: PayloadFields | null | undefined): Update {
    const update: Update = { id, name, input, headers, acceptedEventId: null, outcome: null };
    this.#updates.set(id, update);
    this.#happen(() => this.#giveUpdate(update));
    return update;
  }

  /** One that was refused is forgotten: its id may be used again. */
  updateOf(id: string): Update | undefined {
    return this.#updates.get(id);
  }

  /** Asks the workflow, after everything that has happened. */
  query(type: string, args: readonly Payload[], headers: PayloadFields | null | undefined): Promise<Payload | null> {
    return this.#oneAtATime(async () => {
      await this.#load();
      const asked = { queryId: 'query', queryType: type, arguments: [...args], headers: { ...headers } };
      const { successful, failed } = await this.#host.activate(this.#activation([{ queryWorkflow: asked }]));
      const answer = successful?.commands?.[0]?.respondToQuery;
      if (!this.isOpen) await this.#evict();
      if (answer?.succeeded) return answer.succeeded.response ?? null;
      throw invalidArgument(failed?.failure?.message ?? answer?.failed?.message ?? 'The query has no answer.');
    });
  }

  /** Drops the workflow from the worker, which replays it with its next task. */
  async evict(): Promise<void> {
    await this.#oneAtATime(() => this.#evict());
  }

  // ── Tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Now, or after the task that is being carried out; nothing happens to an execution that is over. */
  #happen(what: () => void): void {
    if (!this.isOpen) return;
    const once = () => {
      if (this.isOpen) what();
    };
    if (this.#isInTask) this.#later.push(once);
    else {
      once();
      this.#wake();
    }
  }

  #give(job: Job): void {
    this.#jobs.push(job);
  }

  #giveUpdate({ id, name, input, headers }: Update): void {
    this.#give({
      doUpdate: {
        id,
        protocolInstanceId: id,
        name,
        input: [...input],
        headers: { ...headers },
        meta: { identity: IDENTITY, updateId: id },
        runValidator: true,
      },
    });
  }

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => undefined);
    return this.#host.busy(next);
  }

  #wake(): void {
    if (this.#isTaskDue || this.#jobs.length === 0 || !this.isOpen) return;
    this.#isTaskDue = true;
    this.#oneAtATime(async () => {
      this.#isTaskDue = false;
      await this.#task();
    }).catch((error) => this.#host.broken(error));
  }

  async #task(): Promise<void> {
    const given = this.#jobs.splice(0);
    if (!this.isOpen || given.length === 0) return;
    this.#isInTask = true;
    const startedMs = this.#host.clock.nowMs();
    this.#taskLength = this.history.events.length + 2;
    try {
      await this.#load();
      const task = new TaskCommands(this.activities);
      const records: Recorded[] = [];
      let jobs: Job[] = [...given].sort((a, b) => order(a) - order(b));
      while (jobs.length > 0) {
        const activation = this.#activation(jobs);
        const { successful, failed } = await this.#host.activate(activation);
        if (failed) return this.#taskFailed(given, this.#writeTask(startedMs), failed.failure ?? {});
        const commands = successful?.commands ?? [];
        records.push({ activation, flags: successful?.usedInternalFlags ?? [], commands });
        jobs = commands.flatMap((command) => task.take(command));
      }
      // The server takes no end while there is news: the workflow has to see it first.
      if (task.isEnd && this.#later.length > 0) return this.#takenBack(given, this.#writeTask(startedMs));
      this.#failedTasks = 0;
      this.#records.push(...records);
      if (task.isNothing && given.every(({ doUpdate }) => doUpdate)) {
        // A task that only refused updates leaves nothing.
        for (const command of task.commands) this.#carryOut(command, 0);
        return;
      }
      const flags = [...new Set(records.flatMap((record) => [...record.flags]))];
      const completed = this.history.add('workflowTaskCompletedEventAttributes', {
        ...this.#writeTask(startedMs),
        identity: IDENTITY,
        ...(flags.length > 0 && { sdkMetadata: { langUsedFlags: flags } }),
      });
      for (const command of task.commands) this.#carryOut(command, completed);
    } finally {
      this.#isInTask = false;
      for (const what of this.#later.splice(0)) what();
      this.#wake();
    }
  }

  /** Only once it is known that something follows from it. */
  #writeTask(startedMs: number): TaskIds {
    const scheduled = {
      taskQueue: { name: this.start.taskQueue },
      startToCloseTimeout: timestamp(TASK_TIMEOUT_MS),
      attempt: this.#failedTasks + 1,
    };
    const scheduledEventId = this.history.add('workflowTaskScheduledEventAttributes', scheduled, null, startedMs);
    const started = { scheduledEventId, identity: IDENTITY };
    const startedEventId = this.history.add('workflowTaskStartedEventAttributes', started, null, startedMs);
    return { scheduledEventId, startedEventId };
  }

  async #takenBack(given: readonly Job[], task: TaskIds): Promise<void> {
    this.history.add('workflowTaskFailedEventAttributes', {
      ...task,
      identity: IDENTITY,
      cause: WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
    });
    this.#jobs.unshift(...given);
    await this.#evict();
  }

  async #taskFailed(given: readonly Job[], task: TaskIds, failure: Failure): Promise<void> {
    this.#failedTasks += 1;
    this.history.add('workflowTaskFailedEventAttributes', {
      ...task,
      identity: IDENTITY,
      failure,
      cause: WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
    });
    await this.#evict();
    if (this.#failedTasks >= FAILED_TASKS_MAX)
      throw new Error(
        `The workflow task of ${this.start.workflowId} fails: ${failure.message}\n${failure.stackTrace ?? ''}`,
      );
    this.#jobs.unshift(...given);
  }

  #activation(jobs: readonly Job[]): Activation {
    const { events, bytes } = this.history;
    return {
      runId: this.start.runId,
      timestamp: timestamp(this.#host.clock.nowMs()),
      isReplaying: false,
      historyLength: this.#taskLength,
      historySizeBytes: long(bytes),
      continueAsNewSuggested: events.length > SUGGEST.events || bytes > SUGGEST.bytes,
      jobs: [...jobs],
    };
  }

  /** Replays the execution from its beginning if the worker does not have it. */
  async #load(): Promise<void> {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    for (const [at, { activation, flags, commands }] of this.#records.entries()) {
      const patches = commands.flatMap(({ setPatchMarker }) => (setPatchMarker ? [setPatchMarker.patchId!] : []));
      const { successful, failed } = await this.#host.activate({
        ...activation,
        isReplaying: true,
        availableInternalFlags: [...flags],
        jobs: [...patches.map((patchId) => ({ notifyHasPatch: { patchId } })), ...activation.jobs!],
      });
      if (failed || !sameCommands(commands, successful?.commands ?? []))
        throw new Error(
          `The replay of ${this.start.workflowId} does something else in activation ${at + 1}: ${failed?.failure?.message ?? ''}`,
        );
    }
  }

  async #evict(): Promise<void> {
    if (!this.#isLoaded) return;
    this.#isLoaded = false;
    await this.#host.activate({
      runId: this.start.runId,
      jobs: [{ removeFromCache: { message: 'evicted', reason: 0 } }],
    });
  }

  #initialize(): coresdk.workflow_activation.IInitializeWorkflow {
    const { start } = this;
    const { namespace } = this.#host;
    return {
      workflowType: start.type,
      workflowId: start.workflowId,
      arguments: [...start.input],
      randomnessSeed: long(seedOf(start.runId)),
      headers: { ...start.headers },
      identity: IDENTITY,
      ...(start.parent && {
        parentWorkflowInfo: { namespace, workflowId: start.parent.workflowId, runId: start.parent.runId },
      }),
      ...(start.root && { rootWorkflow: { ...start.root } }),
      workflowTaskTimeout: timestamp(TASK_TIMEOUT_MS),
      ...(start.continuedFromRunId !== undefined && {
        continuedFromExecutionRunId: start.continuedFromRunId,
        continuedInitiator: 1,
      }),
      firstExecutionRunId: start.firstRunId,
      attempt: 1,
      memo: { fields: { ...this.memo } },
      searchAttributes: { indexedFields: { ...this.searchAttributes } },
      startTime: timestamp(this.startedMs),
    };
  }

  // ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #carryOut(command: Command, workflowTaskCompletedEventId: number): void {
    const task = { workflowTaskCompletedEventId };
    const { userMetadata } = command;
    if (command.scheduleActivity) this.#schedule(command.scheduleActivity, task, userMetadata);
    else if (command.requestCancelActivity) this.#cancelActivity(command.requestCancelActivity.seq!, task);
    else if (command.startTimer) this.#startTimer(command.startTimer, task, userMetadata);
    else if (command.cancelTimer) this.#cancelTimer(command.cancelTimer.seq!, task);
    else if (command.startChildWorkflowExecution)
      this.#startChild(command.startChildWorkflowExecution, task, userMetadata);
    else if (command.cancelChildWorkflowExecution)
      this.#cancelChild(command.cancelChildWorkflowExecution.childWorkflowSeq!, task);
    else if (command.signalExternalWorkflowExecution) this.#signalOther(command.signalExternalWorkflowExecution, task);
    else if (command.updateResponse) this.#respond(command.updateResponse);
    else if (command.modifyWorkflowProperties) {
      const fields = command.modifyWorkflowProperties.upsertedMemo?.fields ?? {};
      this.memo = merged(this.memo, fields);
      this.history.add('workflowPropertiesModifiedEventAttributes', { ...task, upsertedMemo: { fields } });
    } else if (command.upsertWorkflowSearchAttributes) {
      const indexedFields = command.upsertWorkflowSearchAttributes.searchAttributes?.indexedFields ?? {};
      this.searchAttributes = merged(this.searchAttributes, indexedFields);
      this.history.add('upsertWorkflowSearchAttributesEventAttributes', {
        ...task,
        searchAttributes: { indexedFields },
      });
    } else if (command.setPatchMarker) {
      const { patchId, deprecated } = command.setPatchMarker;
      const data = defaultPayloadConverter.toPayload({ id: patchId, deprecated: deprecated === true })!;
      this.history.add('markerRecordedEventAttributes', {
        ...task,
        markerName: 'core_patch',
        details: { 'patch-data': { payloads: [data] } },
      });
    } else this.#carryOutEnd(command, task);
  }

  #carryOutEnd(command: Command, task: TaskRef): void {
    const { completeWorkflowExecution, failWorkflowExecution, continueAsNewWorkflowExecution: next } = command;
    if (completeWorkflowExecution) {
      const { result } = completeWorkflowExecution;
      this.#close('COMPLETED', 'workflowExecutionCompletedEventAttributes', {
        ...task,
        ...(result && { result: { payloads: [result] } }),
      });
    } else if (failWorkflowExecution)
      this.#close('FAILED', 'workflowExecutionFailedEventAttributes', {
        ...task,
        failure: failWorkflowExecution.failure ?? {},
        retryState: RetryState.RETRY_STATE_RETRY_POLICY_NOT_SET,
      });
    else if (command.cancelWorkflowExecution) this.#close('CANCELED', 'workflowExecutionCanceledEventAttributes', task);
    else if (next) this.#continueAsNew(next, task);
    else throw new TypeError(`A server in memory knows nothing of the command ${Object.keys(command).join(', ')}.`);
  }

  #schedule(
    command: coresdk.workflow_commands.IScheduleActivity,
    task: TaskRef,
    userMetadata: Command['userMetadata'],
  ): void {
    const { seq } = command;
    const scheduledEventId = this.history.add(
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
    const host = this.#host;
    const activity = new ActivityRun(
      {
        clock: host.clock,
        namespace: host.namespace,
        ...this.ref,
        workflowType: this.start.type,
        dispatch: (taskQueue, given) => host.dispatch(taskQueue, given),
        newToken: (one) => host.newToken(one),
        fateOf: (one) => host.fateOf(one, this),
        ended: (one, end) => this.#happen(() => this.#activityEnded(seq!, one, end)),
      },
      command,
      scheduledEventId,
    );
    this.activities.set(seq!, activity);
    activity.start();
  }

  #activityEnded(seq: number, activity: ActivityRun, end: ActivityEnd): void {
    this.activities.delete(seq);
    const { scheduledEventId, attempt, lastFailure, command } = activity;
    const wasStarted = end.how !== 'timedOut' || !isOfQueue(end.failure);
    const startedEventId = wasStarted
      ? this.history.add('activityTaskStartedEventAttributes', {
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
      this.history.add('activityTaskCompletedEventAttributes', {
        ...ids,
        identity: IDENTITY,
        ...(payload && { result: { payloads: [payload] } }),
      });
      result = { completed: { ...(payload && { result: payload }) } };
    } else if (end.how === 'canceled') {
      const details = { payloads: [...(end.details ?? [])] };
      this.history.add('activityTaskCanceledEventAttributes', { ...ids, identity: IDENTITY, details });
      result = {
        cancelled: { failure: wrapped({ message: 'Activity canceled', canceledFailureInfo: { details } }, 0) },
      };
    } else {
      const { failure, retryState } = end;
      if (end.how === 'failed')
        this.history.add('activityTaskFailedEventAttributes', { ...ids, identity: IDENTITY, failure, retryState });
      else this.history.add('activityTaskTimedOutEventAttributes', { ...ids, failure, retryState });
      result = { failed: { failure: wrapped(failure, retryState) } };
    }
    if (!activity.isForgotten) this.#give({ resolveActivity: { seq, result } });
  }

  #cancelActivity(seq: number, task: TaskRef): void {
    const activity = this.activities.get(seq);
    if (!activity) return;
    this.history.add('activityTaskCancelRequestedEventAttributes', {
      ...task,
      scheduledEventId: activity.scheduledEventId,
    });
    if (activity.command.cancellationType === ActivityCancellationType.TRY_CANCEL) activity.isForgotten = true;
    // What it ends with comes after this task.
    activity.requestCancel();
  }

  #startTimer(
    { seq, startToFireTimeout }: coresdk.workflow_commands.IStartTimer,
    task: TaskRef,
    userMetadata: Command['userMetadata'],
  ): void {
    const timerId = String(seq);
    const startedEventId = this.history.add(
      'timerStartedEventAttributes',
      { ...task, timerId, startToFireTimeout },
      userMetadata,
    );
    const { clock } = this.#host;
    const stop = clock.at(
      clock.nowMs() + tsToMs(startToFireTimeout),
      () =>
        this.#happen(() => {
          if (!this.#timers.delete(seq!)) return;
          this.history.add('timerFiredEventAttributes', { timerId, startedEventId });
          this.#give({ fireTimer: { seq: seq! } });
        }),
      kindOf(userMetadata),
    );
    this.#timers.set(seq!, { startedEventId, stop });
  }

  #cancelTimer(seq: number, task: TaskRef): void {
    const timer = this.#timers.get(seq);
    if (!timer) return;
    timer.stop();
    this.#timers.delete(seq);
    this.history.add('timerCanceledEventAttributes', {
      ...task,
      timerId: String(seq),
      startedEventId: timer.startedEventId,
      identity: IDENTITY,
    });
  }

  #startChild(
    command: coresdk.workflow_commands.IStartChildWorkflowExecution,
    task: TaskRef,
    userMetadata: Command['userMetadata'],
  ): void {
    const { namespace } = this.#host;
    const { seq, workflowId, workflowType, taskQueue, input, memo, searchAttributes, headers } = command;
    const fields = {
      ...task,
      namespace,
      workflowId,
      workflowType: { name: workflowType },
      taskQueue: { name: taskQueue },
      input: { payloads: input ?? [] },
      parentClosePolicy: command.parentClosePolicy,
      workflowIdReusePolicy: command.workflowIdReusePolicy,
      workflowExecutionTimeout: command.workflowExecutionTimeout,
      workflowRunTimeout: command.workflowRunTimeout,
      workflowTaskTimeout: timestamp(TASK_TIMEOUT_MS),
      header: { fields: { ...headers } },
      memo: { fields: { ...memo } },
      ...(searchAttributes && { searchAttributes }),
    };
    const initiatedEventId = this.history.add(
      'startChildWorkflowExecutionInitiatedEventAttributes',
      fields,
      userMetadata,
    );
    const child: Child = {
      seq: seq!,
      workflowId: workflowId!,
      type: workflowType!,
      initiatedEventId,
      closePolicy: command.parentClosePolicy ?? ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE,
      startedEventId: 0,
      runId: '',
    };
    this.#children.set(child.seq, child);
    const execution = { workflowId, workflowType: { name: workflowType }, namespace, initiatedEventId };
    if (this.#host.latest(workflowId!)) {
      this.#children.delete(child.seq);
      this.#happen(() => {
        this.history.add('startChildWorkflowExecutionFailedEventAttributes', { ...task, ...execution, cause: 1 });
        this.#give({
          resolveChildWorkflowExecutionStart: { seq: child.seq, failed: { workflowId, workflowType, cause: 1 } },
        });
      });
      return;
    }
    const runId = this.#host.newRunId();
    child.runId = runId;
    this.#happen(() => {
      child.startedEventId = this.history.add('childWorkflowExecutionStartedEventAttributes', {
        namespace,
        initiatedEventId,
        workflowExecution: { workflowId, runId },
        workflowType: { name: workflowType },
      });
      this.#give({ resolveChildWorkflowExecutionStart: { seq: child.seq, succeeded: { runId } } });
    });
    this.#host.start({
      workflowId: workflowId!,
      runId,
      firstRunId: runId,
      type: workflowType!,
      taskQueue: taskQueue || this.start.taskQueue,
      input: input ?? [],
      headers,
      memo,
      searchAttributes: searchAttributes?.indexedFields,
      userMetadata,
      parent: { ...this.ref, initiatedEventId },
      root: this.start.root ?? this.ref,
      executionTimeoutMs: command.workflowExecutionTimeout ? tsToMs(command.workflowExecutionTimeout) : 0,
      runTimeoutMs: command.workflowRunTimeout ? tsToMs(command.workflowRunTimeout) : 0,
    });
  }

  #cancelChild(seq: number, task: TaskRef): void {
    const child = this.#children.get(seq);
    if (!child) return;
    const { namespace } = this.#host;
    const workflowExecution = { workflowId: child.workflowId };
    const initiatedEventId = this.history.add('requestCancelExternalWorkflowExecutionInitiatedEventAttributes', {
      ...task,
      namespace,
      workflowExecution,
      childWorkflowOnly: true,
    });
    this.#host.latest(child.workflowId)?.cancel('', this.ref);
    this.#happen(() => {
      this.history.add('externalWorkflowExecutionCancelRequestedEventAttributes', {
        initiatedEventId,
        namespace,
        workflowExecution,
      });
    });
  }

  /** A child is over: with its last execution, if it continued as new. */
  childClosed(initiatedEventId: number, closed: Execution): void {
    this.#happen(() => {
      const child = [...this.#children.values()].find((one) => one.initiatedEventId === initiatedEventId);
      if (!child) return;
      this.#children.delete(child.seq);
      const { namespace } = this.#host;
      const fields = {
        namespace,
        workflowExecution: { workflowId: child.workflowId, runId: child.runId },
        workflowType: { name: child.type },
        initiatedEventId,
        startedEventId: child.startedEventId,
      };
      const { resolution, ...event } = childEndOf(closed.history.events.at(-1)!, fields);
      this.history.add(event.name, event.fields);
      this.#give({ resolveChildWorkflowExecution: { seq: child.seq, result: resolution } });
    });
  }

  #signalOther(command: coresdk.workflow_commands.ISignalExternalWorkflowExecution, task: TaskRef): void {
    const { namespace } = this.#host;
    const { seq, signalName, args, headers, childWorkflowId, workflowExecution: target } = command;
    const workflowId = childWorkflowId || target?.workflowId || '';
    const workflowExecution = { workflowId, ...(target?.runId && { runId: target.runId }) };
    const initiatedEventId = this.history.add('signalExternalWorkflowExecutionInitiatedEventAttributes', {
      ...task,
      namespace,
      workflowExecution,
      signalName,
      input: { payloads: args ?? [] },
      childWorkflowOnly: Boolean(childWorkflowId),
      header: { fields: { ...headers } },
    });
    const found = target?.runId ? this.#host.byRun(target.runId) : this.#host.latest(workflowId);
    const isHeard = found?.isOpen === true;
    if (isHeard) found.signal(signalName!, args ?? [], { headers, from: this.ref });
    this.#happen(() => {
      const fields = { initiatedEventId, namespace, workflowExecution };
      if (isHeard) this.history.add('externalWorkflowExecutionSignaledEventAttributes', fields);
      else
        this.history.add('signalExternalWorkflowExecutionFailedEventAttributes', {
          ...fields,
          ...task,
          cause: 1,
        });
      const failure = { message: 'Unable to signal external workflow because it was not found' };
      this.#give({ resolveSignalExternalWorkflow: { seq: seq!, ...(!isHeard && { failure }) } });
    });
  }

  #respond({ protocolInstanceId, accepted, rejected, completed }: coresdk.workflow_commands.IUpdateResponse): void {
    const update = this.#updates.get(protocolInstanceId ?? '');
    if (!update) return;
    const { id, name, input } = update;
    if (accepted)
      update.acceptedEventId = this.history.add('workflowExecutionUpdateAcceptedEventAttributes', {
        protocolInstanceId: id,
        acceptedRequestMessageId: `${id}/request`,
        acceptedRequest: {
          meta: { updateId: id, identity: IDENTITY },
          input: { name, args: { payloads: [...input] }, header: { fields: { ...update.headers } } },
        },
      });
    else if (rejected && update.acceptedEventId === null) {
      update.outcome = { failure: rejected };
      this.#updates.delete(id);
    } else {
      update.outcome = rejected ? { failure: rejected } : { success: { payloads: completed ? [completed] : [] } };
      this.history.add('workflowExecutionUpdateCompletedEventAttributes', {
        meta: { updateId: id, identity: IDENTITY },
        acceptedEventId: update.acceptedEventId,
        outcome: update.outcome,
      });
    }
    this.#announce();
  }

  // ── Ends ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #close<Name extends Attributes>(
    status: 'COMPLETED' | 'FAILED' | 'CANCELED' | 'TERMINATED' | 'TIMED_OUT' | 'CONTINUED_AS_NEW',
    event: Name,
    fields: Fields<Name>,
  ): void {
    // Before the event, which wakes those who wait for the end.
    this.status = Status[`WORKFLOW_EXECUTION_STATUS_${status}`];
    this.closedMs = this.#host.clock.nowMs();
    this.history.add(event, fields);
    for (const timer of this.#timers.values()) timer.stop();
    for (const activity of this.activities.values()) activity.abandon();
    this.activities.clear();
    this.#jobs = [];
    this.#later.splice(0);
    for (const { workflowId, closePolicy } of this.#children.values()) {
      const child = this.#host.latest(workflowId);
      if (closePolicy === ParentClosePolicy.PARENT_CLOSE_POLICY_REQUEST_CANCEL) child?.cancel('', this.ref);
      else if (closePolicy !== ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON)
        child?.terminate('by parent close policy');
    }
    this.#announce();
    this.#host.closed(this);
    void this.evict();
  }

  #continueAsNew(next: coresdk.workflow_commands.IContinueAsNewWorkflowExecution, task: TaskRef): void {
    const newRunId = this.#host.newRunId();
    const { workflowType, taskQueue, arguments: input, headers } = next;
    const memo = next.memo && Object.keys(next.memo).length > 0 ? next.memo : this.memo;
    const given = next.searchAttributes?.indexedFields;
    const searchAttributes = given && Object.keys(given).length > 0 ? given : this.searchAttributes;
    const waiting = [...this.#updates.values()].filter(
      ({ acceptedEventId, outcome }) => acceptedEventId === null && outcome === null,
    );
    this.#close('CONTINUED_AS_NEW', 'workflowExecutionContinuedAsNewEventAttributes', {
      ...task,
      newExecutionRunId: newRunId,
      workflowType: { name: workflowType || this.start.type },
      taskQueue: { name: taskQueue || this.start.taskQueue },
      input: { payloads: input ?? [] },
      header: { fields: { ...headers } },
      memo: { fields: { ...memo } },
      searchAttributes: { indexedFields: { ...searchAttributes } },
      initiator: 1,
    });
    const { parent, root, executionTimeoutMs = 0, runTimeoutMs = 0 } = this.start;
    const following = this.#host.start({
      workflowId: this.start.workflowId,
      runId: newRunId,
      firstRunId: this.start.firstRunId,
      continuedFromRunId: this.start.runId,
      type: workflowType || this.start.type,
      taskQueue: taskQueue || this.start.taskQueue,
      input: input ?? [],
      headers,
      memo,
      searchAttributes,
      userMetadata: this.start.userMetadata,
      parent,
      root,
      executionTimeoutMs,
      runTimeoutMs,
    });
    for (const { id, name, input: args, headers: fields } of waiting) following.update(id, name, args, fields);
  }

  readonly #watchers = new Set<() => void>();

  /** Calls `listener` whenever an update has an answer or the execution is over. */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  #announce(): void {
    for (const listener of [...this.#watchers]) listener();
  }

  /** The update's answer; throws if the execution is over without one. */
  answerTo(update: Update, isAcceptedEnough: boolean): { readonly outcome: Outcome | null } | null {
    if (update.outcome) return { outcome: update.outcome };
    if (update.acceptedEventId !== null && isAcceptedEnough) return { outcome: null };
    if (this.isOpen) return null;
    if (update.acceptedEventId === null) throw notFound('workflow execution already completed');
    return {
      outcome: {
        failure: {
          message: 'Workflow Update failed because the Workflow completed before the Update completed.',
          source: 'Server',
          applicationFailureInfo: { type: 'AcceptedUpdateCompletedWorkflow', nonRetryable: true },
        },
      },
    };
  }
}

interface TaskRef {
  readonly workflowTaskCompletedEventId: number;
}

interface TaskIds {
  readonly scheduledEventId: number;
  readonly startedEventId: number;
}
