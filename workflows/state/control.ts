// What people, and a parent, have told the run to do: pause, stop, interrupt.
import type { ControlState } from '../../core/carriedState.ts';
import type { Attribution } from '../../core/types.ts';

export function newControl(): ControlState {
  return { paused: false, pausedByParent: false, stop: null };
}

export class Control {
  #paused: boolean;
  #pausedByParent: boolean;
  #stop: Attribution | null;
  /** The history is full, and cannot be left behind. */
  #isHistoryFull = false;
  /** Not handed over: a run that is interrupted does not continue as new before it has acted on it. */
  #isInterrupted = false;

  constructor(state: ControlState) {
    this.#paused = state.paused;
    this.#pausedByParent = state.pausedByParent;
    this.#stop = state.stop;
  }

  get isPaused(): boolean {
    return this.#paused || this.#pausedByParent;
  }

  get stop(): Attribution | null {
    return this.#stop;
  }

  get isHistoryFull(): boolean {
    return this.#isHistoryFull;
  }

  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  setPaused(isPaused: boolean): void {
    this.#paused = isPaused;
  }

  setPausedByParent(isPaused: boolean): void {
    this.#pausedByParent = isPaused;
  }

  /** The first one counts. */
  stopFor(by: Attribution): void {
    this.#stop ??= by;
  }

  stopForFullHistory(): void {
    this.#isHistoryFull = this.#stop === null;
    this.#stop ??= {};
  }

  interrupt(): void {
    this.#isInterrupted = true;
  }

  /** Whether the run was interrupted; from now on it is not. */
  takeInterrupt(): boolean {
    const was = this.#isInterrupted;
    this.#isInterrupted = false;
    return was;
  }

  carried(): ControlState {
    return { paused: this.#paused, pausedByParent: this.#pausedByParent, stop: this.#stop };
  }
}
