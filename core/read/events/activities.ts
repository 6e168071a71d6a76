// Reads activities: model calls, compactions, tool calls and edits, which differ in their types and ids.

import { NOT_JSON, resultProblem } from '../../activityResults.ts';
import { askedAgain } from '../../batch/input.ts';
import { completedOutcome, type FailureCause, failedOutcome, failedTaskOutcome } from '../../batch/outcomes.ts';
import { startedTask } from '../../batch/task.ts';
import {
  COMPACT_ACTIVITY,
  MODEL_ACTIVITY,
  parseActivityId,
  parseCancelActivityId,
  parseEditActivityId,
} from '../../names.ts';
import type { CompactAnswer, CompactInput, ModelAnswer, ModelCallInput, PlannedCall } from '../../types.ts';
import { addSpend, lostIn } from '../../usage.ts';
import { causeInWords } from '../ends.ts';
import { eventId, firstJson, type HistoryEvent, type LongLike, type Payloads } from '../history.ts';
import type { Activity, Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { callIdOf, type OpenCall, schedule, settle } from '../turns.ts';
import { compactionEnded, compactionFailed, compactionStarted } from './compactions.ts';
import { editPlanned } from './decisions.ts';
import { modelAnswered, modelCallStarted, modelFailed } from './modelCalls.ts';

type Scheduled = NonNullable<HistoryEvent['activityTaskScheduledEventAttributes']>;
type Started = NonNullable<HistoryEvent['activityTaskStartedEventAttributes']>;
type Completed = NonNullable<HistoryEvent['activityTaskCompletedEventAttributes']>;

export function activityScheduled(reading: Reading, id: number, scheduled: Scheduled, atMs: number): RunEvent[] {
  const { activityId, activityType, input } = scheduled;
  const { activities, turns } = reading;
  const inputJson = () => firstJson(input) ?? {};
  const edited = parseEditActivityId(activityId ?? '');
  if (edited !== null) {
    activities.set(id, { kind: 'edit', callId: edited });
    return [];
  }
  const ids = parseActivityId(activityId ?? '');
  const cancelled = parseCancelActivityId(activityId ?? '');
  if (cancelled !== null) {
    const call = turns.at(-1)?.calls.find((one) => callIdOf(one) === cancelled);
    if (call) activities.set(id, { kind: 'cancel', of: call });
    return [];
  }
  // An activity with a call id is a call, even if its tool has the name of one of our activities: old histories have those.
  if (!ids)
    return activityType?.name === COMPACT_ACTIVITY
      ? compactionStarted(reading, id, inputJson() as CompactInput, atMs)
      : [];
  if (activityType?.name === MODEL_ACTIVITY)
    return modelCallStarted(reading, id, ids.turn, inputJson() as Partial<ModelCallInput>, atMs);
  const call = turns.at(-1)?.calls[ids.slot ?? -1];
  if (!call) return [];
  activities.set(id, { kind: 'call', of: call });
  // The first look at a task follows its call, which was scheduled before.
  return call.task && call.scheduledAtMs !== null ? [] : [schedule(call, atMs)];
}

export function activityStarted(reading: Reading, { scheduledEventId, attempt }: Started, atMs: number): RunEvent[] {
  const activity = activityOf(reading, scheduledEventId);
  if (!activity || activity.kind === 'edit' || activity.kind === 'cancel') return [];
  if (activity.kind === 'call' && activity.of.task) {
    // Looks at a task are no attempts at the call.
    activity.of.attempts ||= 1;
    activity.of.startedAtMs ??= atMs;
    return [];
  }
  activity.of.attempts = (attempt ?? 1) + (activity.kind === 'model' ? activity.attemptsBefore : 0);
  if (activity.kind === 'call') activity.of.startedAtMs = atMs;
  return [];
}

/** Reads an activity's result. Like the workflow, it takes anything else for a failure. */
export function activitySucceeded(reading: Reading, completed: Completed, atMs: number): RunEvent[] {
  const activity = activityOf(reading, completed.scheduledEventId);
  if (!activity) return [];
  if (activity.kind === 'cancel') return taskCancelled(reading, activity.of, atMs);
  if (activity.kind === 'call') return callCompleted(reading, activity.of, resultOf(completed.result), atMs);
  const result = firstJson(completed.result);
  const problem = PROBLEM[activity.kind](result);
  if (problem !== null) return activityFailed(reading, completed, { source: 'other', message: problem }, atMs);
  switch (activity.kind) {
    case 'model':
      return modelAnswered(reading, activity.of, result as ModelAnswer, atMs);
    case 'edit':
      return editPlanned(reading, activity.callId, result as PlannedCall);
    case 'compaction':
      return compactionEnded(reading, activity, result as CompactAnswer, atMs);
  }
}

/** As a worker reads it. */
function resultOf(payloads: Payloads | null | undefined): unknown {
  const result = firstJson(payloads);
  const { metadata, data } = payloads?.payloads?.[0] ?? {};
  const isJson = result !== undefined && !isOther(new TextDecoder().decode(metadata?.['encoding']));
  return data?.length && !isJson ? NOT_JSON : result;
}

function isOther(encoding: string): boolean {
  return /^(json|binary)\/protobuf$|^binary\/plain$/.test(encoding);
}

function callCompleted(reading: Reading, call: OpenCall, result: unknown, atMs: number): RunEvent[] {
  const policy = reading.agent?.policies[call.tool];
  if (!policy) return [];
  const task = call.task ? null : startedTask(result, policy);
  if (task) {
    call.task = task;
    return [];
  }
  const asked = askedAgain(call, result, policy);
  if (!asked) return [settle(call, completedOutcome(call.tool, result, policy), atMs)];
  reading.asked.push({ call, planned: asked });
  return [];
}

/** The workflow settles a call whose task it cancels once it has tried to. */
function taskCancelled(reading: Reading, call: OpenCall, atMs: number): RunEvent[] {
  const policy = reading.agent?.policies[call.tool];
  if (!policy || !call.task || call.outcome) return [];
  return [settle(call, failedTaskOutcome(call.tool, { source: 'cancelled' }, policy, call.task), atMs)];
}

const PROBLEM = {
  model: resultProblem.model,
  edit: resultProblem.plan,
  compaction: resultProblem.compaction,
} as const satisfies Record<Exclude<Activity['kind'], 'call' | 'cancel'>, unknown>;

export function activityFailed(
  reading: Reading,
  { scheduledEventId }: { readonly scheduledEventId?: LongLike | null },
  cause: FailureCause,
  atMs: number,
): RunEvent[] {
  const activity = activityOf(reading, scheduledEventId);
  if (!activity) return [];
  if (activity.kind === 'edit') return editPlanned(reading, activity.callId, null);
  if (activity.kind === 'cancel') return taskCancelled(reading, activity.of, atMs);
  if (activity.kind === 'call') return callFailed(reading, activity.of, cause, atMs);
  const { run } = reading;
  const lost = lostIn(cause);
  run.spend = addSpend(run.spend, lost);
  activity.of.spend = addSpend(activity.of.spend, lost);
  if (activity.kind === 'model') activity.of.lost = addSpend(activity.of.lost, lost);
  return activity.kind === 'model'
    ? modelFailed(activity.of, cause, atMs)
    : compactionFailed(reading, activity, causeInWords(cause), atMs);
}

function callFailed(reading: Reading, call: OpenCall, cause: FailureCause, atMs: number): RunEvent[] {
  const policy = reading.agent?.policies[call.tool];
  if (!policy) return [];
  if (!call.task) return [settle(call, failedOutcome(call.tool, cause, policy), atMs)];
  // The workflow cancels the task first.
  if (cause.source === 'cancelled') return [];
  return [settle(call, failedTaskOutcome(call.tool, cause, policy, call.task), atMs)];
}

function activityOf({ activities }: Reading, scheduledId: LongLike | null | undefined): Activity | undefined {
  return activities.get(eventId(scheduledId));
}
