// The run's clock: how long something has run, and the limit on that. Time in which the run waits for people, and nothing
// runs, does not count.
import { CancellationScope, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { TIMER } from '../../core/names.ts';

export class Clock {
  /** Cancelled when the time is up, or with the workflow. */
  readonly scope = new CancellationScope();
  #limitMs: number | undefined;
  #isTimeUp = false;
  #activeMs: number;
  /** Since when it runs; null while it is paused. */
  #sinceMs: number | null;
  #alarm: { readonly atMs: number; ring(): void } | undefined;
  #timers: CancellationScope[] = [];

  /** `spentMs`: what the histories before this one have used; null for the first, which counts from the run's start. */
  constructor(spentMs: number | null) {
    this.#activeMs = spentMs ?? 0;
    this.#sinceMs = spentMs === null ? workflowInfo().startTime.getTime() : Date.now();
  }

  get activeMs(): number {
    return this.#activeMs + (this.#sinceMs === null ? 0 : Date.now() - this.#sinceMs);
  }

  get isPaused(): boolean {
    return this.#sinceMs === null;
  }

  get isTimeUp(): boolean {
    return this.#isTimeUp;
  }

  /** The run is cancelled, or its time is up. A cancellation reaches this scope from the workflow's a microtask later. */
  get isCancelled(): boolean {
    return this.scope.consideredCancelled || this.scope.parent?.consideredCancelled === true;
  }

  /** Sets the limit, once; later ones are not taken. */
  limitTo(ms: number): void {
    if (this.#limitMs !== undefined) return;
    this.#limitMs = ms;
    this.#setTimers();
  }

  /** Raises the limit, where there is one. */
  extendTo(ms: number): void {
    if (this.#limitMs === undefined || ms <= this.#limitMs) return;
    this.#limitMs = ms;
    this.#setTimers();
  }

  /** Rings once when so much time was active; the last alarm set counts. */
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
      await timer.run(() => sleep(Math.max(1, ms - this.activeMs), { summary }));
      then();
    } catch (error) {
      if (!isCancellation(error)) throw error;
    }
  }
}
