// The scope of one call in flight, or of an edit of one. The SDK's scopes make four promises each, to be linked with one another;
// a batch of a thousand calls would pay for all of them. Calls need less: each is cancelled by the run, by hand.
import { CancellationScope, CancelledFailure } from '@temporalio/workflow';

/** What the SDK looks at in the current scope when an activity is scheduled: held to it by the simulation and the tests. */
export class CallScope {
  readonly cancellable = true;
  readonly cancelRequested = { catch: (cancel: (why: CancelledFailure) => void) => this.#onCancel(cancel) };
  #isCancelled = false;
  readonly #cancels: ((why: CancelledFailure) => void)[] = [];

  get consideredCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Schedules an activity in this scope. */
  run<T>(schedule: () => Promise<T>): Promise<T> {
    // The method only needs what is here: it makes this the current scope, and calls `runInContext`.
    return CancellationScope.prototype.run.call(this as unknown as CancellationScope, schedule) as Promise<T>;
  }

  runInContext<T>(schedule: () => Promise<T>): Promise<T> {
    return schedule();
  }

  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    for (const cancel of this.#cancels) cancel(CANCELLED());
  }

  #onCancel(cancel: (why: CancelledFailure) => void): void {
    if (this.#isCancelled) cancel(CANCELLED());
    else this.#cancels.push(cancel);
  }
}

const CANCELLED = () => new CancelledFailure('The call was cancelled.');
