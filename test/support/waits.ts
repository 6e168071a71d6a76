// Gates, counters and waits, for tools and the tests that wait for them.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Gate {
  /** Resolves once the gate is open. */
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}

/** A number that tests wait for: `count.until(5)` resolves when it has been reached. */
export interface Counter {
  readonly value: number;
  add(n?: number): void;
  until(n: number): Promise<void>;
}

export function counter(): Counter {
  let value = 0;
  const waiting = new Set<{ readonly n: number; readonly resolve: () => void }>();
  return {
    get value() {
      return value;
    },
    add(n = 1) {
      value += n;
      for (const waiter of waiting) {
        if (value < waiter.n) continue;
        waiter.resolve();
        waiting.delete(waiter);
      }
    },
    until(n) {
      if (value >= n) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add({ n, resolve });
      return promise;
    },
  };
}

/** Counts by name how often something happened. */
export function tally(): { add(name: string): number; of(name: string): number } {
  const counts = new Map<string, number>();
  return {
    add(name) {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      return count;
    },
    of: (name) => counts.get(name) ?? 0,
  };
}

/** Polls until there is an answer; gives up after longer than any machine needs. */
export async function eventually<T>(ask: () => Promise<T | null | undefined | false>, withinMs = 90_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`It did not happen within ${withinMs / 1_000} seconds.`);
    await sleep(20);
  }
}
