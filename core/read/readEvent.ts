// Reads one event of a history: passes it to the reader of its kind, after settling what the workflow settled before it.

import { questionsTaken, settleByKernel } from './batchView.ts';
import { causeOf } from './ends.ts';
import { activityFailed, activityScheduled, activityStarted, activitySucceeded } from './events/activities.ts';
import { childEventOf } from './events/childEvents.ts';
import { updateAccepted, updateCompleted } from './events/commands.ts';
import { closed } from './events/end.ts';
import { fromChild, signalled } from './events/family.ts';
import { memoChanged } from './events/memo.ts';
import { answerTaken } from './events/modelCalls.ts';
import { wasReset } from './events/resets.ts';
import { continuedAsNew, started } from './events/start.ts';
import { timerFired, timerStarted } from './events/timers.ts';
import { eventId, firstJson, type HistoryEvent, timeMs } from './history.ts';
import type { Reading } from './reading.ts';
import type { RunEvent } from './run.ts';
import { recordSpans } from './spans.ts';

/** Reads the next event of the history, and returns the run events that follow from it. */
export function take(reading: Reading, event: HistoryEvent): RunEvent[] {
  const atMs = timeMs(event);
  reading.atMs = atMs;
  const settled = reading.taskDone && isFromOutside(event) ? settleByKernel(reading, atMs) : [];
  const happened = [...reading.due.splice(0), ...settled, ...runEventsOf(reading, event, atMs)];
  recordSpans(reading, event, happened);
  return happened;
}

function runEventsOf(reading: Reading, event: HistoryEvent, atMs: number): RunEvent[] {
  const id = eventId(event.eventId);

  const start = event.workflowExecutionStartedEventAttributes;
  if (start) return started(reading, start, atMs);
  const next = event.workflowExecutionContinuedAsNewEventAttributes;
  if (next) return continuedAsNew(reading, next, atMs);
  if (event.workflowTaskStartedEventAttributes) {
    reading.taskStartedAtMs = atMs;
    return [];
  }
  if (event.workflowTaskCompletedEventAttributes) {
    reading.taskDone = true;
    return [...answerTaken(reading, atMs), ...questionsTaken(reading, atMs)];
  }

  const failedTask = event.workflowTaskFailedEventAttributes;
  if (failedTask) return wasReset(reading, failedTask, atMs);

  const scheduled = event.activityTaskScheduledEventAttributes;
  if (scheduled) return activityScheduled(reading, id, scheduled, atMs);
  const attempt = event.activityTaskStartedEventAttributes;
  if (attempt) return activityStarted(reading, attempt, atMs);
  const result = event.activityTaskCompletedEventAttributes;
  if (result) return activitySucceeded(reading, result, atMs);
  const failed = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
  if (failed) return activityFailed(reading, failed, causeOf(failed.failure), atMs);
  const cancelled = event.activityTaskCanceledEventAttributes;
  if (cancelled) {
    const details = firstJson(cancelled.details);
    return activityFailed(reading, cancelled, { source: 'cancelled', details }, atMs);
  }

  if (event.timerStartedEventAttributes) return timerStarted(reading, id, event.userMetadata);
  const fired = event.timerFiredEventAttributes;
  if (fired) return timerFired(reading, fired);

  if (event.workflowExecutionCancelRequestedEventAttributes) {
    reading.cancelling = true;
    return [];
  }
  const accepted = event.workflowExecutionUpdateAcceptedEventAttributes;
  if (accepted) return updateAccepted(reading, id, accepted, atMs);
  const completed = event.workflowExecutionUpdateCompletedEventAttributes;
  if (completed) return updateCompleted(reading, completed, atMs);
  const memo = event.workflowPropertiesModifiedEventAttributes;
  if (memo) return memoChanged(reading, memo, atMs);

  const signal = event.workflowExecutionSignaledEventAttributes;
  if (signal) return signalled(reading, signal, atMs);
  const child = childEventOf(event);
  if (child) return fromChild(reading, child, atMs);
  return closed(reading, event, atMs);
}

/** Whether the event comes from outside the workflow. Everything that its last task did is in the history before it. */
function isFromOutside(event: HistoryEvent): boolean {
  return Boolean(
    event.workflowTaskStartedEventAttributes ??
      event.activityTaskStartedEventAttributes ??
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes ??
      event.activityTaskCanceledEventAttributes ??
      event.timerFiredEventAttributes ??
      event.workflowExecutionSignaledEventAttributes ??
      event.workflowExecutionCancelRequestedEventAttributes ??
      event.startChildWorkflowExecutionFailedEventAttributes ??
      event.childWorkflowExecutionStartedEventAttributes ??
      event.childWorkflowExecutionCompletedEventAttributes ??
      event.childWorkflowExecutionFailedEventAttributes ??
      event.childWorkflowExecutionCanceledEventAttributes ??
      event.childWorkflowExecutionTimedOutEventAttributes ??
      event.childWorkflowExecutionTerminatedEventAttributes,
  );
}
