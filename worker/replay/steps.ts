// What a workflow task led to, in the same form whether history recorded it or the workflow code asks for it.
import { eventId, type HistoryEvent, type LongLike } from '../../core/read/history.ts';

/** One thing that a workflow task does. */
export interface Step {
  readonly kind: StepKind;
  /** The activity id, the timer's id, or the workflow id of the other run; null for what has none. */
  readonly id: string | null;
  /** The activity type (a tool's name, or `callModel`), the workflow type, the signal's name, or how the run ends. */
  readonly name: string | null;
}

export type StepKind =
  | 'activity'
  | 'activity_cancelled'
  | 'timer'
  | 'timer_cancelled'
  | 'sub_agent'
  | 'sub_agent_cancelled'
  | 'signal'
  | 'memo'
  | 'search_attributes'
  | 'end';

/** A step that history has, and its event. */
export interface RecordedStep extends Step {
  readonly eventId: number;
}

/** What the code asked for in one workflow task. */
export interface ReplayedTask {
  /** The id of the event with which the task started. */
  readonly startedEventId: number;
  readonly steps: readonly Step[];
  /** The message of the error that the code threw in it; null if none. */
  readonly failure: string | null;
}

interface Execution {
  readonly workflowId?: string | null;
}

/** The attributes of the events that a workflow task leads to, as far as they tell one step from another. */
interface StepAttributes {
  readonly workflowTaskCompletedEventId?: LongLike | null;
  readonly activityId?: string | null;
  readonly activityType?: { readonly name?: string | null } | null;
  readonly scheduledEventId?: LongLike | null;
  readonly timerId?: string | null;
  readonly workflowId?: string | null;
  readonly workflowType?: { readonly name?: string | null } | null;
  readonly workflowExecution?: Execution | null;
  readonly signalName?: string | null;
}

type StepOf = (attributes: StepAttributes, activityIds: ReadonlyMap<number, string>) => Step;

const step = (kind: StepKind, id?: string | null, name?: string | null): Step => ({
  kind,
  id: id || null,
  name: name || null,
});

/** Events of updates and markers are missing: the SDK itself makes and matches them. */
const EVENTS: Readonly<Record<string, StepOf>> = {
  activityTaskScheduled: ({ activityId, activityType }) => step('activity', activityId, activityType?.name),
  activityTaskCancelRequested: ({ scheduledEventId }, ids) =>
    step('activity_cancelled', ids.get(eventId(scheduledEventId))),
  timerStarted: ({ timerId }) => step('timer', timerId),
  timerCanceled: ({ timerId }) => step('timer_cancelled', timerId),
  startChildWorkflowExecutionInitiated: ({ workflowId, workflowType }) =>
    step('sub_agent', workflowId, workflowType?.name),
  requestCancelExternalWorkflowExecutionInitiated: ({ workflowExecution }) =>
    step('sub_agent_cancelled', workflowExecution?.workflowId),
  signalExternalWorkflowExecutionInitiated: ({ workflowExecution, signalName }) =>
    step('signal', workflowExecution?.workflowId, signalName),
  workflowPropertiesModified: () => step('memo'),
  upsertWorkflowSearchAttributes: () => step('search_attributes'),
  workflowExecutionCompleted: () => step('end', null, 'completed'),
  workflowExecutionFailed: () => step('end', null, 'failed'),
  workflowExecutionCanceled: () => step('end', null, 'cancelled'),
  workflowExecutionContinuedAsNew: () => step('end', null, 'continued as new'),
};

/** The steps of a history, by the id of the event with which their workflow task started. */
export function recordedTasks(events: readonly HistoryEvent[]): ReadonlyMap<number, readonly RecordedStep[]> {
  const tasks = new Map<number, RecordedStep[]>();
  const startedBy = new Map<number, number>();
  const activityIds = new Map<number, string>();
  for (const event of events) {
    const id = eventId(event.eventId);
    // Set whatever the type of the event, which the SDK writes as it likes.
    const completed = event.workflowTaskCompletedEventAttributes as { startedEventId?: LongLike } | null | undefined;
    if (completed) {
      const started = eventId(completed.startedEventId);
      startedBy.set(id, started);
      tasks.set(started, []);
      continue;
    }
    const found = stepOf(event, activityIds);
    if (!found) continue;
    if (found.step.kind === 'activity' && found.step.id !== null) activityIds.set(id, found.step.id);
    tasks.get(startedBy.get(found.completedBy) ?? 0)?.push({ eventId: id, ...found.step });
  }
  return tasks;
}

function stepOf(
  event: HistoryEvent,
  activityIds: ReadonlyMap<number, string>,
): { readonly step: Step; readonly completedBy: number } | undefined {
  for (const [type, read] of Object.entries(EVENTS)) {
    const attributes = (event as Record<string, unknown>)[`${type}EventAttributes`] as
      | StepAttributes
      | null
      | undefined;
    if (!attributes) continue;
    return { step: read(attributes, activityIds), completedBy: eventId(attributes.workflowTaskCompletedEventId) };
  }
  return undefined;
}

/** A command of the workflow code, as the SDK sends it to its core: which one it is, and its fields. */
export interface CoreCommand {
  readonly variant?: string;
  readonly [field: string]: unknown;
}

interface CommandFields extends StepAttributes {
  readonly seq?: number;
  readonly signalName?: string | null;
  readonly childWorkflowId?: string | null;
  readonly childWorkflowSeq?: number | null;
}

/** Turns the commands of a run's tasks into steps, one task after another: a cancellation names what it cancels by a number. */
export class CommandReader {
  readonly #activities = new Map<number, string>();
  readonly #children = new Map<number, string>();

  /** The steps of the commands of one task, as they get into history. */
  steps(commands: readonly CoreCommand[]): Step[] {
    const cancelled = new Set(commands.flatMap(cancels));
    const kept = commands.filter((command) => {
      // What is cancelled in the task that starts it never happens.
      const made = makes(command);
      return made === null || !cancelled.has(made);
    });
    const steps = kept.flatMap((command) => {
      const cancelledHere = cancels(command).some((what) => commands.some((other) => makes(other) === what));
      return cancelledHere ? [] : this.#step(command);
    });
    // The end of a run comes after all else that its task does.
    return [...steps.filter(({ kind }) => kind !== 'end'), ...steps.filter(({ kind }) => kind === 'end').slice(0, 1)];
  }

  #step(command: CoreCommand): Step[] {
    const fields = fieldsOf(command);
    const seq = fields.seq ?? 0;
    switch (command.variant) {
      case 'scheduleActivity': {
        // Its type is a text here, and an object in an event.
        const type = fields.activityType as unknown as string | null | undefined;
        this.#activities.set(seq, fields.activityId ?? '');
        return [step('activity', fields.activityId, type)];
      }
      case 'requestCancelActivity':
        return [step('activity_cancelled', this.#activities.get(seq))];
      case 'startTimer':
        return [step('timer', String(seq))];
      case 'cancelTimer':
        return [step('timer_cancelled', String(seq))];
      case 'startChildWorkflowExecution': {
        const type = fields.workflowType as unknown as string | null | undefined;
        this.#children.set(seq, fields.workflowId ?? '');
        return [step('sub_agent', fields.workflowId, type)];
      }
      case 'cancelChildWorkflowExecution':
        return [step('sub_agent_cancelled', this.#children.get(fields.childWorkflowSeq ?? 0))];
      case 'requestCancelExternalWorkflowExecution':
        return [step('sub_agent_cancelled', fields.workflowExecution?.workflowId)];
      case 'signalExternalWorkflowExecution':
        return [step('signal', fields.workflowExecution?.workflowId ?? fields.childWorkflowId, fields.signalName)];
      case 'modifyWorkflowProperties':
        return [step('memo')];
      case 'upsertWorkflowSearchAttributes':
        return [step('search_attributes')];
      case 'completeWorkflowExecution':
        return [step('end', null, 'completed')];
      case 'failWorkflowExecution':
        return [step('end', null, 'failed')];
      case 'cancelWorkflowExecution':
        return [step('end', null, 'cancelled')];
      case 'continueAsNewWorkflowExecution':
        return [step('end', null, 'continued as new')];
      default:
        return [];
    }
  }
}

function fieldsOf(command: CoreCommand): CommandFields {
  return (command[command.variant ?? ''] ?? {}) as CommandFields;
}

function makes(command: CoreCommand): string | null {
  const { seq } = fieldsOf(command);
  switch (command.variant) {
    case 'startTimer':
      return `timer ${seq}`;
    case 'scheduleActivity':
      return `activity ${seq}`;
    case 'startChildWorkflowExecution':
      return `child ${seq}`;
    case 'signalExternalWorkflowExecution':
      return `signal ${seq}`;
    default:
      return null;
  }
}

function cancels(command: CoreCommand): string[] {
  const { seq, childWorkflowSeq } = fieldsOf(command);
  switch (command.variant) {
    case 'cancelTimer':
      return [`timer ${seq}`];
    case 'requestCancelActivity':
      return [`activity ${seq}`];
    case 'cancelChildWorkflowExecution':
      return [`child ${childWorkflowSeq}`];
    case 'cancelSignalWorkflow':
      return [`signal ${seq}`];
    default:
      return [];
  }
}
