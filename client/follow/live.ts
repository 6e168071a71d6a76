// Live events from pending activities: attempts and heartbeats, which are not in history. Each is reported once.
import type { Client } from '@temporalio/client';
import { FAILURE, parseActivityId } from '../../core/names.ts';
import { causeOf } from '../../core/read/ends.ts';
import { type Failure, firstJson, type Payloads, type Timestamp, timestampMs } from '../../core/read/history.ts';
import type { AttemptFailure, LiveEvent } from '../../core/read/run.ts';
import { describeRun, type ExecutionRef } from '../histories/history.ts';
import { decodeDescription } from '../payloads/decode.ts';

export interface PendingActivity {
  readonly activityId?: string | null;
  readonly attempt?: number | null;
  readonly lastStartedTime?: Timestamp | null;
  readonly lastHeartbeatTime?: Timestamp | null;
  readonly heartbeatDetails?: Payloads | null;
  readonly lastFailure?: Failure | null;
}

/** What was reported of an activity so far. */
export interface Reported {
  readonly attempt: number;
  readonly textEnd: number;
  readonly reasoningEnd: number;
  /** The length of the reported arguments of each call, by slot. */
  readonly argumentEnds: ReadonlyMap<number, number>;
  readonly progress: string;
}

export const NOTHING_REPORTED: Reported = {
  attempt: 0,
  textEnd: 0,
  reasoningEnd: 0,
  argumentEnds: new Map(),
  progress: '',
};

/** Returns a function that describes the run's pending activities and yields only what is new since its last call. */
export function createLivePoll(client: Client, { workflowId, runId }: ExecutionRef): () => Promise<LiveEvent[]> {
  const { namespace, loadedDataConverter } = client.options;
  const reported = new Map<string, Reported>();
  return async () => {
    const description = await describeRun(client, { workflowId, runId });
    await decodeDescription(description, loadedDataConverter, { namespace, workflowId });
    return (description.pendingActivities ?? []).flatMap((activity) => {
      const id = activity.activityId ?? '';
      const { events, now } = newEvents(activity, reported.get(id) ?? NOTHING_REPORTED);
      reported.set(id, now);
      return events;
    });
  };
}

function failureOf(failure: Failure): AttemptFailure {
  const cause = causeOf(failure);
  if (cause.source === 'timeout' && cause.timeout === 'HEARTBEAT') return 'worker_lost';
  return cause.source === 'application' && cause.type === FAILURE.notRegistered ? 'unknown_agent' : 'error';
}

/** What the task of a call does, if the last attempt was a look that found it running; else null. */
function taskText(failure: Failure | null | undefined): string | null {
  return failure?.applicationFailureInfo?.type === FAILURE.taskRuns ? (failure.message ?? '') : null;
}

/** The events that are new for an activity, and what has been reported with them. */
export function newEvents(activity: PendingActivity, before: Reported): { events: LiveEvent[]; now: Reported } {
  const ids = parseActivityId(activity.activityId ?? '');
  const attempt = activity.attempt ?? 1;
  // The first attempt is reported when it has started, a later one as soon as the previous one has failed.
  const startedMs = timestampMs(activity.lastStartedTime) || (attempt > 1 ? Date.now() : 0);
  if (!ids || startedMs === 0) return { events: [], now: before };
  const { turn, slot } = ids;
  const events: LiveEvent[] = [];
  // Its text says what it waits for, and another look is no news.
  const waitsFor = attempt > 1 && slot !== null ? taskText(activity.lastFailure) : null;
  if (waitsFor !== null) {
    const progress = JSON.stringify(waitsFor);
    if (progress !== before.progress)
      events.push({ type: 'progress', atMs: startedMs, turn, slot: slot!, progress: waitsFor });
    return { events, now: { ...NOTHING_REPORTED, attempt, progress } };
  }
  if (attempt !== before.attempt)
    events.push({
      type: 'attempt',
      atMs: startedMs,
      turn,
      slot,
      attempt,
      restarts: before.textEnd > 0 || before.argumentEnds.size > 0,
      lastError: activity.lastFailure?.message ?? null,
      lastFailure: activity.lastFailure ? failureOf(activity.lastFailure) : null,
    });

  const reported = attempt === before.attempt ? before : { ...NOTHING_REPORTED, attempt };
  const details = (firstJson(activity.heartbeatDetails) ?? {}) as Partial<Heartbeat>;
  // Heartbeat details outlive their attempt: when the next one begins, the server still shows the old ones.
  if (details.attempt !== attempt) return { events, now: reported };
  const atMs = timestampMs(activity.lastHeartbeatTime);
  if (slot !== null) {
    const progress = details.progress === undefined ? '' : JSON.stringify(details.progress);
    if (progress !== '' && progress !== reported.progress)
      events.push({ type: 'progress', atMs, turn, slot, progress: details.progress });
    return { events, now: { ...reported, progress } };
  }

  const reasoning = newPart(details.reasoning?.offset, details.reasoning?.text, reported.reasoningEnd);
  if (reasoning.added !== '')
    events.push({ type: 'reasoning', atMs, turn, attempt, offset: reasoning.offset, text: reasoning.added });
  const text = newPart(details.offset, details.text, reported.textEnd);
  if (text.added !== '') events.push({ type: 'text', atMs, turn, attempt, offset: text.offset, text: text.added });
  const argumentEnds = new Map(reported.argumentEnds);
  for (const call of details.calls ?? []) {
    const written = newPart(call.offset, call.arguments, argumentEnds.get(call.slot) ?? 0);
    // A call is reported as soon as the model begins it, before there are arguments.
    if (written.added !== '' || !argumentEnds.has(call.slot))
      events.push({
        type: 'call_arguments',
        atMs,
        turn,
        attempt,
        slot: call.slot,
        tool: call.tool,
        offset: written.offset,
        arguments: written.added,
      });
    argumentEnds.set(call.slot, written.end);
  }
  return { events, now: { ...reported, textEnd: text.end, reasoningEnd: reasoning.end, argumentEnds } };
}

/** The new part of a text: `text` is its tail from `offset` on, and it was reported up to `reportedEnd`. */
function newPart(offset = 0, text = '', reportedEnd: number): { offset: number; added: string; end: number } {
  const from = Math.max(offset, reportedEnd);
  return { offset: from, added: text.slice(from - offset), end: Math.max(reportedEnd, offset + text.length) };
}

/** Heartbeat details of our activities: of a model call its answer so far, of a tool its progress. */
interface Heartbeat {
  readonly attempt: number;
  readonly offset: number;
  readonly text: string;
  readonly reasoning?: { readonly offset: number; readonly text: string };
  readonly calls: readonly {
    readonly slot: number;
    readonly tool: string;
    readonly offset: number;
    readonly arguments: string;
  }[];
  readonly progress: unknown;
}
