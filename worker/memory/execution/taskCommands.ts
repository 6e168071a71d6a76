// The commands of one workflow task, and how those of two tasks compare.
import { isDeepStrictEqual } from 'node:util';
import type { coresdk } from '@temporalio/proto';
import { core } from '../proto.ts';
import type { ActivityRun, Failure } from './activityRun.ts';

export type Job = coresdk.workflow_activation.IWorkflowActivationJob;
export type Command = coresdk.workflow_commands.IWorkflowCommand;

const { ActivityCancellationType } = core.workflow_commands;

/** The commands of one task, before the server has any of them. */
export class TaskCommands {
  readonly commands: Command[] = [];
  isEnd = false;
  readonly #activities: ReadonlyMap<number, ActivityRun>;

  constructor(activities: ReadonlyMap<number, ActivityRun>) {
    this.#activities = activities;
  }

  /** Whether it did nothing but refuse updates. */
  get isNothing(): boolean {
    return this.commands.every(({ updateResponse }) => updateResponse?.rejected);
  }

  /** Adds a command; returns what it brings without the server, as jobs of another activation. */
  take(command: Command): Job[] {
    const { requestCancelActivity, cancelChildWorkflowExecution: cancelChild, cancelTimer } = command;
    if (requestCancelActivity) return this.#takeCancel(requestCancelActivity.seq!, command);
    if (cancelChild) {
      const seq = cancelChild.childWorkflowSeq!;
      const fresh = this.#drop(({ startChildWorkflowExecution: one }) => one?.seq === seq);
      if (!fresh) {
        this.commands.push(command);
        return [];
      }
      const { workflowId, workflowType } = fresh.startChildWorkflowExecution!;
      const failure: Failure = {
        message: 'Child Workflow Execution cancelled before scheduled',
        cause: { message: 'cancelled', canceledFailureInfo: {} },
        childWorkflowExecutionFailureInfo: { workflowExecution: { workflowId }, workflowType: { name: workflowType } },
      };
      return [{ resolveChildWorkflowExecutionStart: { seq, cancelled: { failure } } }];
    }
    if (cancelTimer && this.#drop(({ startTimer }) => startTimer?.seq === cancelTimer.seq)) return [];
    this.isEnd ||= Boolean(
      command.completeWorkflowExecution ||
        command.failWorkflowExecution ||
        command.cancelWorkflowExecution ||
        command.continueAsNewWorkflowExecution,
    );
    this.commands.push(command);
    return [];
  }

  #takeCancel(seq: number, command: Command): Job[] {
    const fresh = this.#drop(({ scheduleActivity }) => scheduleActivity?.seq === seq);
    const activity = fresh?.scheduleActivity ?? this.#activities.get(seq)?.command;
    if (!activity) return [];
    if (!fresh) {
      this.commands.push(command);
      if (activity.cancellationType === ActivityCancellationType.WAIT_CANCELLATION_COMPLETED) return [];
    }
    const failure: Failure = {
      message: 'Activity cancelled',
      cause: { message: 'Activity canceled', canceledFailureInfo: {} },
      activityFailureInfo: { activityId: activity.activityId, activityType: { name: activity.activityType } },
    };
    return [{ resolveActivity: { seq, result: { cancelled: { failure } } } }];
  }

  /** What is cancelled in the task that asked for it never reaches the server. */
  #drop(isIt: (command: Command) => boolean): Command | undefined {
    const at = this.commands.findIndex(isIt);
    return at < 0 ? undefined : this.commands.splice(at, 1)[0];
  }
}

/** As the SDK's core sorts the jobs of a task. */
export function order({ initializeWorkflow, signalWorkflow, doUpdate }: Job): number {
  if (initializeWorkflow) return 0;
  return signalWorkflow || doUpdate ? 1 : 2;
}

export function sameCommands(one: readonly Command[], other: readonly Command[]): boolean {
  return isDeepStrictEqual(comparable(one), comparable(other));
}

/** Stacks name lines of a bundle, and encryption is other each time. */
function comparable(commands: readonly Command[]): string {
  return JSON.stringify(commands, (key, value: unknown) => {
    if (key === 'stackTrace') return '';
    return isEncoded(value) ? value.metadata : value;
  });
}

/** A payload that a codec has encoded, in the JSON of the protocol: whose bytes are Base64. */
function isEncoded(value: unknown): value is { readonly metadata: object } {
  const { encoding } = Object((value as { readonly metadata?: unknown } | null)?.metadata) as Record<string, unknown>;
  return typeof encoding === 'string' && !Buffer.from(encoding, 'base64').toString().startsWith('json/');
}
