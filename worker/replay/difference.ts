// Where the workflow code does something else than history has: a pure function of both.
import type { HistoryEvent } from '../../core/read/history.ts';
import { type RecordedStep, type ReplayedTask, recordedTasks, type Step, type StepKind } from './steps.ts';

/** The first step that history and code do not have in common. One of the two is null if the other has more. */
export interface Difference {
  /** The id of the event with which the workflow task started. */
  readonly taskEventId: number;
  readonly has: RecordedStep | null;
  readonly wants: Step | null;
}

/** Steps that get into history in any case. A cancellation does not, if what it cancels has ended. */
const SURE: readonly StepKind[] = ['activity', 'timer', 'sub_agent', 'signal', 'memo', 'search_attributes', 'end'];
const isSure = ({ kind }: Step) => SURE.includes(kind);

/** Where a replay that the SDK has refused leaves its history; null if this comparison does not find it. */
export function firstDifference(events: readonly HistoryEvent[], tasks: readonly ReplayedTask[]): Difference | null {
  return differenceIn(events, tasks, isSure) ?? differenceIn(events, tasks, () => true);
}

/**
 * What the code wants beyond what history has, in a replay that the SDK has accepted. It compares a command with the next event
 * that needs one, which may come much later, or never.
 */
export function firstExtra(events: readonly HistoryEvent[], tasks: readonly ReplayedTask[]): Difference | null {
  const recorded = recordedTasks(events);
  const longer = tasks.filter(({ startedEventId, steps }) => {
    const has = recorded.get(startedEventId);
    return has && steps.filter(isSure).length > has.filter(isSure).length;
  });
  return differenceIn(events, longer, isSure);
}

function differenceIn(
  events: readonly HistoryEvent[],
  tasks: readonly ReplayedTask[],
  counts: (step: Step) => boolean,
): Difference | null {
  const recorded = recordedTasks(events);
  for (const { startedEventId, steps } of tasks) {
    // A task that history has not completed: nothing says what it was to do.
    const has = recorded.get(startedEventId)?.filter(counts);
    if (!has) continue;
    const wants = steps.filter(counts);
    const at = Array.from({ length: Math.max(has.length, wants.length) }).findIndex(
      (_, i) => !isSame(has[i], wants[i]),
    );
    if (at >= 0) return { taskEventId: startedEventId, has: has[at] ?? null, wants: wants[at] ?? null };
  }
  return null;
}

function isSame(has: Step | undefined, wants: Step | undefined): boolean {
  return has?.kind === wants?.kind && has?.id === wants?.id && has?.name === wants?.name;
}

const WORDS: Readonly<Record<StepKind, string>> = {
  activity: 'activity',
  activity_cancelled: 'the cancellation of activity',
  timer: 'timer',
  timer_cancelled: 'the cancellation of timer',
  sub_agent: 'the start of run',
  sub_agent_cancelled: 'the cancellation of run',
  signal: 'a signal to run',
  memo: 'a change of the memo',
  search_attributes: 'a change of the search attributes',
  end: 'the end of the run',
};

/** `activity 1.1 (pulse)`, `timer 2`, `the end of the run (completed)`. */
export function stepText({ kind, id, name }: Step): string {
  return [WORDS[kind], id, name === null ? null : `(${name})`].filter((part) => part !== null).join(' ');
}

/** One sentence that says what history has and what the code wants. */
export function differenceText({ has, wants }: Difference): string {
  const had = has ? stepText(has) : 'nothing more in this workflow task';
  const wanted = wants ? stepText(wants) : 'nothing more in this workflow task';
  return `history has ${had}, and the code wants ${wanted}`;
}
