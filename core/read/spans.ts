// Records when the parts of a run waited and ran, while its histories are read. Other modules say what the time means.

import { budgetQuestions } from '../waits.ts';
import { approvalsIn } from './batchView.ts';
import { causeOf } from './ends.ts';
import { eventId, type HistoryEvent, timeMs } from './history.ts';
import { type LastingState, NO_WORKER_AFTER_MS, type SpansRead } from './openSpans.ts';
import type { Activity, Reading } from './reading.ts';
import type { RunEvent, RunSpan } from './run.ts';
import type { Writable } from './turns.ts';

/** Records what the event changed, after it was read. */
export function recordSpans(reading: Reading, event: HistoryEvent, happened: readonly RunEvent[]): void {
  const { spans } = reading;
  const atMs = timeMs(event);
  spans.fromMs ??= atMs;
  // Temporal writes the start of an activity with its end, so that times in a history may go back.
  spans.toMs = Math.max(spans.toMs, atMs);
  recordActivity(reading, event, atMs);
  recordChild(reading, event, atMs);
  recordWorkflowTask(spans, event, atMs);
  recordStates(reading, happened, atMs);
  if (reading.run.endedAtMs !== null) endAll(spans, atMs);
  else if (event.workflowExecutionContinuedAsNewEventAttributes) {
    for (const span of spans.activities.values()) close(spans, span, atMs);
    spans.activities.clear();
  }
}

/** Returns the spans in the order in which they began; those that are open have no end. */
export function spansIn({ closed, activities, children, states, task }: SpansRead): RunSpan[] {
  const waiting = task && task.startedAtMs === null ? [workflowTask(task.scheduledAtMs, null)] : [];
  return [...closed, ...activities.values(), ...children.values(), ...states.values(), ...waiting]
    .map((span) => ({ ...span }))
    .sort((a, b) => a.scheduledAtMs - b.scheduledAtMs);
}

function recordActivity({ spans, activities }: Reading, event: HistoryEvent, atMs: number): void {
  if (event.activityTaskScheduledEventAttributes) {
    const activity = activities.get(eventId(event.eventId));
    const of = activity && ofActivity(activity);
    if (of) spans.activities.set(eventId(event.eventId), { ...of, ...scheduled(atMs) });
    return;
  }
  const started = event.activityTaskStartedEventAttributes;
  if (started) {
    const span = spans.activities.get(eventId(started.scheduledEventId));
    if (!span) return;
    span.attempts = started.attempt ?? 1;
    // Attempts of a look at a task are looks: the server of the task works between them.
    span.startedAtMs = span.isLook ? span.scheduledAtMs : atMs;
    return;
  }
  const ended =
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCanceledEventAttributes;
  const id = eventId(ended?.scheduledEventId);
  const span = spans.activities.get(id);
  if (!ended || !span) return;
  spans.activities.delete(id);
  if (span.attempts === 0) {
    const timedOut = event.activityTaskTimedOutEventAttributes;
    const cause = timedOut && causeOf(timedOut.failure);
    const isUntaken = cause?.source === 'timeout' && cause.timeout === 'SCHEDULE_TO_START';
    span.unstarted = isUntaken ? 'time' : 'cancelled';
  }
  close(spans, span, atMs);
}

function ofActivity(activity: Activity): Pick<RunSpan, 'what' | 'turn' | 'slot' | 'isLook'> | null {
  switch (activity.kind) {
    case 'model':
      return { what: 'model', turn: activity.of.turn, slot: null };
    case 'call':
      return {
        what: 'call',
        turn: activity.of.turn,
        slot: activity.of.slot,
        ...(activity.of.task && { isLook: true }),
      };
    case 'compaction':
      return { what: 'compaction', turn: activity.of.turn, slot: null };
    // Short work of the engine itself.
    case 'edit':
    case 'cancel':
      return null;
  }
}

/** A sub-agent runs from its call to its result, which `fromChild` has read. */
function recordChild({ spans, turns }: Reading, event: HistoryEvent, atMs: number): void {
  const initiated = event.startChildWorkflowExecutionInitiatedEventAttributes;
  const calls = () => turns.at(-1)?.calls ?? [];
  if (initiated) {
    const call = calls().find(({ childId }) => childId === initiated.workflowId);
    if (!call?.childId || spans.children.has(call.childId)) return;
    const { turn, slot, childId } = call;
    spans.children.set(childId, { what: 'sub_agent', turn, slot, ...scheduled(atMs), startedAtMs: atMs, attempts: 1 });
    return;
  }
  for (const [childId, span] of spans.children) {
    const call = turns.findLast(({ turn }) => turn === span.turn)?.calls[span.slot ?? -1];
    if (call?.childId !== childId || call.outcome === null) continue;
    spans.children.delete(childId);
    close(spans, span, atMs);
  }
}

/** Only those that waited long for a worker, or lost theirs: any other is not worth a record. */
function recordWorkflowTask(spans: SpansRead, event: HistoryEvent, atMs: number): void {
  if (event.workflowTaskScheduledEventAttributes) {
    spans.task = { scheduledAtMs: atMs, startedAtMs: null };
  } else if (event.workflowTaskStartedEventAttributes) {
    if (!spans.task) return;
    spans.task.startedAtMs = atMs;
    if (atMs - spans.task.scheduledAtMs >= NO_WORKER_AFTER_MS)
      close(spans, workflowTask(spans.task.scheduledAtMs, null), atMs);
  } else if (event.workflowTaskTimedOutEventAttributes) {
    const { scheduledAtMs, startedAtMs } = spans.task ?? { scheduledAtMs: atMs, startedAtMs: null };
    close(spans, workflowTask(startedAtMs ?? scheduledAtMs, startedAtMs), atMs);
    spans.task = null;
  } else if (event.workflowTaskCompletedEventAttributes || event.workflowTaskFailedEventAttributes) spans.task = null;
}

function workflowTask(scheduledAtMs: number, startedAtMs: number | null): Writable<RunSpan> {
  return { what: 'workflow_task', turn: null, slot: null, ...scheduled(scheduledAtMs), startedAtMs };
}

function recordStates(reading: Reading, happened: readonly RunEvent[], atMs: number): void {
  const { run, turns, spans, pausedByParent, isIdle } = reading;
  const asked = turns.at(-1);
  const outage = happened.some(({ type }) => type === 'model_unavailable');
  const isAsking = spans.activities.size > 0;
  const hasMessage = happened.some(({ type }) => type === 'message');
  setState(spans, 'people', isWaitingForPeople(reading), atMs);
  setState(spans, 'paused', run.paused !== null || pausedByParent, atMs);
  // A session begins idle only if it has no input.
  const wasIdle = spans.states.has('idle');
  const begins = happened.some(({ type }) => type === 'reply' || (type === 'started' && run.input === ''));
  setState(spans, 'idle', run.session && isIdle && !hasMessage && (wasIdle || begins), atMs);
  setState(spans, 'outage', outage || (spans.states.has('outage') && !isAsking), atMs);
  // Between two looks at a task, its server works.
  setState(spans, 'task', asked?.calls.some(isTaskOpen) === true, atMs);
}

function isTaskOpen({ task, outcome, scheduledAtMs }: Reading['turns'][number]['calls'][number]): boolean {
  return task !== null && outcome === null && scheduledAtMs !== null;
}

function isWaitingForPeople(reading: Reading): boolean {
  if (budgetQuestions(reading.waits).length > 0) return true;
  const last = reading.turns.at(-1);
  // Most turns have none, and need not ask the kernel.
  const mayWait = last?.calls.some((call) => call.approval && !call.decision && !call.outcome);
  return last !== undefined && mayWait === true && approvalsIn(reading, last).length > 0;
}

function setState(spans: SpansRead, what: LastingState, lasts: boolean, atMs: number): void {
  const open = spans.states.get(what);
  if (lasts && !open) {
    spans.states.set(what, { what, turn: null, slot: null, ...scheduled(atMs), startedAtMs: atMs, attempts: 1 });
  } else if (!lasts && open) {
    spans.states.delete(what);
    close(spans, open, atMs);
  }
}

function endAll(spans: SpansRead, atMs: number): void {
  for (const span of [...spans.activities.values(), ...spans.children.values(), ...spans.states.values()])
    close(spans, span, atMs);
  if (spans.task && spans.task.startedAtMs === null && atMs - spans.task.scheduledAtMs >= NO_WORKER_AFTER_MS)
    close(spans, workflowTask(spans.task.scheduledAtMs, null), atMs);
  for (const open of [spans.activities, spans.children, spans.states]) open.clear();
  spans.task = null;
}

function close({ closed }: SpansRead, span: Writable<RunSpan>, atMs: number): void {
  span.endedAtMs = atMs;
  closed.push(span);
}

function scheduled(scheduledAtMs: number) {
  return { scheduledAtMs, startedAtMs: null, endedAtMs: null, attempts: 0 };
}
