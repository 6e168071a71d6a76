// What the scripted model was asked and what became of it, so that a test can count and wait instead of sleeping.

/** One request, as it was received. Its fields fill in while it is answered. */
export interface RecordedRequest {
  /** 1 for the first since the start. */
  readonly number: number;
  /** null until the request was read and its script found; so are turn and attempt. */
  readonly agent: string | null;
  readonly turn: number | null;
  readonly attempt: number | null;
  /** The parsed body; null where it was not JSON. Headers are not kept: they carry keys. */
  readonly body: unknown;
  /** The fault that the script played. */
  readonly fault: string | null;
  /** The message of the error that it was answered with. */
  readonly error: string | null;
  /** `left`: the caller was gone before the answer was through. */
  readonly state: 'open' | 'done' | 'left';
}

interface Waiter {
  readonly condition: (requests: readonly RecordedRequest[]) => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface RequestLog {
  readonly requests: readonly RecordedRequest[];
  /** Adds a request; the function returned writes down what became of it. */
  add(body: unknown, bytes: number): (change: Partial<RecordedRequest>) => void;
  count(agent?: string): number;
  until(condition: Waiter['condition']): Promise<void>;
  close(): void;
}

/** Keeps the newest requests within both limits; the counts go on. */
export function requestLog(entriesMax: number, bytesMax: number): RequestLog {
  const requests: RecordedRequest[] = [];
  const sizes: number[] = [];
  const counts = new Map<string, number>();
  const waiters = new Set<Waiter>();
  let total = 0;
  let bytesKept = 0;

  function check(waiter: Waiter): void {
    try {
      if (!waiter.condition(requests)) return;
      waiter.resolve();
    } catch (error) {
      waiter.reject(error);
    }
    waiters.delete(waiter);
  }

  return {
    requests,
    add(body, bytes) {
      const entry = {
        number: ++total,
        agent: null,
        turn: null,
        attempt: null,
        body,
        fault: null,
        error: null,
        state: 'open',
      };
      requests.push(entry as RecordedRequest);
      sizes.push(bytes);
      bytesKept += bytes;
      while (requests.length > 1 && (requests.length > entriesMax || bytesKept > bytesMax)) {
        requests.shift();
        bytesKept -= sizes.shift() ?? 0;
      }
      for (const waiter of waiters) check(waiter);
      return (change) => {
        if (change.agent) counts.set(change.agent, (counts.get(change.agent) ?? 0) + 1);
        Object.assign(entry, change);
        for (const waiter of waiters) check(waiter);
      };
    },
    count: (agent) => (agent === undefined ? total : (counts.get(agent) ?? 0)),
    until: (condition) =>
      new Promise((resolve, reject) => {
        const waiter = { condition, resolve, reject };
        waiters.add(waiter);
        check(waiter);
      }),
    close() {
      for (const { reject } of waiters)
        reject(new Error('The scripted model was closed while someone waited for a request.'));
      waiters.clear();
    },
  };
}
