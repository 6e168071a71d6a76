// What people did in a recorded run beside their decisions, and where in the run they did it.
import { COMPACT_ACTIVITY, MODEL_ACTIVITY, parseActivityId, UPDATE } from '../../core/names.ts';
import { eventId, firstJson, type HistoryEvent } from '../../core/read/history.ts';

/** A command of a person, as it was sent. */
export interface RecordedCommand {
  /** Of an update, such as `steer`; or `cancel`. */
  readonly command: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly at: RecordedPlace;
}

/** Where in a run a command arrived. */
export interface RecordedPlace {
  /** The last turn that had begun; 0 before the first. */
  readonly turn: number;
  /** The activities of the run that were not over, of its model, a compaction or calls: `2.1`, or `2.1#2` for a second one with this id. */
  readonly open: readonly string[];
  /** How many decisions about calls of this turn came before it. */
  readonly decisions: number;
}

/** The command that is no update. */
export const CANCEL = 'cancel';

const COMMANDS: ReadonlySet<string> = new Set(Object.values(UPDATE).filter((name) => name !== UPDATE.decide));

/** Returns a function that tells activities with the same id apart, such as the looks at a task: it is called once for each. */
export function activityNames(): (id: string) => string {
  const counts = new Map<string, number>();
  return (id) => {
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    return count === 1 ? id : `${id}#${count}`;
  };
}

/** Reads the accepted commands, in their order. */
export function commandsIn(events: readonly HistoryEvent[]): RecordedCommand[] {
  const commands: RecordedCommand[] = [];
  const open = new Map<string, string>();
  const nameOf = activityNames();
  // The workflow handles a command before what ended since its last task: it came while that was open.
  let ended: string[] = [];
  let [turn, decisions] = [0, 0];
  let place: Omit<RecordedPlace, 'decisions'> = { turn, open: [] };
  for (const event of events) {
    // Each history counts its events from 1, and begins with nothing open.
    if (event.workflowExecutionStartedEventAttributes) {
      open.clear();
      ended = [];
    }
    if (event.workflowTaskCompletedEventAttributes) {
      place = { turn, open: [...open.values()] };
      for (const key of ended.splice(0)) open.delete(key);
    }
    const scheduled = event.activityTaskScheduledEventAttributes;
    const id = scheduled?.activityId ?? '';
    const called = parseActivityId(id);
    if (called && called.turn > turn) [turn, decisions] = [called.turn, 0];
    const type = scheduled?.activityType?.name;
    if (called || type === MODEL_ACTIVITY || type === COMPACT_ACTIVITY)
      open.set(`${eventId(event.eventId)}`, nameOf(id));
    const child = event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId;
    const call = /\.(\d+\.\d+)$/.exec(child ?? '')?.[1];
    if (child && call) open.set(child, nameOf(call));
    const over = endedBy(event);
    if (over !== null) ended.push(over);
    const { input } = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest ?? {};
    if (input?.name === UPDATE.decide) decisions += 1;
    else if (input?.name && COMMANDS.has(input.name))
      commands.push({ command: input.name, input: Object(firstJson(input.args) ?? {}), at: { ...place, decisions } });
    if (event.workflowExecutionCancelRequestedEventAttributes)
      commands.push({ command: CANCEL, input: {}, at: { turn, open: [...open.values()], decisions } });
  }
  return commands;
}

/** The key of what is over with this event; null if nothing is. */
function endedBy(event: HistoryEvent): string | null {
  const activity =
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCanceledEventAttributes;
  if (activity) return `${eventId(activity.scheduledEventId)}`;
  const child =
    event.childWorkflowExecutionCompletedEventAttributes ??
    event.childWorkflowExecutionFailedEventAttributes ??
    event.childWorkflowExecutionCanceledEventAttributes ??
    event.childWorkflowExecutionTimedOutEventAttributes ??
    event.childWorkflowExecutionTerminatedEventAttributes;
  return child?.workflowExecution?.workflowId ?? null;
}
