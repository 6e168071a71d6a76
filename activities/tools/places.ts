// Places in a process: how many calls of a tool may run in it at once, over all runs.

export interface Places {
  /** Waits for a place and gives back how to leave it. Rejects when the signal aborts first. */
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

  /** A place is left once, however often its holder says so. */
  function place(): () => void {
    let held = true;
    return () => {
      if (held) leave();
      held = false;
    };
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return place();
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const giveUp = () => {
        const at = waiting.indexOf(resolve);
        // It has its place already.
        if (at < 0) return;
        waiting.splice(at, 1);
        reject(signal.reason);
      };
      waiting.push(resolve);
      signal.addEventListener('abort', giveUp, { once: true });
      await promise;
      signal.removeEventListener('abort', giveUp);
      return place();
    },
  };
}
