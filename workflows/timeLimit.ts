// The run's clock: how long something has run, and the limit on that. Time in which the run waits for people, and nothing
// runs, does not count.
import { CancellationScope, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';

export interface Clock {
  /** Cancelled when the time is up, or with the workflow. */
  readonly scope: CancellationScope;
  /** Once; later limits are not taken. */
  limitTo(limitMs: number): void;
  /** The limit is now this, where there is one. */
  extendTo(limitMs: number): void;
  /** From now on only people are waited for. */
  hold(): void;
  go(): void;
  activeMs(): number;
  timeIsUp(): boolean;
}

/** `spentMs`: what the links before this one have used. Null for the first link, which counts from its start. */
export function startClock(spentMs: number | null): Clock {
  const scope = new CancellationScope();
  let limitMs: number | undefined;
  let up = false;
  let activeMs = spentMs ?? 0;
  let sinceMs: number | null = spentMs === null ? workflowInfo().startTime.getTime() : Date.now();
  let timer: CancellationScope | undefined;

  async function waitFor(ms: number): Promise<void> {
    const mine = new CancellationScope();
    timer = mine;
    try {
      await mine.run(() => sleep(ms, { summary: 'time limit' }));
      up = true;
      scope.cancel();
    } catch (error) {
      if (!isCancellation(error)) throw error;
    }
  }

  function setTimer(): void {
    timer?.cancel();
    timer = undefined;
    if (limitMs !== undefined && sinceMs !== null) void waitFor(Math.max(1, limitMs - clock.activeMs()));
  }

  const clock: Clock = {
    scope,
    limitTo(ms) {
      if (limitMs !== undefined) return;
      limitMs = ms;
      setTimer();
    },
    extendTo(ms) {
      if (limitMs === undefined || ms <= limitMs) return;
      limitMs = ms;
      setTimer();
    },
    hold() {
      if (sinceMs === null) return;
      activeMs += Date.now() - sinceMs;
      sinceMs = null;
      timer?.cancel();
      timer = undefined;
    },
    go() {
      if (sinceMs !== null) return;
      sinceMs = Date.now();
      setTimer();
    },
    activeMs: () => activeMs + (sinceMs === null ? 0 : Date.now() - sinceMs),
    timeIsUp: () => up,
  };
  return clock;
}
