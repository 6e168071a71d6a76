// What a run's transcript says, in the few forms that tests ask for; and gates, for tools that wait for their test.
import type { Run } from '../../client/index.ts';
import type { Message } from '../../core/types.ts';

/** What the model was told of each call, in order. */
export function toldOf(run: Run): string[] {
  return run.transcript.flatMap((message) => (message.role === 'tool' ? [message.content] : []));
}

/** The same where every text is JSON. */
export function jsonTold(run: Run): unknown[] {
  return toldOf(run).map((text) => JSON.parse(text));
}

/** The transcript without the instructions. */
export function conversation(run: Run): Message[] {
  return run.transcript.filter(({ role }) => role !== 'system');
}

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

/** Counts by name: how often what a tool does has happened. */
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
