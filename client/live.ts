// What the server knows of running activities beyond history: attempts, and what their heartbeats carry. Told as events,
// each thing once.
import type { Client } from '@temporalio/client';
import { firstJson, type Payloads, type Timestamp, timestampMs } from '../core/history.ts';
import { parseActivityId } from '../core/names.ts';
import type { LiveEvent } from '../core/run.ts';
import type { RunPlace } from './history.ts';

interface PendingActivity {
  readonly activityId?: string | null;
  readonly attempt?: number | null;
  readonly lastStartedTime?: Timestamp | null;
  readonly lastHeartbeatTime?: Timestamp | null;
  readonly heartbeatDetails?: Payloads | null;
  readonly lastFailure?: { readonly message?: string | null } | null;
}

/** What was told of an activity already. */
interface Told {
  readonly attempt: number;
  readonly textEnd: number;
  readonly progress: string;
}

const NOTHING: Told = { attempt: 0, textEnd: 0, progress: '' };

/** A look at the running activities of a run, that gives only what is new since the last look. */
export function createLiveLook(client: Client, { workflowId, runId }: RunPlace): () => Promise<LiveEvent[]> {
  const told = new Map<string, Told>();
  return async () => {
    const { pendingActivities } = await client.workflowService.describeWorkflowExecution({
      namespace: client.options.namespace,
      execution: { workflowId, runId },
    });
    return (pendingActivities ?? []).flatMap((activity) => {
      const id = activity.activityId ?? '';
      const { events, now } = news(activity, told.get(id) ?? NOTHING);
      told.set(id, now);
      return events;
    });
  };
}

function news(activity: PendingActivity, before: Told): { events: LiveEvent[]; now: Told } {
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
      lastError: activity.lastFailure?.message ?? null,
    });

  const atMs = timestampMs(activity.lastHeartbeatTime);
  const details = (firstJson(activity.heartbeatDetails) ?? {}) as Partial<Heartbeat>;
  // Heartbeats outlive their attempt: those of the last one still stand when the next begins.
  const fromNow = details.attempt === attempt;
  const textEnd = fromNow && slot === null ? (details.offset ?? 0) + (details.text?.length ?? 0) : 0;
  const seen = attempt === before.attempt ? before.textEnd : 0;
  if (textEnd > seen) {
    const offset = Math.max(seen, details.offset ?? 0);
    events.push({
      type: 'text',
      atMs,
      turn,
      attempt,
      offset,
      text: (details.text ?? '').slice(offset - (details.offset ?? 0)),
    });
  }
  const progress = fromNow && details.progress !== undefined ? JSON.stringify(details.progress) : '';
  if (slot !== null && progress !== '' && progress !== before.progress)
    events.push({ type: 'progress', atMs, turn, slot, progress: details.progress });
  return { events, now: { attempt, textEnd: Math.max(textEnd, seen), progress } };
}

/** The details that our activities send: a model call its text so far, a tool its progress. */
interface Heartbeat {
  readonly attempt: number;
  readonly offset: number;
  readonly text: string;
  readonly progress: unknown;
}
