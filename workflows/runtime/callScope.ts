// The scope of one call in flight, or of its edit. Each of the SDK's scopes makes four promises to link it with its parent, which
// adds up in a batch of a thousand calls. The run cancels its calls itself, so they need no link.
import { CancellationScope, CancelledFailure } from '@temporalio/workflow';

/** The parts of a scope that the SDK uses when an activity is scheduled. The simulation and the tests check that it is enough. */
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
    // The method only makes this the current scope and calls `runInContext`, so this class suffices.
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
