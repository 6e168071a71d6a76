// What an execution has to do with others: its children, and signals to any.
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { coresdk } from '@temporalio/proto';
import { timestamp } from '../history.ts';
import { api } from '../proto.ts';
import { childEndOf } from './childEnd.ts';
import { type Owner, type Peer, type Ref, TASK_TIMEOUT_MS, type TaskRef } from './owner.ts';
import type { Command } from './taskCommands.ts';

const { ParentClosePolicy, WorkflowExecutionStatus, WorkflowIdReusePolicy } = api.enums.v1;

interface Child {
  readonly seq: number;
  readonly workflowId: string;
  readonly type: string;
  readonly initiatedEventId: number;
  readonly closePolicy: number;
  startedEventId: number;
  runId: string;
}

export class Others {
  readonly #owner: Owner;
  readonly #children = new Map<number, Child>();

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  get pendingChildren(): readonly Ref[] {
    return [...this.#children.values()].map(({ workflowId, runId }) => ({ workflowId, runId }));
  }

  startChild(
    command: coresdk.workflow_commands.IStartChildWorkflowExecution,
    task: TaskRef,
    userMetadata: Command['userMetadata'],
  ): void {
    const { namespace } = this.#owner.host;
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
    const initiatedEventId = this.#owner.history.add(
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
    const before = this.#owner.host.latest(workflowId!);
    if (before && !mayFollow(before, command.workflowIdReusePolicy)) {
      this.#children.delete(child.seq);
      this.#owner.happen(() => {
        this.#owner.history.add('startChildWorkflowExecutionFailedEventAttributes', {
          ...task,
          ...execution,
          cause: 1,
        });
        this.#owner.give({
          resolveChildWorkflowExecutionStart: { seq: child.seq, failed: { workflowId, workflowType, cause: 1 } },
        });
      });
      return;
    }
    const runId = this.#owner.host.newRunId();
    child.runId = runId;
    this.#owner.happen(() => {
      child.startedEventId = this.#owner.history.add('childWorkflowExecutionStartedEventAttributes', {
        namespace,
        initiatedEventId,
        workflowExecution: { workflowId, runId },
        workflowType: { name: workflowType },
      });
      this.#owner.give({ resolveChildWorkflowExecutionStart: { seq: child.seq, succeeded: { runId } } });
    });
    this.#owner.host.start({
      workflowId: workflowId!,
      runId,
      firstRunId: runId,
      type: workflowType!,
      taskQueue: taskQueue || this.#owner.start.taskQueue,
      input: input ?? [],
      headers,
      memo,
      searchAttributes: searchAttributes?.indexedFields,
      userMetadata,
      parent: { ...this.#owner.ref, initiatedEventId },
      root: this.#owner.start.root ?? this.#owner.ref,
      executionTimeoutMs: command.workflowExecutionTimeout ? tsToMs(command.workflowExecutionTimeout) : 0,
      runTimeoutMs: command.workflowRunTimeout ? tsToMs(command.workflowRunTimeout) : 0,
    });
  }

  cancelChild(seq: number, task: TaskRef): void {
    const child = this.#children.get(seq);
    if (!child) return;
    const { namespace } = this.#owner.host;
    const workflowExecution = { workflowId: child.workflowId };
    const initiatedEventId = this.#owner.history.add('requestCancelExternalWorkflowExecutionInitiatedEventAttributes', {
      ...task,
      namespace,
      workflowExecution,
      childWorkflowOnly: true,
    });
    this.#owner.host.latest(child.workflowId)?.cancel('', this.#owner.ref);
    this.#owner.happen(() => {
      this.#owner.history.add('externalWorkflowExecutionCancelRequestedEventAttributes', {
        initiatedEventId,
        namespace,
        workflowExecution,
      });
    });
  }

  /** Of one that is no child. */
  cancelOther(command: coresdk.workflow_commands.IRequestCancelExternalWorkflowExecution, task: TaskRef): void {
    const { namespace } = this.#owner.host;
    const { seq, workflowExecution: target, reason } = command;
    const workflowId = target?.workflowId ?? '';
    const workflowExecution = { workflowId, ...(target?.runId && { runId: target.runId }) };
    const initiatedEventId = this.#owner.history.add('requestCancelExternalWorkflowExecutionInitiatedEventAttributes', {
      ...task,
      namespace,
      workflowExecution,
      reason,
    });
    const found = target?.runId ? this.#owner.host.byRun(target.runId) : this.#owner.host.latest(workflowId);
    // To cancel what is over is no fault.
    found?.cancel(reason ?? '', this.#owner.ref);
    this.#owner.happen(() => {
      const fields = { initiatedEventId, namespace, workflowExecution };
      if (found) this.#owner.history.add('externalWorkflowExecutionCancelRequestedEventAttributes', fields);
      else
        this.#owner.history.add('requestCancelExternalWorkflowExecutionFailedEventAttributes', {
          ...fields,
          ...task,
          cause: 1,
        });
      const failure = { message: 'Unable to cancel external workflow because it was not found' };
      this.#owner.give({ resolveRequestCancelExternalWorkflow: { seq: seq!, ...(!found && { failure }) } });
    });
  }

  /** A child is over: with its last execution, if it continued as new. */
  childClosed(initiatedEventId: number, closed: Peer): void {
    this.#owner.happen(() => {
      const child = [...this.#children.values()].find((one) => one.initiatedEventId === initiatedEventId);
      if (!child) return;
      this.#children.delete(child.seq);
      const { namespace } = this.#owner.host;
      const fields = {
        namespace,
        workflowExecution: { workflowId: child.workflowId, runId: child.runId },
        workflowType: { name: child.type },
        initiatedEventId,
        startedEventId: child.startedEventId,
      };
      const { resolution, ...event } = childEndOf(closed.history.events.at(-1)!, fields);
      this.#owner.history.add(event.name, event.fields);
      this.#owner.give({ resolveChildWorkflowExecution: { seq: child.seq, result: resolution } });
    });
  }

  signal(command: coresdk.workflow_commands.ISignalExternalWorkflowExecution, task: TaskRef): void {
    const { namespace } = this.#owner.host;
    const { seq, signalName, args, headers, childWorkflowId, workflowExecution: target } = command;
    const workflowId = childWorkflowId || target?.workflowId || '';
    const workflowExecution = { workflowId, ...(target?.runId && { runId: target.runId }) };
    const initiatedEventId = this.#owner.history.add('signalExternalWorkflowExecutionInitiatedEventAttributes', {
      ...task,
      namespace,
      workflowExecution,
      signalName,
      input: { payloads: args ?? [] },
      childWorkflowOnly: Boolean(childWorkflowId),
      header: { fields: { ...headers } },
    });
    const found = target?.runId ? this.#owner.host.byRun(target.runId) : this.#owner.host.latest(workflowId);
    const isHeard = found?.isOpen === true;
    if (isHeard) found.signal(signalName!, args ?? [], { headers, from: this.#owner.ref });
    this.#owner.happen(() => {
      const fields = { initiatedEventId, namespace, workflowExecution };
      if (isHeard) this.#owner.history.add('externalWorkflowExecutionSignaledEventAttributes', fields);
      else
        this.#owner.history.add('signalExternalWorkflowExecutionFailedEventAttributes', {
          ...fields,
          ...task,
          cause: 1,
        });
      const failure = { message: 'Unable to signal external workflow because it was not found' };
      this.#owner.give({ resolveSignalExternalWorkflow: { seq: seq!, ...(!isHeard && { failure }) } });
    });
  }

  /** The execution is over: its children go by the policy that they were started with. */
  parentClosed(): void {
    for (const { workflowId, closePolicy } of this.#children.values()) {
      const child = this.#owner.host.latest(workflowId);
      if (closePolicy === ParentClosePolicy.PARENT_CLOSE_POLICY_REQUEST_CANCEL) child?.cancel('', this.#owner.ref);
      else if (closePolicy !== ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON)
        child?.terminate('by parent close policy');
    }
  }
}

/** Whether another execution may have the id of this one. */
export function mayFollow({ isOpen, status }: Peer, policy: number | null | undefined): boolean {
  if (isOpen || policy === WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE) return false;
  const isFailed = status !== WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED;
  return policy !== WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY || isFailed;
}
