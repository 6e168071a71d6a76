// What the server knows of running activities beyond history: attempts, and what their heartbeats carry. Told as events,
// each thing once.
import type { Client } from '@temporalio/client';
import { FAILURE, parseActivityId } from '../core/names.ts';
import { causeOf } from '../core/read/ends.ts';
import { type Failure, firstJson, type Payloads, type Timestamp, timestampMs } from '../core/read/history.ts';
import type { AttemptFailure, LiveEvent } from '../core/read/run.ts';
import { describeRun, type RunPlace } from './history.ts';
import { decodeDescription } from './payloads/decode.ts';

export interface PendingActivity {
  readonly activityId?: string | null;
  readonly attempt?: number | null;
  readonly lastStartedTime?: Timestamp | null;
  readonly lastHeartbeatTime?: Timestamp | null;
  readonly heartbeatDetails?: Payloads | null;
  readonly lastFailure?: Failure | null;
}

/** What was told of an activity already. */
export interface Told {
  readonly attempt: number;
  readonly textEnd: number;
  /** Where the arguments of each call that the model has begun end, by slot. */
  readonly argumentEnds: ReadonlyMap<number, number>;
  readonly progress: string;
}

export const NOTHING: Told = { attempt: 0, textEnd: 0, argumentEnds: new Map(), progress: '' };

/** A look at the running activities of a run, that gives only what is new since the last look. */
export function createLiveLook(client: Client, { workflowId, runId }: RunPlace): () => Promise<LiveEvent[]> {
  const { namespace, loadedDataConverter } = client.options;
  const told = new Map<string, Told>();
  return async () => {
    const description = await describeRun(client, { workflowId, runId });
    await decodeDescription(description, loadedDataConverter, { namespace, workflowId });
    return (description.pendingActivities ?? []).flatMap((activity) => {
      const id = activity.activityId ?? '';
      const { events, now } = news(activity, told.get(id) ?? NOTHING);
      told.set(id, now);
      return events;
    });
  };
}

function failureOf(failure: Failure): AttemptFailure {
  const cause = causeOf(failure);
  if (cause.source === 'timeout' && cause.timeout === 'HEARTBEAT') return 'worker_lost';
  return cause.source === 'application' && cause.type === FAILURE.notRegistered ? 'unknown_agent' : 'error';
}

/** What is new of an activity, and what has been told of it by then. */
export function news(activity: PendingActivity, before: Told): { events: LiveEvent[]; now: Told } {
  const place = parseActivityId(activity.activityId ?? '');
  const attempt = activity.attempt ?? 1;
  // The first attempt is told when it has started; a later one from the moment that the one before has failed.
  const startedMs = timestampMs(activity.lastStartedTime) || (attempt > 1 ? Date.now() : 0);
  if (!place || startedMs === 0) return { events: [], now: before };
  const { turn, slot } = place;
  const events: LiveEvent[] = [];
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

  const told = attempt === before.attempt ? before : { ...NOTHING, attempt };
  const details = (firstJson(activity.heartbeatDetails) ?? {}) as Partial<Heartbeat>;
  // Heartbeats outlive their attempt: those of the last one still stand when the next begins.
  if (details.attempt !== attempt) return { events, now: told };
  const atMs = timestampMs(activity.lastHeartbeatTime);
  if (slot !== null) {
    const progress = details.progress === undefined ? '' : JSON.stringify(details.progress);
    if (progress !== '' && progress !== told.progress)
      events.push({ type: 'progress', atMs, turn, slot, progress: details.progress });
    return { events, now: { ...told, progress } };
  }

  const text = grown(details.offset, details.text, told.textEnd);
  if (text.more !== '') events.push({ type: 'text', atMs, turn, attempt, offset: text.offset, text: text.more });
  const argumentEnds = new Map(told.argumentEnds);
  for (const call of details.calls ?? []) {
    const written = grown(call.offset, call.arguments, argumentEnds.get(call.slot) ?? 0);
    // A call is told when it is begun, before there are arguments.
    if (written.more !== '' || !argumentEnds.has(call.slot))
      events.push({
        type: 'calling',
        atMs,
        turn,
        attempt,
        slot: call.slot,
        tool: call.tool,
        offset: written.offset,
        arguments: written.more,
      });
    argumentEnds.set(call.slot, written.end);
  }
  return { events, now: { ...told, textEnd: text.end, argumentEnds } };
}

/** What is new of a text of which the end is known, from `offset` on, when it was told up to `toldEnd`. */
function grown(offset = 0, text = '', toldEnd: number): { offset: number; more: string; end: number } {
  const from = Math.max(offset, toldEnd);
  return { offset: from, more: text.slice(from - offset), end: Math.max(toldEnd, offset + text.length) };
}

/** The details that our activities send: a model call its answer so far, a tool its progress. */
interface Heartbeat {
  readonly attempt: number;
  readonly offset: number;
  readonly text: string;
  readonly calls: readonly {
    readonly slot: number;
    readonly tool: string;
    readonly offset: number;
    readonly arguments: string;
  }[];
  readonly progress: unknown;
}
