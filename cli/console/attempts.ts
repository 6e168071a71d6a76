// The attempts of a call: of one that has ended, as history has them; of one that has not, as the server tells.

import { describeRun } from '../../client/histories/history.ts';
import type { Holdfast } from '../../client/index.ts';
import { decodeDescription } from '../../client/payloads/decode.ts';
import { type Failure, timestampMs } from '../../core/read/history.ts';
import type { Steps } from './steps.ts';

export interface AttemptsView {
  /** The number of the last one. */
  readonly attempt: number;
  /** How many it may have; null if that is not known, or there is no limit. */
  readonly most: number | null;
  /** How the one before failed; null if there was none. */
  readonly lastFailure: string | null;
  /** When the next one begins, while it waits for it. */
  readonly nextAtMs: number | null;
  /** Who has it, or had the last one. */
  readonly worker: string | null;
}

const TEXT_CHARS_MAX = 20_000;

/** The attempts of an open call; null if the server does not have it, as that of a sub-agent, or one that has ended. */
async function openAttempts({ client }: Holdfast, workflowId: string, call: string): Promise<AttemptsView | null> {
  const { namespace, loadedDataConverter } = client.options;
  const description = await describeRun(client, { workflowId });
  await decodeDescription(description, loadedDataConverter, { namespace, workflowId });
  const pending = description.pendingActivities?.find(({ activityId }) => activityId === call);
  if (!pending) return null;
  const { attempt, maximumAttempts, lastFailure, scheduledTime, lastStartedTime, lastWorkerIdentity } = pending;
  const atMs = timestampMs(scheduledTime);
  return {
    attempt: attempt || 1,
    most: maximumAttempts || null,
    lastFailure: lastFailure ? failureText(lastFailure) : null,
    nextAtMs: atMs > Date.now() && atMs > timestampMs(lastStartedTime) ? atMs : null,
    worker: lastWorkerIdentity || null,
  };
}

/** Throws `RunNotFound` for a run that is not there; returns null for a call without attempts. */
export async function attemptsOf(
  holdfast: Holdfast,
  steps: Steps,
  workflowId: string,
  call: string,
): Promise<AttemptsView | null> {
  const open = await openAttempts(holdfast, workflowId, call).catch(() => null);
  if (open) return open;
  const ended = await steps.endOf(workflowId, call);
  if (!ended) return null;
  const { attempts, lastFailure } = ended;
  return { attempt: attempts, most: null, lastFailure: lastFailure ?? null, nextAtMs: null, worker: null };
}

/** The innermost cause says what went wrong; those around it say where. */
function failureText(failure: Failure): string {
  let at = failure;
  while (at.cause) at = at.cause;
  return (at.message ?? '').slice(0, TEXT_CHARS_MAX);
}
