// Writes the history of a simulated run, as Temporal's server would: what a run was given and what it asked for, task by
// task, so that the read model can be held against the workflow.
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { Failure, History, HistoryEvent, Payload } from '../../core/read/history.ts';
import type { Asked, Job } from './commands.ts';
import { TIMEOUT } from './failures.ts';

type Attributes = Omit<HistoryEvent, 'eventId' | 'eventTime'>;

export class Historian {
  readonly histories: { events: HistoryEvent[] }[] = [];
  private nowMs = 0;
  private runId = '';
  /** Events by the seq of the command that they came from, of this execution. */
  private scheduled = new Map<string, number>();
  /** Updates that were delivered, and the event that accepted each. */
  private readonly updates = new Map<string, { readonly name: string; readonly args: Payload[]; accepted?: number }>();
  /** Commands of the task at hand: one that is cancelled in its own task leaves no event. */
  private commands: Asked[] = [];

  /** The histories so far: one for each execution. */
  get chain(): readonly History[] {
    return this.histories;
  }

  /** A task is given to the workflow. */
  begin(jobs: readonly Job[], runId: string, nowMs: number): void {
    this.nowMs = nowMs;
    this.runId = runId;
    for (const job of jobs) this.receive(job);
    this.write({ workflowTaskStartedEventAttributes: {} });
    this.write({ workflowTaskCompletedEventAttributes: {} });
    this.commands = [];
  }

  command(command: Asked): void {
    this.commands.push(command);
  }

  /** What was cancelled in the task that asked for it never reached the server. */
  drop(kind: 'activity' | 'child', seq: number): void {
    this.commands = this.commands.filter((command) => !(command.kind === kind && command.seq === seq));
  }

  /** The task is over. */
  end(): void {
    for (const command of this.commands.splice(0)) this.carryOut(command);
  }

  private receive(job: Job): void {
    const { initializeWorkflow, resolveActivity, fireTimer, signalWorkflow, doUpdate } = job;
    if (initializeWorkflow) {
      this.histories.push({ events: [] });
      this.scheduled = new Map();
      this.write({
        workflowExecutionStartedEventAttributes: {
          workflowId: initializeWorkflow.workflowId ?? '',
          input: { payloads: payloadsOf(initializeWorkflow.arguments) },
          originalExecutionRunId: this.runId,
          firstExecutionRunId: this.runId.replace(/-chain-\d+$/, '-chain'),
        },
      });
    } else if (resolveActivity) this.resolveActivity(resolveActivity);
    else if (fireTimer) this.write({ timerFiredEventAttributes: { startedEventId: this.of('timer', fireTimer.seq) } });
    else if (signalWorkflow)
      this.write({
        workflowExecutionSignaledEventAttributes: {
          signalName: signalWorkflow.signalName ?? '',
          input: { payloads: payloadsOf(signalWorkflow.input) },
        },
      });
    else if (job.cancelWorkflow) this.write({ workflowExecutionCancelRequestedEventAttributes: {} });
    else if (doUpdate) this.updates.set(doUpdate.id!, { name: doUpdate.name!, args: payloadsOf(doUpdate.input) });
    else this.receiveOfChild(job);
  }

  private resolveActivity({ seq, result }: NonNullable<Job['resolveActivity']>): void {
    const scheduledEventId = this.of('activity', seq);
    this.write({ activityTaskStartedEventAttributes: { scheduledEventId, attempt: 1 } });
    const { completed, failed, cancelled } = result ?? {};
    if (completed)
      this.write({
        activityTaskCompletedEventAttributes: {
          scheduledEventId,
          result: { payloads: payloadsOf(completed.result ? [completed.result] : []) },
        },
      });
    else if (failed) {
      const failure = failureOf(failed.failure?.cause);
      const attributes = { scheduledEventId, failure };
      if (failure.timeoutFailureInfo) this.write({ activityTaskTimedOutEventAttributes: attributes });
      else this.write({ activityTaskFailedEventAttributes: attributes });
    } else {
      const details = cancelled?.failure?.cause?.canceledFailureInfo?.details;
      this.write({
        activityTaskCanceledEventAttributes: { scheduledEventId, details: { payloads: payloadsOf(details?.payloads) } },
      });
    }
  }

  private receiveOfChild({
    resolveChildWorkflowExecutionStart: start,
    resolveChildWorkflowExecution: ended,
  }: Job): void {
    if (start) {
      const workflowExecution = { workflowId: this.childOf(start.seq) };
      if (start.succeeded) this.write({ childWorkflowExecutionStartedEventAttributes: { workflowExecution } });
      else if (start.failed) this.write({ startChildWorkflowExecutionFailedEventAttributes: workflowExecution });
    }
    if (!ended) return;
    const workflowExecution = { workflowId: this.childOf(ended.seq) };
    const { completed, failed } = ended.result ?? {};
    if (completed)
      this.write({
        childWorkflowExecutionCompletedEventAttributes: {
          workflowExecution,
          result: { payloads: payloadsOf(completed.result ? [completed.result] : []) },
        },
      });
    else if (!failed) this.write({ childWorkflowExecutionCanceledEventAttributes: { workflowExecution } });
    else {
      const cause = failed.failure?.cause;
      if (cause?.terminatedFailureInfo)
        this.write({ childWorkflowExecutionTerminatedEventAttributes: { workflowExecution } });
      else if (cause?.timeoutFailureInfo?.timeoutType === TIMEOUT.startToClose)
        this.write({ childWorkflowExecutionTimedOutEventAttributes: { workflowExecution } });
      else
        this.write({
          childWorkflowExecutionFailedEventAttributes: { workflowExecution, failure: failureOf(cause) },
        });
    }
  }

  private carryOut(command: Asked): void {
    switch (command.kind) {
      case 'activity': {
        const { id, type, input, seq } = command;
        const attributes = { activityId: id, activityType: { name: type }, input: { payloads: [payloadOf(input)] } };
        this.remember('activity', seq, this.write({ activityTaskScheduledEventAttributes: attributes }));
        return;
      }
      case 'timer': {
        const { seq, summary } = command;
        const userMetadata = summary === null ? null : { summary: payloadOf(summary) };
        this.remember('timer', seq, this.write({ timerStartedEventAttributes: {}, userMetadata }));
        return;
      }
      case 'child': {
        const { workflowId, seq } = command;
        this.write({ startChildWorkflowExecutionInitiatedEventAttributes: { workflowId } });
        this.children.set(seq, workflowId);
        return;
      }
      case 'update':
        return this.updated(command);
      case 'memo': {
        const fields = Object.fromEntries(
          Object.entries(command.fields).map(([name, value]) => [name, payloadOf(value)]),
        );
        this.write({ workflowPropertiesModifiedEventAttributes: { upsertedMemo: { fields } } });
        return;
      }
      case 'next': {
        const newExecutionRunId = `${this.runId.replace(/-chain-\d+$/, '-chain')}-${this.histories.length + 1}`;
        this.write({ workflowExecutionContinuedAsNewEventAttributes: { newExecutionRunId } });
        return;
      }
      case 'end':
        if (command.how === 'completed')
          this.write({
            workflowExecutionCompletedEventAttributes: { result: { payloads: [payloadOf(command.said)] } },
          });
        if (command.how === 'cancelled') this.write({ workflowExecutionCanceledEventAttributes: {} });
        return;
    }
  }

  private readonly children = new Map<number, string>();

  /** An update that its validator has rejected leaves no event. */
  private updated({ id, state, said }: Extract<Asked, { kind: 'update' }>): void {
    const update = this.updates.get(id);
    if (!update) return;
    if (state === 'accepted') {
      const input = { name: update.name, args: { payloads: update.args } };
      update.accepted = this.write({ workflowExecutionUpdateAcceptedEventAttributes: { acceptedRequest: { input } } });
    } else if (update.accepted !== undefined)
      this.write({
        workflowExecutionUpdateCompletedEventAttributes: {
          acceptedEventId: update.accepted,
          outcome: state === 'completed' ? { success: { payloads: [payloadOf(said)] } } : {},
        },
      });
  }

  private remember(kind: string, seq: number, eventId: number): void {
    this.scheduled.set(`${kind} ${seq}`, eventId);
  }

  private of(kind: string, seq: number | null | undefined): number {
    return this.scheduled.get(`${kind} ${seq}`) ?? 0;
  }

  private childOf(seq: number | null | undefined): string {
    return this.children.get(seq ?? -1) ?? '';
  }

  private write(attributes: Attributes): number {
    const { events } = this.histories.at(-1)!;
    const eventId = events.length + 1;
    events.push({
      eventId,
      eventTime: { seconds: Math.floor(this.nowMs / 1_000), nanos: (this.nowMs % 1_000) * 1_000_000 },
      ...attributes,
    });
    return eventId;
  }
}

type ProtoPayload = temporal.api.common.v1.IPayload;

function payloadsOf(payloads: readonly ProtoPayload[] | null | undefined): Payload[] {
  return (payloads ?? []).map(({ metadata, data }) => ({ metadata: metadata ?? null, data: data ?? null }));
}

function payloadOf(value: unknown): Payload {
  return payloadsOf([defaultPayloadConverter.toPayload(value)])[0]!;
}

function failureOf(failure: temporal.api.failure.v1.IFailure | null | undefined): Failure {
  const { message, applicationFailureInfo, timeoutFailureInfo, canceledFailureInfo } = failure ?? {};
  return {
    message: message ?? null,
    ...(applicationFailureInfo && {
      applicationFailureInfo: {
        type: applicationFailureInfo.type ?? null,
        details: { payloads: payloadsOf(applicationFailureInfo.details?.payloads) },
      },
    }),
    ...(timeoutFailureInfo && {
      timeoutFailureInfo: {
        timeoutType: timeoutFailureInfo.timeoutType ?? null,
        lastHeartbeatDetails: { payloads: payloadsOf(timeoutFailureInfo.lastHeartbeatDetails?.payloads) },
      },
    }),
    ...(canceledFailureInfo && { canceledFailureInfo: {} }),
  };
}
