// Activities: model calls, compactions and tool calls, told apart by their types and ids.

import { type FailureCause, failedOutcome, succeeded } from '../../batch/outcomes.ts';
import { COMPACT_ACTIVITY, MODEL_ACTIVITY, parseActivityId, parseEditActivityId } from '../../names.ts';
import type {
  CompactAnswer,
  CompactInput,
  ModelAnswer,
  ModelCallInput,
  PlannedCall,
  ToolCallResult,
} from '../../types.ts';
import { addSpend, lostIn } from '../../usage.ts';
import { causeInWords } from '../ends.ts';
import { eventId, firstJson, type HistoryEvent, type LongLike } from '../history.ts';
import type { Activity, Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { schedule, settle } from '../turns.ts';
import { compactionBegun, compactionEnded, compactionFailed } from './compactions.ts';
import { editPlanned } from './decisions.ts';
import { modelAnswered, modelAsked, modelFailed } from './modelCalls.ts';

type Scheduled = NonNullable<HistoryEvent['activityTaskScheduledEventAttributes']>;
type Started = NonNullable<HistoryEvent['activityTaskStartedEventAttributes']>;
type Completed = NonNullable<HistoryEvent['activityTaskCompletedEventAttributes']>;

export function activityScheduled(reading: Reading, id: number, scheduled: Scheduled, atMs: number): RunEvent[] {
  const { activityId, activityType, input } = scheduled;
  const { activities, turns } = reading;
  const asked = () => firstJson(input) ?? {};
  const edited = parseEditActivityId(activityId ?? '');
  if (edited !== null) {
    activities.set(id, { kind: 'edit', place: edited });
    return [];
  }
  const place = parseActivityId(activityId ?? '');
  // A call has a place; there may be old ones of tools that had the name.
  if (!place)
    return activityType?.name === COMPACT_ACTIVITY ? compactionBegun(reading, id, asked() as CompactInput, atMs) : [];
  if (activityType?.name === MODEL_ACTIVITY)
    return modelAsked(reading, id, place.turn, asked() as Partial<ModelCallInput>, atMs);
  const call = turns.at(-1)?.calls[place.slot ?? -1];
  if (!call) return [];
  activities.set(id, { kind: 'call', of: call });
  return [schedule(call, atMs)];
}

export function activityStarted(reading: Reading, { scheduledEventId, attempt }: Started, atMs: number): RunEvent[] {
  const activity = activityOf(reading, scheduledEventId);
  if (!activity || activity.kind === 'edit') return [];
  activity.of.attempts = attempt ?? 1;
  if (activity.kind === 'call') activity.of.startedAtMs = atMs;
  return [];
}

/** What our own activities returned; a history of other code reads as far as it is alike. */
export function activitySucceeded(reading: Reading, completed: Completed, atMs: number): RunEvent[] {
  const activity = activityOf(reading, completed.scheduledEventId);
  const result = firstJson(completed.result);
  switch (activity?.kind) {
    case undefined:
      return [];
    case 'model': {
      const answer = result as ModelAnswer | undefined;
      return answer?.message ? modelAnswered(reading, activity.of, answer, atMs) : [];
    }
    case 'call': {
      const { of: call } = activity;
      return [settle(call, succeeded(call.tool, (result as ToolCallResult)?.text ?? ''), atMs)];
    }
    case 'edit':
      return editPlanned(reading, activity.place, (result as PlannedCall | undefined) ?? null);
    case 'compaction': {
      const answer = result as CompactAnswer | undefined;
      return answer?.messages ? compactionEnded(reading, activity, answer, atMs) : [];
    }
  }
}

export function activityFailed(
  reading: Reading,
  { scheduledEventId }: { readonly scheduledEventId?: LongLike | null },
  cause: FailureCause,
  atMs: number,
): RunEvent[] {
  const activity = activityOf(reading, scheduledEventId);
  if (!activity) return [];
  if (activity.kind === 'edit') return editPlanned(reading, activity.place, null);
  if (activity.kind === 'call') {
    const { of: call } = activity;
    const policy = reading.agent?.policies[call.tool];
    return policy ? [settle(call, failedOutcome(call.tool, cause, policy), atMs)] : [];
  }
  const { run } = reading;
  run.spend = addSpend(run.spend, lostIn(cause));
  const error = causeInWords(cause);
  return activity.kind === 'model'
    ? modelFailed(activity.of, error, atMs)
    : compactionFailed(reading, activity, error, atMs);
}

function activityOf({ activities }: Reading, scheduledId: LongLike | null | undefined): Activity | undefined {
  return activities.get(eventId(scheduledId));
}
