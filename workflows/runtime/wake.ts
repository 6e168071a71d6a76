// Wakes a run's loop once everything of an activation has been applied: commands, results, timers and cancellations. The loop then
// decides once for all of it, as the read model does. A `Promise.race` over a thousand calls would make a thousand promises each
// time that one of them ends.
import { condition } from '@temporalio/workflow';
import { LightScope } from './lightScope.ts';

export class Wake {
  readonly #scope = new LightScope({ cancellable: false });
  #hasChanged = false;

  /** Whatever changes after this ends the next wait. */
  reset(): void {
    this.#hasChanged = false;
  }

  /** Resolves after the microtasks of the activation in which something changed. */
  next(): Promise<void> {
    // The SDK evaluates a new condition at once, in the middle of those microtasks.
    let isNew = true;
    const hasChanged = () => {
      if (!isNew) return this.#hasChanged;
      isNew = false;
      return false;
    };
    return this.#scope.run(() => condition(hasChanged));
  }

  /** Wakes the loop. For code that runs in a microtask: a result, a timer, a step of the loop. */
  wake(): void {
    this.#hasChanged = true;
  }

  /** Wakes the loop from a handler of an update or signal. Those run between an activation's jobs, when conditions are evaluated. */
  wakeSoon(): void {
    if (!this.#hasChanged) void Promise.resolve().then(() => this.wake());
  }
}
