// A semaphore: limits how many calls of a tool run at once in this process, over all runs. A call takes a place and leaves it.

export interface Places {
  /** Waits for a place; resolves to a function that leaves it. Rejects if the signal aborts first. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createPlaces(limit: number): Places {
  let free = limit;
  const waiting: (() => void)[] = [];

  function leave(): void {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }

  /** A function that leaves the place; calling it again does nothing. */
  function leaveOnce(): () => void {
    let left = false;
    return () => {
      if (!left) leave();
      left = true;
    };
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return leaveOnce();
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const giveUp = () => {
        const at = waiting.indexOf(resolve);
        // It already has a place.
        if (at < 0) return;
        waiting.splice(at, 1);
        reject(signal.reason);
      };
      waiting.push(resolve);
      signal.addEventListener('abort', giveUp, { once: true });
      await promise;
      signal.removeEventListener('abort', giveUp);
      return leaveOnce();
    },
  };
}
