// An outage of the model's provider, or of the payload store, ends no run: the run waits between two turns, where every command and
// limit takes effect, and calls the model again.
import { type ActivityFailure, ApplicationFailure, condition } from '@temporalio/workflow';
import { MODEL_OUTAGE, STORE_OUTAGE_MS } from '../../core/limits.ts';
import { isOutage, TIMER } from '../../core/names.ts';
import { hasShape, isNumber, optional } from '../../core/shape.ts';
import { mustContinueAsNew } from '../ending/continueAsNew.ts';
import { showOutage } from '../people/details.ts';
import type { Run } from '../state/run.ts';

/** In the details of the failure, except of one that no activity has seen: that of a store. */
interface Outage {
  /** How long the run may wait; 0 if it may not. */
  readonly limitMs: number;
  /** How long the provider asks it to wait. */
  readonly retryAfterMs?: number;
}

const hasOutageShape = hasShape<Outage>({ limitMs: isNumber, retryAfterMs: optional(isNumber) });

export interface Pause {
  readonly ms: number;
  /** What the provider is at fault for. */
  readonly message: string;
}

/** Returns the pause before the model is called again; null if it is no outage, or one that has lasted too long. */
export function pauseIn({ turns }: Run, { cause }: ActivityFailure, askedAtMs: number): Pause | null {
  if (!isUnavailable(cause)) return null;
  const details: unknown = cause.details?.[0] ?? ({ limitMs: STORE_OUTAGE_MS } satisfies Outage);
  if (hasOutageShape(details, '') !== null) return null;
  const { limitMs, retryAfterMs = 0 } = details as Outage;
  const { sinceMs, tries } = turns.outage ?? { sinceMs: askedAtMs, tries: 0 };
  const ms = Math.max(retryAfterMs, Math.min(MODEL_OUTAGE.firstMs * 2 ** tries, MODEL_OUTAGE.maxMs));
  if (Date.now() + ms - sinceMs > limitMs) return null;
  turns.recordOutage(sinceMs);
  return { ms, message: cause.message };
}

/** Resolves after the pause, or once something else is to be done. */
export async function waitOut(run: Run, { ms, message }: Pause): Promise<void> {
  const { control, session } = run;
  showOutage(run, message, Date.now() + ms);
  await condition(() => control.stop !== null || control.isPaused || session.queued > 0 || mustContinueAsNew(run), ms, {
    summary: TIMER.outage,
  });
}

export function isUnavailable(cause: unknown): cause is ApplicationFailure {
  return cause instanceof ApplicationFailure && isOutage(cause.type);
}
