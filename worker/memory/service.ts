// Temporal's service for clients, over a server in memory.

import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import type { ActivityRun } from './execution/activityRun.ts';
import type { Execution } from './execution/index.ts';
import { mayFollow } from './execution/others.ts';
import type { Update } from './execution/updates.ts';
import type { PayloadFields } from './fields.ts';
import { long, timestamp } from './history.ts';
import { api } from './proto.ts';
import { Schedules } from './schedules.ts';
import { msOf } from './scheduleTimes.ts';
import type { MemoryServer } from './server.ts';
import {
  alreadyExists,
  cancelled,
  deadlineExceeded,
  invalidArgument,
  notFound,
  unimplemented,
} from './serviceError.ts';
import { conditionOf } from './visibility.ts';

type Service = Client['workflowService'];

const { HistoryEventFilterType, UpdateWorkflowExecutionLifecycleStage: Stage, WorkflowIdConflictPolicy } = api.enums.v1;
const { ActivityOptions } = api.activity.v1;

/** After this, a long poll is answered without news, as by Temporal's server. */
const LONG_POLL_MS = 20_000;
/** After this, a query is no longer waited for. */
const QUERY_MS = 10_000;
const PAGE = 1_000;

type Ref = temporal.api.common.v1.IWorkflowExecution | null | undefined;
/** The methods of the service, which takes callbacks as well. */
type Methods = {
  readonly [Name in keyof Service as Service[Name] extends Method ? Name : never]?: (
    request: RequestOf<Service[Name]>,
  ) => Promise<unknown>;
};
// biome-ignore lint/suspicious/noExplicitAny: every method has a request of its own
type Method = (request: any) => Promise<unknown>;
type RequestOf<M> = M extends {
  (request: infer Request, callback: never): void;
  (request: infer _Same): Promise<unknown>;
}
  ? Request
  : never;

/** `signalOf`: what aborts the call that is being made. */
export function memoryService(server: MemoryServer, signalOf: () => AbortSignal | undefined): Service {
  function found(ref: Ref): Execution {
    const { workflowId, runId } = ref ?? {};
    const execution = runId ? server.byRun(runId) : server.latest(workflowId ?? '');
    if (!execution || execution.start.workflowId !== workflowId)
      throw notFound(`workflow not found for ID: ${workflowId}`);
    return execution;
  }

  /** Of a run that continued as new, what is sent to one of its executions is for the last. */
  function open(ref: Ref, firstRunId?: string | null): Execution {
    const execution = found(ref);
    if (firstRunId && execution.start.firstRunId !== firstRunId)
      throw notFound('workflow execution not found: its first execution is another');
    if (!execution.isOpen) throw notFound('workflow execution already completed');
    return execution;
  }

  /** Resolves with the first result of `ask` that is not null, asked again whenever something has happened. */
  async function when<T>(
    listen: (listener: () => void) => () => void,
    ask: () => T | null,
    limitMs: number,
  ): Promise<T | null> {
    const signal = signalOf();
    return new Promise((resolve, reject) => {
      const stops: (() => void)[] = [];
      const end = (act: () => void) => {
        for (const stop of stops.splice(0)) stop();
        act();
      };
      const look = () => {
        try {
          const answer = ask();
          if (answer !== null) end(() => resolve(answer));
        } catch (error) {
          end(() => reject(error));
        }
      };
      const timer = setTimeout(() => end(() => resolve(null)), limitMs);
      const abort = () => end(() => reject(cancelled()));
      stops.push(
        () => clearTimeout(timer),
        listen(look),
        server.listenForEnd((error) => end(() => reject(error))),
        () => signal?.removeEventListener('abort', abort),
      );
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
      else look();
    });
  }

  function start(request: temporal.api.workflowservice.v1.IStartWorkflowExecutionRequest) {
    const { workflowId, workflowType, taskQueue, input, memo, searchAttributes, header, userMetadata } = request;
    const before = server.latest(workflowId ?? '');
    if (before?.isOpen) {
      if (request.workflowIdConflictPolicy === WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING)
        return { runId: before.start.runId, started: false };
      throw alreadyExists('Workflow execution is already running.');
    }
    if (before && !mayFollow(before, request.workflowIdReusePolicy))
      throw alreadyExists('Workflow execution already finished.');
    const runId = server.newRunId();
    server.start({
      workflowId: workflowId!,
      runId,
      firstRunId: runId,
      type: workflowType?.name ?? '',
      taskQueue: taskQueue?.name ?? '',
      input: input?.payloads ?? [],
      headers: header?.fields,
      memo: memo?.fields,
      searchAttributes: searchAttributes?.indexedFields,
      userMetadata,
      executionTimeoutMs: msOf(request.workflowExecutionTimeout),
      runTimeoutMs: msOf(request.workflowRunTimeout),
    });
    return { runId, started: true };
  }

  async function updateAnswer(execution: Execution, update: Update, stage: number | null | undefined) {
    const isAcceptedEnough = stage !== Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED;
    const answer = await when(
      (listener) => execution.watch(listener),
      () => execution.answerTo(update, isAcceptedEnough),
      LONG_POLL_MS,
    );
    const updateRef = { workflowExecution: { ...execution.ref }, updateId: update.id };
    if (!answer) return { updateRef, stage: Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED };
    const { outcome } = answer;
    return {
      updateRef,
      ...(outcome && { outcome }),
      stage: outcome
        ? Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
        : Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED,
    };
  }

  function activityOf({
    workflowId,
    runId,
    activityId,
  }: {
    readonly workflowId?: string | null;
    readonly runId?: string | null;
    readonly activityId?: string | null | undefined;
  }): ActivityRun {
    const { pending } = open({ workflowId, runId }).activities;
    for (const activity of pending.values()) if (activity.command.activityId === activityId) return activity;
    throw notFound(`There is no activity ${activityId} under way in ${workflowId}.`);
  }

  function list(query: string | null | undefined): Execution[] {
    const condition = conditionOf(query ?? '');
    return server
      .all()
      .filter(condition)
      .sort((a, b) => (b.closedMs ?? b.startedMs) - (a.closedMs ?? a.startedMs) || b.order - a.order);
  }

  const schedules = new Schedules({
    clock: server.clock,
    start: (request) => start(request).runId,
    latest: (workflowId) => server.latest(workflowId),
    listenForClose: (listener) => server.listenForClose(listener),
  });

  const methods = {
    describeNamespace: async ({ namespace }) => ({ namespaceInfo: { name: namespace } }),
    startWorkflowExecution: async (request) => start(request),
    async signalWithStartWorkflowExecution(request) {
      const { workflowId, signalName, signalInput, header } = request;
      const running = server.latest(workflowId ?? '');
      const runId = running?.isOpen ? running.start.runId : start(request).runId;
      server.byRun(runId)!.signal(signalName!, signalInput?.payloads ?? [], { headers: header?.fields });
      return { runId };
    },
    async signalWorkflowExecution({ workflowExecution, signalName, input, header }) {
      open(workflowExecution).signal(signalName!, input?.payloads ?? [], { headers: header?.fields });
      return {};
    },
    async requestCancelWorkflowExecution({ workflowExecution, firstExecutionRunId, reason }) {
      open(workflowExecution, firstExecutionRunId).cancel(reason ?? '');
      return {};
    },
    async terminateWorkflowExecution({ workflowExecution, firstExecutionRunId, reason }) {
      open(workflowExecution, firstExecutionRunId).terminate(reason ?? '');
      return {};
    },
    async queryWorkflow({ execution: ref, query }) {
      const execution = found(ref);
      const { taskQueue } = execution.start;
      const isServed = await when(
        (listener) => server.whenServed(taskQueue, listener),
        () => server.isServed(taskQueue) || null,
        QUERY_MS,
      );
      if (!isServed) throw deadlineExceeded('context deadline exceeded');
      const answer = await execution.query(
        query?.queryType ?? '',
        query?.queryArgs?.payloads ?? [],
        query?.header?.fields as PayloadFields,
      );
      return { queryResult: { payloads: answer ? [answer] : [] } };
    },
    async updateWorkflowExecution({ workflowExecution, firstExecutionRunId, request, waitPolicy }) {
      const execution = found(workflowExecution);
      const id = request?.meta?.updateId || server.newRunId();
      const { name, args, header } = request?.input ?? {};
      const update =
        execution.updateOf(id) ??
        open(workflowExecution, firstExecutionRunId).update(id, name!, args?.payloads ?? [], header?.fields);
      return updateAnswer(execution, update, waitPolicy?.lifecycleStage);
    },
    async pollWorkflowExecutionUpdate({ updateRef, waitPolicy }) {
      const execution = found(updateRef?.workflowExecution);
      const update = execution.updateOf(updateRef?.updateId ?? '');
      if (!update) throw notFound(`There is no update ${updateRef?.updateId}.`);
      return updateAnswer(execution, update, waitPolicy?.lifecycleStage);
    },
    async getWorkflowExecutionHistory(request) {
      const { maximumPageSize, nextPageToken, waitNewEvent, historyEventFilterType } = request;
      const token = nextPageToken?.length ? readToken(nextPageToken) : null;
      const execution = found(token ? { ...request.execution, runId: token.runId } : request.execution);
      const { history, ref } = execution;
      const from = token?.from ?? 0;
      const listen = (listener: () => void) => history.listen(listener);
      if (historyEventFilterType === HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT) {
        const last = () => (execution.isOpen ? null : history.events.at(-1)!);
        const event = waitNewEvent ? await when(listen, last, LONG_POLL_MS) : last();
        return { history: { events: event ? [event] : [] }, nextPageToken: event ? EMPTY : writeToken(ref.runId, 0) };
      }
      const page = () => {
        const events = history.events.slice(from, from + (maximumPageSize || PAGE));
        return events.length > 0 || !execution.isOpen ? events : null;
      };
      const events = (waitNewEvent ? await when(listen, page, LONG_POLL_MS) : page()) ?? [];
      const next = from + events.length;
      const isAll = next >= history.events.length && (!waitNewEvent || !execution.isOpen);
      // What reads them may decode them in place.
      return {
        history: { events: events.map((event) => structuredCloneOf(event)) },
        nextPageToken: isAll ? EMPTY : writeToken(ref.runId, next),
      };
    },
    respondActivityTaskCompletedById: async ({ result, ...which }) =>
      activityOf(which).report({ completed: { result: result?.payloads?.[0] } }),
    respondActivityTaskFailedById: async ({ failure, ...which }) => activityOf(which).report({ failed: { failure } }),
    respondActivityTaskCanceledById: async ({ details, ...which }) =>
      activityOf(which).report({ cancelled: { failure: { canceledFailureInfo: { details } } } }),
    async updateActivityOptions({ execution: ref, id, activityOptions: given, updateMask }) {
      const { workflowId, runId } = found(ref).ref;
      const activity = activityOf({ workflowId, runId, activityId: id });
      for (const path of updateMask?.paths ?? []) {
        const change = changeOf(path, ActivityOptions.fromObject(given ?? {}), activity.command);
        if (!change) throw unimplemented(`A server in memory does not change ${path} of an activity.`);
        activity.change(change);
      }
      return {};
    },
    /** Of a program that has an attempt's token: the tool host of the worker. */
    recordActivityTaskHeartbeat: async ({ taskToken, details }) => ({
      cancelRequested: server.heartbeat(taskToken!, details?.payloads),
    }),
    async describeWorkflowExecution({ execution: ref }) {
      const execution = found(ref);
      return {
        executionConfig: { taskQueue: { name: execution.start.taskQueue } },
        workflowExecutionInfo: infoOf(execution),
        pendingActivities: [...execution.activities.pending.values()].map((activity) => activity.pending()),
        pendingChildren: execution.others.pendingChildren,
        ...(execution.hasTask && { pendingWorkflowTask: { attempt: 1 } }),
      };
    },
    async listWorkflowExecutions({ query, pageSize, nextPageToken }) {
      const from = nextPageToken?.length ? readToken(nextPageToken).from : 0;
      const all = list(query);
      const page = all.slice(from, from + (pageSize || PAGE));
      const next = from + page.length;
      return { executions: page.map(infoOf), nextPageToken: next < all.length ? writeToken('', next) : EMPTY };
    },
    countWorkflowExecutions: async ({ query }) => ({ count: long(list(query).length), groups: [] }),
    createSchedule: async (request) => {
      schedules.create(request);
      return { conflictToken: EMPTY };
    },
    describeSchedule: async ({ scheduleId }) => schedules.describe(scheduleId),
    listSchedules: async (request) => ({ schedules: schedules.list(request), nextPageToken: EMPTY }),
    patchSchedule: async (request) => {
      schedules.patch(request);
      return {};
    },
    updateSchedule: async (request) => {
      schedules.update(request);
      return {};
    },
    deleteSchedule: async ({ scheduleId }) => {
      schedules.remove(scheduleId);
      return {};
    },
  } satisfies Methods;

  return new Proxy(methods as unknown as Service, {
    get(_, name) {
      const method: Method | undefined = (methods as Methods)[name as keyof Methods];
      if (!method) return async () => Promise.reject(unimplemented(`A server in memory has no ${String(name)}.`));
      return method;
    },
  });
}

const EMPTY = new Uint8Array();

type Options = temporal.api.activity.v1.IActivityOptions;

/** `path`: a field of the options, as a mask names it. */
function changeOf(path: string, given: Options, { retryPolicy }: ActivityRun['command']) {
  if (path === 'retry_policy.maximum_attempts')
    return { retryPolicy: { ...retryPolicy, maximumAttempts: given.retryPolicy?.maximumAttempts } };
  if (path === 'schedule_to_start_timeout') return { scheduleToStartTimeout: given.scheduleToStartTimeout };
  return null;
}

function writeToken(runId: string, from: number): Uint8Array {
  return Buffer.from(JSON.stringify({ runId, from }));
}

function readToken(token: Uint8Array): { readonly runId: string; readonly from: number } {
  try {
    return JSON.parse(Buffer.from(token).toString());
  } catch {
    throw invalidArgument('Invalid next page token.');
  }
}

function structuredCloneOf(event: temporal.api.history.v1.IHistoryEvent): temporal.api.history.v1.IHistoryEvent {
  const { HistoryEvent } = api.history.v1;
  return HistoryEvent.decode(HistoryEvent.encode(event).finish());
}

function infoOf(execution: Execution): temporal.api.workflow.v1.IWorkflowExecutionInfo {
  const { start, ref, status, startedMs, closedMs, history, memo, searchAttributes } = execution;
  return {
    execution: { ...ref },
    type: { name: start.type },
    startTime: timestamp(startedMs),
    executionTime: timestamp(startedMs),
    ...(closedMs !== null && { closeTime: timestamp(closedMs) }),
    status,
    historyLength: long(history.events.length),
    historySizeBytes: long(history.bytes),
    memo: { fields: { ...memo } },
    searchAttributes: { indexedFields: { ...searchAttributes } },
    taskQueue: start.taskQueue,
    firstRunId: start.firstRunId,
    ...(start.parent && { parentExecution: { workflowId: start.parent.workflowId, runId: start.parent.runId } }),
    rootExecution: { ...(start.root ?? ref) },
  };
}
