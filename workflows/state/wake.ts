// The one wake-up of a run's loop: whatever happens wakes it once, however much happens in an activation. A race over all
// calls in flight would make a promise for each of them, each time that one ends.

export class Wake {
  #resolve: () => void = () => {};

  /** Resolves at the next change. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Something has changed. */
  wake(): void {
    this.#resolve();
  }
}
