// The run's clock: how long something has run, and the limit on that. Time in which the run waits for people, and nothing
// runs, does not count.
import { CancellationScope, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { TIMER } from '../core/names.ts';

export interface Clock {
  /** Cancelled when the time is up, or with the workflow. */
  readonly scope: CancellationScope;
  /** Once; later limits are not taken. */
  limitTo(limitMs: number): void;
  /** The limit is now this, where there is one. */
  extendTo(limitMs: number): void;
  /** Rings once when so much time was active; the last one that was set counts. */
  alarmAt(ms: number, ring: () => void): void;
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
  let alarm: { readonly atMs: number; ring(): void } | undefined;
  let timers: CancellationScope[] = [];

  async function waitFor(ms: number, summary: string, then: () => void): Promise<void> {
    const mine = new CancellationScope();
    timers.push(mine);
    try {
      await mine.run(() => sleep(Math.max(1, ms - clock.activeMs()), { summary }));
      then();
    } catch (error) {
      if (!isCancellation(error)) throw error;
    }
  }

  function stopTimers(): void {
    for (const timer of timers) timer.cancel();
    timers = [];
  }

  function setTimers(): void {
    stopTimers();
    if (sinceMs === null) return;
    if (limitMs !== undefined)
      void waitFor(limitMs, TIMER.timeLimit, () => {
        up = true;
        scope.cancel();
      });
    const set = alarm;
    if (set)
      void waitFor(set.atMs, 'budget of time', () => {
        alarm = undefined;
        set.ring();
      });
  }

  const clock: Clock = {
    scope,
    limitTo(ms) {
      if (limitMs !== undefined) return;
      limitMs = ms;
      setTimers();
    },
    alarmAt(ms, ring) {
      if (alarm?.atMs === ms) return;
      alarm = { atMs: ms, ring };
      setTimers();
    },
    extendTo(ms) {
      if (limitMs === undefined || ms <= limitMs) return;
      limitMs = ms;
      setTimers();
    },
    hold() {
      if (sinceMs === null) return;
      activeMs += Date.now() - sinceMs;
      sinceMs = null;
      stopTimers();
    },
    go() {
      if (sinceMs !== null) return;
      sinceMs = Date.now();
      setTimers();
    },
    activeMs: () => activeMs + (sinceMs === null ? 0 : Date.now() - sinceMs),
    timeIsUp: () => up,
  };
  return clock;
}
