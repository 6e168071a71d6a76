// Commands in effect, of people and of the parent: pause, stop, interrupt.
import type { ControlState } from '../../core/carriedState.ts';
import type { Attribution } from '../../core/types.ts';

export function newControl(): ControlState {
  return { paused: false, pausedByParent: false, stop: null };
}

export class Control {
  #paused: boolean;
  #pausedByParent: boolean;
  #stop: Attribution | null;
  /** The history is full, and the run cannot continue as new. */
  #isHistoryFull = false;
  /** Not carried over: an interrupted run does not continue as new before it has handled the interrupt. */
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

  /** The first stop counts. */
  requestStop(attribution: Attribution): void {
    this.#stop ??= attribution;
  }

  stopForFullHistory(): void {
    this.#isHistoryFull = this.#stop === null;
    this.#stop ??= {};
  }

  interrupt(): void {
    this.#isInterrupted = true;
  }

  /** Returns whether the run was interrupted, and resets it. */
  takeInterrupt(): boolean {
    const was = this.#isInterrupted;
    this.#isInterrupted = false;
    return was;
  }

  carried(): ControlState {
    return { paused: this.#paused, pausedByParent: this.#pausedByParent, stop: this.#stop };
  }
}
