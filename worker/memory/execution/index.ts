// One execution in memory: its history, its workflow tasks, and what it has under way. Commands are carried out as Temporal's server
// and core do.

import { defaultPayloadConverter } from '@temporalio/common';
import type { coresdk } from '@temporalio/proto';
import type { WaitKind } from '../clock.ts';
import { kindOf, merged, type Payload, type PayloadFields, seedOf } from '../fields.ts';
import { type Attributes, type Fields, HistoryWriter, long, timestamp } from '../history.ts';
import type { Activation } from '../nativeWorker.ts';
import { api } from '../proto.ts';
import { invalidArgument } from '../serviceError.ts';
import { Activities } from './activities.ts';
import type { Failure } from './activityRun.ts';
import { Others } from './others.ts';
import {
  type ExecutionHost,
  type ExecutionStart,
  IDENTITY,
  type Owner,
  type Ref,
  TASK_TIMEOUT_MS,
  type TaskRef,
} from './owner.ts';
import { type Command, type Job, order, TaskCommands } from './taskCommands.ts';
import { Timers } from './timers.ts';
import { type Outcome, type Update, Updates } from './updates.ts';
import { CachedWorkflow, type Recorded } from './workflow.ts';

const { WorkflowExecutionStatus: Status, WorkflowTaskFailedCause, RetryState } = api.enums.v1;

/** Where Temporal's server suggests to continue as new. */
const SUGGEST = { events: 4_096, bytes: 4 * 1024 * 1024 };

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
  readonly activities: Activities;
  readonly others: Others;
  readonly #host: ExecutionHost;
  readonly #timers: Timers;
  readonly #updates: Updates;
  readonly #workflow: CachedWorkflow;
  #jobs: Job[] = [];
  /** Happens after the task that is being carried out. */
  readonly #later: (() => void)[] = [];
  #isInTask = false;
  #isTaskDue = false;
  #stopWaiting: () => void = () => {};
  #failedTasks = 0;
  /** What is known of the history when its last task begins. */
  #known = { length: 0, bytes: 0, isLong: false };
  readonly #watchers = new Set<() => void>();
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
    const owner: Owner = {
      host,
      start,
      ref: this.ref,
      history: this.history,
      happen: (what) => this.#happen(what),
      give: (job) => this.#give(job),
    };
    this.activities = new Activities(owner, (activity) => host.fateOf(activity, this));
    this.others = new Others(owner);
    this.#timers = new Timers(owner);
    this.#updates = new Updates(owner);
    this.#workflow = new CachedWorkflow(host, start);
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
    return this.isOpen && (this.#isInTask || this.#jobs.length > 0);
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
    return this.#updates.send(id, name, input, headers);
  }

  updateOf(id: string): Update | undefined {
    return this.#updates.get(id);
  }

  answerTo(update: Update, isAcceptedEnough: boolean): { readonly outcome: Outcome | null } | null {
    return this.#updates.answerTo(update, { isAcceptedEnough, isOpen: this.isOpen });
  }

  /** Calls `listener` whenever an update has an answer or the execution is over. */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  /** Asks the workflow, after everything that has happened. */
  query(type: string, args: readonly Payload[], headers: PayloadFields | null | undefined): Promise<Payload | null> {
    return this.#oneAtATime(async () => {
      await this.#workflow.load();
      const asked = { queryId: 'query', queryType: type, arguments: [...args], headers: { ...headers } };
      const { successful, failed } = await this.#workflow.activate(this.#activation([{ queryWorkflow: asked }]));
      const answer = successful?.commands?.[0]?.respondToQuery;
      if (!this.isOpen) await this.#workflow.evict();
      if (answer?.succeeded) return answer.succeeded.response ?? null;
      throw invalidArgument(failed?.failure?.message ?? answer?.failed?.message ?? 'The query has no answer.');
    });
  }

  /** The workflow is replayed with its next task. */
  workerChanged(): void {
    this.#workflow.forget();
  }

  /** Drops the workflow from the worker, which replays it with its next task. */
  async evict(): Promise<void> {
    await this.#oneAtATime(() => this.#workflow.evict());
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

  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => undefined);
    return this.#host.busy(next);
  }

  #wake(): void {
    if (this.#isTaskDue || this.#jobs.length === 0 || !this.isOpen) return;
    const { taskQueue } = this.start;
    if (!this.#host.isServed(taskQueue)) {
      this.#stopWaiting();
      this.#stopWaiting = this.#host.whenServed(taskQueue, () => this.#wake());
      return;
    }
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
    const { events, bytes } = this.history;
    this.#known = {
      length: events.length + 2,
      bytes,
      isLong: events.length > SUGGEST.events || bytes > SUGGEST.bytes || this.#updates.areMany,
    };
    try {
      await this.#workflow.load();
      const task = new TaskCommands(this.activities.pending);
      const records: Recorded[] = [];
      let jobs: Job[] = [...given].sort((a, b) => order(a) - order(b));
      while (jobs.length > 0) {
        const activation = this.#activation(jobs);
        const { successful, failed } = await this.#workflow.activate(activation);
        if (failed) return await this.#taskFailed(given, this.#writeTask(startedMs), failed.failure ?? {});
        const commands = successful?.commands ?? [];
        records.push({ activation, flags: successful?.usedInternalFlags ?? [], commands });
        jobs = commands.flatMap((command) => task.take(command));
      }
      const kinds = await this.#kindsOf(task.commands);
      // The server takes no end while there is news: the workflow has to see it first.
      if (task.isEnd && this.#later.length > 0) return await this.#takenBack(given, this.#writeTask(startedMs));
      this.#failedTasks = 0;
      this.#workflow.record(records);
      if (task.isNothing && given.every(({ doUpdate }) => doUpdate)) {
        // A task that only refused updates leaves nothing.
        for (const command of task.commands) this.#carryOut(command, 0, kinds);
        return;
      }
      const flags = [...new Set(records.flatMap((record) => [...record.flags]))];
      const completed = this.history.add('workflowTaskCompletedEventAttributes', {
        ...this.#writeTask(startedMs),
        identity: IDENTITY,
        ...(flags.length > 0 && { sdkMetadata: { langUsedFlags: flags } }),
      });
      for (const command of task.commands) this.#carryOut(command, completed, kinds);
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
    const { bytes, isLong } = this.#known;
    // A replay reads both.
    const started = {
      scheduledEventId,
      identity: IDENTITY,
      historySizeBytes: bytes,
      ...(isLong && { suggestContinueAsNew: true }),
    };
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
    await this.#workflow.evict();
  }

  async #taskFailed(given: readonly Job[], task: TaskIds, failure: Failure): Promise<void> {
    this.#failedTasks += 1;
    this.history.add('workflowTaskFailedEventAttributes', {
      ...task,
      identity: IDENTITY,
      failure,
      cause: WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
    });
    await this.#workflow.evict();
    if (this.#failedTasks >= FAILED_TASKS_MAX)
      throw new Error(
        `The workflow task of ${this.start.workflowId} fails: ${failure.message}\n${failure.stackTrace ?? ''}`,
      );
    this.#jobs.unshift(...given);
  }

  #activation(jobs: readonly Job[]): Activation {
    const { length, bytes, isLong } = this.#known;
    return {
      runId: this.start.runId,
      timestamp: timestamp(this.#host.clock.nowMs()),
      isReplaying: false,
      historyLength: length,
      historySizeBytes: long(bytes),
      continueAsNewSuggested: isLong,
      jobs: [...jobs],
    };
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

  #announce(): void {
    for (const listener of [...this.#watchers]) listener();
  }

  // ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Of the timers that are started, by command. */
  async #kindsOf(commands: readonly Command[]): Promise<ReadonlyMap<Command, WaitKind>> {
    const kinds = new Map<Command, WaitKind>();
    for (const command of commands)
      if (command.startTimer && command.userMetadata)
        kinds.set(
          command,
          await kindOf(command.userMetadata, (payload) => this.#host.decode(payload, this.start.workflowId)),
        );
    return kinds;
  }

  #carryOut(command: Command, workflowTaskCompletedEventId: number, kinds: ReadonlyMap<Command, WaitKind>): void {
    const task = { workflowTaskCompletedEventId };
    const { userMetadata } = command;
    if (command.scheduleActivity) this.activities.schedule(command.scheduleActivity, task, userMetadata);
    else if (command.requestCancelActivity) this.activities.cancel(command.requestCancelActivity.seq!, task);
    else if (command.startTimer)
      this.#timers.start(command.startTimer, task, userMetadata, kinds.get(command) ?? 'itself');
    else if (command.cancelTimer) this.#timers.cancel(command.cancelTimer.seq!, task);
    else if (command.startChildWorkflowExecution)
      this.others.startChild(command.startChildWorkflowExecution, task, userMetadata);
    else if (command.cancelChildWorkflowExecution)
      this.others.cancelChild(command.cancelChildWorkflowExecution.childWorkflowSeq!, task);
    else if (command.signalExternalWorkflowExecution) this.others.signal(command.signalExternalWorkflowExecution, task);
    else if (command.requestCancelExternalWorkflowExecution)
      this.others.cancelOther(command.requestCancelExternalWorkflowExecution, task);
    else if (command.updateResponse) {
      this.#updates.respond(command.updateResponse);
      this.#announce();
    } else if (command.modifyWorkflowProperties) {
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
    this.#timers.stop();
    this.activities.abandon();
    this.#jobs = [];
    this.#later.splice(0);
    this.others.parentClosed();
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
    const { unseen } = this.#updates;
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
    for (const { id, name, input: args, headers: fields } of unseen) following.update(id, name, args, fields);
  }
}

interface TaskIds {
  readonly scheduledEventId: number;
  readonly startedEventId: number;
}
