// The active time of a run, and the limit on it. Time in which nothing runs does not count: while the run waits for a worker to
// begin it, or for people, and between the state that a reset went back to and the reset.
import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import { TIMER } from '../../core/names.ts';
import { watchResets } from '../runtime/resets.ts';

export class Clock {
  /** Cancelled at the time limit, or with the workflow. */
  readonly scope = new CancellationScope();
  #limitMs: number | undefined;
  #isTimeUp = false;
  #activeMs: number;
  /** When the clock was last resumed; null while it is paused. */
  #sinceMs: number | null;
  /** When it was last read. */
  #readAtMs: number;
  #isSetBack = false;
  readonly #wasReset = watchResets();
  #alarm: { readonly atMs: number; ring(): void } | undefined;
  #timers: CancellationScope[] = [];

  /** `spentMs`: active time in previous histories. */
  constructor(spentMs: number) {
    this.#activeMs = spentMs;
    this.#sinceMs = Date.now();
    this.#readAtMs = this.#sinceMs;
  }

  get activeMs(): number {
    const nowMs = Date.now();
    if (this.#wasReset() && this.#sinceMs !== null) {
      this.#sinceMs += nowMs - this.#readAtMs;
      this.#isSetBack = true;
    }
    this.#readAtMs = nowMs;
    return this.#activeMs + (this.#sinceMs === null ? 0 : nowMs - this.#sinceMs);
  }

  get isPaused(): boolean {
    return this.#sinceMs === null;
  }

  get isTimeUp(): boolean {
    return this.#isTimeUp;
  }

  /** Whether the run was cancelled or reached its time limit. A cancellation reaches the scope a microtask later than its parent. */
  get isCancelled(): boolean {
    return this.scope.consideredCancelled || this.scope.parent?.consideredCancelled === true;
  }

  /** Sets the limit. Later calls are ignored. */
  limitTo(ms: number): void {
    if (this.#limitMs !== undefined) return;
    this.#limitMs = ms;
    this.#setTimers();
  }

  /** Raises the limit, if there is one. */
  extendTo(ms: number): void {
    if (this.#limitMs === undefined || ms <= this.#limitMs) return;
    this.#limitMs = ms;
    this.#setTimers();
  }

  /** Calls `ring` once at this active time. Replaces an earlier alarm. */
  alarmAt(ms: number, ring: () => void): void {
    if (this.#alarm?.atMs === ms) return;
    this.#alarm = { atMs: ms, ring };
    this.#setTimers();
  }

  pause(): void {
    if (this.#sinceMs === null) return;
    this.#activeMs = this.activeMs;
    this.#sinceMs = null;
    this.#stopTimers();
  }

  resume(): void {
    if (this.#sinceMs !== null) return;
    // Read while it stands still: a reset meanwhile has taken no active time.
    this.#activeMs = this.activeMs;
    this.#sinceMs = Date.now();
    this.#setTimers();
  }

  #setTimers(): void {
    this.#stopTimers();
    if (this.#sinceMs === null) return;
    if (this.#limitMs !== undefined && Number.isFinite(this.#limitMs))
      void this.#waitFor(this.#limitMs, TIMER.timeLimit, () => {
        this.#isTimeUp = true;
        this.scope.cancel();
      });
    const alarm = this.#alarm;
    if (alarm)
      void this.#waitFor(alarm.atMs, 'budget of time', () => {
        this.#alarm = undefined;
        alarm.ring();
      });
  }

  #stopTimers(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
  }

  async #waitFor(ms: number, summary: string, then: () => void): Promise<void> {
    const timer = new CancellationScope();
    this.#timers.push(timer);
    try {
      // A timer from before a reset rings too early.
      let waitMs = ms - this.activeMs;
      do {
        await timer.run(() => sleep(Math.max(1, waitMs), { summary }));
        waitMs = ms - this.activeMs;
      } while (this.#isSetBack && waitMs > 0);
      then();
    } catch (error) {
      if (!isCancellation(error)) throw error;
    }
  }
}
