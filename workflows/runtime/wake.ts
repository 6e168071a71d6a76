// The one wake-up of a run's loop. It comes when everything that an activation brought has been taken in: commands, results,
// timers and cancellations. So the loop decides once for all of it, as the read model does, and a batch of a thousand calls
// needs no race over all that are in flight, which would make a promise for each of them, each time that one ends.
import { condition } from '@temporalio/workflow';
import { LightScope } from './lightScope.ts';

export class Wake {
  readonly #scope = new LightScope({ cancellable: false });
  #hasChanged = false;

  /** Resolves when something has changed, after the microtasks of the activation in which it did. */
  next(): Promise<void> {
    this.#hasChanged = false;
    return this.#scope.run(() => condition(() => this.#hasChanged));
  }

  /** Something has changed. For what runs in a microtask: a result, a timer, a step of the loop. */
  wake(): void {
    this.#hasChanged = true;
  }

  /** The same for handlers of updates and signals. They run between the jobs of an activation, where conditions are looked at. */
  wakeSoon(): void {
    if (!this.#hasChanged) void Promise.resolve().then(() => this.wake());
  }
}
