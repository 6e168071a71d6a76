// The time of a server in memory: virtual or real.

export interface Clock {
  nowMs(): number;
  /** Calls `due` at that time, unless the returned function is called before. */
  at(timeMs: number, due: () => void, kind?: WaitKind): () => void;
  /** Time passes as it does outside until the returned function is called: user code runs. */
  begin(): () => void;
  /** Time stands still until the returned function is called, unless code runs or time is advanced: what is due now happens. */
  freeze(): () => void;
  /** Whether nothing more happens by itself: no code runs, and nothing is due that is not left to a person. */
  isIdle(): boolean;
  /** When the next thing is due, also one that is left to a person; null if nothing is. */
  nextMs(): number | null;
  /** Resolves with the next change of what runs or is due. */
  changed(): Promise<void>;
  /** Lets time pass: everything that is due until then happens in its order. */
  advance(ms: number): Promise<void>;
  close(): void;
}

/** `person`: something that a person may still do. Virtual time never passes over it by itself. */
export type WaitKind = 'itself' | 'person';

interface Entry {
  readonly timeMs: number;
  readonly order: number;
  readonly due: () => void;
  readonly kind: WaitKind;
}

/** How long `advance` waits for code that runs, in real time, before it lets virtual time pass over it. */
const PATIENCE_MS = 1_000;

/** The longest delay of `setTimeout`. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/**
 * Stands still while nothing happens, and runs while user code does. When no code runs, it jumps to the next time that something is
 * due. `settle` resolves once the server has nothing to do before that.
 */
export function virtualClock(startMs: number, settle: () => Promise<void>): Clock {
  const entries = new Set<Entry>();
  let [baseMs, order, running, isClosed] = [startMs, 0, 0, false];
  let sinceMs = 0;
  let lastBeginMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let frozen = 0;
  let isAdvancing = false;
  let isChecking = false;

  const listeners = new Set<() => void>();

  function announce(): void {
    for (const listener of [...listeners]) listener();
    listeners.clear();
  }

  const nowMs = () => Math.floor(running > 0 ? baseMs + performance.now() - sinceMs : baseMs);

  function next(isIncluded: (entry: Entry) => boolean = () => true): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of entries) {
      const isEarlier =
        !first || entry.timeMs < first.timeMs || (entry.timeMs === first.timeMs && entry.order < first.order);
      if (isIncluded(entry) && isEarlier) first = entry;
    }
    return first;
  }

  function happensByItself({ kind, timeMs }: Entry): boolean {
    return (kind === 'itself' && frozen === 0) || timeMs <= nowMs();
  }

  function happen(entry: Entry): void {
    entries.delete(entry);
    entry.due();
    announce();
  }

  function moveTo(timeMs: number): void {
    baseMs = Math.max(nowMs(), timeMs);
    sinceMs = performance.now();
  }

  /** While code runs, what is due is due in real time. */
  function arm(): void {
    clearTimeout(timer);
    if (isClosed) return;
    if (running === 0) {
      void check();
      return;
    }
    const first = next();
    if (!first) return;
    timer = setTimeout(
      () => {
        if (nowMs() >= first.timeMs && entries.has(first)) happen(first);
        arm();
      },
      Math.min(TIMEOUT_MAX_MS, Math.max(0, first.timeMs - nowMs())),
    );
  }

  /** Until no code runs, or all that does has had its time: a tool may wait for ever. */
  async function rest(): Promise<void> {
    for (;;) {
      await settle();
      const patienceMs = lastBeginMs + PATIENCE_MS - performance.now();
      if (isClosed || running === 0 || patienceMs <= 0) return;
      await new Promise<void>((resolve) => {
        const patience = setTimeout(resolve, patienceMs);
        listeners.add(() => {
          clearTimeout(patience);
          resolve();
        });
      });
    }
  }

  async function check(): Promise<void> {
    if (isChecking || isAdvancing) return;
    isChecking = true;
    try {
      await settle();
    } finally {
      isChecking = false;
    }
    if (isClosed || isAdvancing || running > 0) return;
    const first = next(happensByItself);
    if (!first) return;
    moveTo(first.timeMs);
    happen(first);
    void check();
  }

  return {
    nowMs,
    at(timeMs, due, kind = 'itself') {
      order += 1;
      const entry = { timeMs, order, due, kind };
      entries.add(entry);
      arm();
      return () => {
        if (entries.delete(entry)) announce();
      };
    },
    begin() {
      if (running === 0) sinceMs = performance.now();
      running += 1;
      lastBeginMs = performance.now();
      arm();
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        if (running === 1) baseMs = nowMs();
        running -= 1;
        arm();
        announce();
      };
    },
    freeze() {
      frozen += 1;
      announce();
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        frozen -= 1;
        arm();
        announce();
      };
    },
    isIdle: () => running === 0 && next(happensByItself) === undefined,
    nextMs: () => next()?.timeMs ?? null,
    changed: () => new Promise((resolve) => listeners.add(resolve)),
    async advance(ms) {
      const endMs = nowMs() + ms;
      isAdvancing = true;
      try {
        await rest();
        for (;;) {
          const first = next(({ timeMs }) => timeMs <= endMs);
          if (!first || isClosed) break;
          moveTo(first.timeMs);
          happen(first);
          await rest();
        }
        moveTo(endMs);
      } finally {
        isAdvancing = false;
        arm();
      }
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      entries.clear();
    },
  };
}

export function realClock(): Clock {
  const timers = new Set<NodeJS.Timeout>();
  return {
    nowMs: Date.now,
    at(timeMs, due) {
      const wait = () =>
        setTimeout(
          () => {
            timers.delete(timer);
            if (Date.now() >= timeMs) due();
            else timer = wait();
          },
          Math.min(TIMEOUT_MAX_MS, Math.max(0, timeMs - Date.now())),
        );
      let timer = wait();
      timers.add(timer);
      return () => {
        clearTimeout(timer);
        timers.delete(timer);
      };
    },
    begin: () => () => {},
    freeze: () => () => {},
    isIdle: () => false,
    nextMs: () => null,
    changed: () => new Promise(() => {}),
    advance() {
      throw new TypeError('Time passes by itself here: it was made with `time: "real"`.');
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
