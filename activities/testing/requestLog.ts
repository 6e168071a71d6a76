// The log of requests to the scripted model and their outcomes, so that tests can count and wait instead of sleeping.

/** One request as it was received. The other fields are filled in while it is answered. */
export interface RecordedRequest {
  /** Counts from 1 since the start of the server. */
  readonly number: number;
  /** null until the request is parsed and its script found; so are turn and attempt. */
  readonly agent: string | null;
  readonly turn: number | null;
  readonly attempt: number | null;
  /** The parsed body; null if it was not JSON. Headers are not kept: they contain keys. */
  readonly body: unknown;
  /** The fault that the script simulated. */
  readonly fault: string | null;
  /** The message of the error response. */
  readonly error: string | null;
  /** `left`: the caller disconnected before the answer was complete. */
  readonly state: 'open' | 'done' | 'left';
}

interface Waiter {
  readonly condition: (requests: readonly RecordedRequest[]) => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface RequestLog {
  readonly requests: readonly RecordedRequest[];
  /** Adds a request, and returns a function that updates its entry. */
  add(body: unknown, bytes: number): (change: Partial<RecordedRequest>) => void;
  count(agent?: string): number;
  until(condition: Waiter['condition']): Promise<void>;
  close(): void;
}

/** Keeps the newest requests within both limits. The counts include all requests. */
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
        reject(new Error('The scripted model was closed while until() was waiting for a request.'));
      waiters.clear();
    },
  };
}
