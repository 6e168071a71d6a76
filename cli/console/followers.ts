// One follower of a run for all pages that show it: it reads the run's history once, and sends each page what has changed.
import type { Holdfast, RunEvents } from '../../client/index.ts';
import { isLive, type LiveEvent, type Run } from '../../core/read/run.ts';
import { headOf, type OpenAttempt, type RunUpdate, type TurnView, turnView, type Written } from './runView.ts';

/** Resolves when the page has taken the update. */
type Send = (update: RunUpdate) => Promise<unknown>;

/** A page sees a change within a blink, and a run that does a hundred things a second is not sent a hundred times. */
const GATHER_MS = 100;
/** For the first page of a history to be read. */
const FIRST_MS = 20;
/** A page that is loaded again finds the follower still there. */
const LINGER_MS = 10_000;
const PROGRESS_CHARS = 200;
const ERROR_CHARS = 600;

export class Followers {
  readonly #holdfast: Holdfast;
  readonly #open = new Map<string, Follower>();

  constructor(holdfast: Holdfast) {
    this.#holdfast = holdfast;
  }

  /** Sends the run's state, then what changes, until the signal aborts or the run has ended. Rejects if the run cannot be read. */
  async follow(workflowId: string, signal: AbortSignal, send: Send): Promise<void> {
    let follower = this.#open.get(workflowId);
    if (!follower) {
      const opened = new Follower(this.#holdfast, workflowId, () => {
        if (this.#open.get(workflowId) === opened) this.#open.delete(workflowId);
      });
      this.#open.set(workflowId, opened);
      follower = opened;
    }
    await follower.add(signal, send);
  }

  /** Number of runs that are followed. */
  get size(): number {
    return this.#open.size;
  }

  close(): void {
    for (const follower of this.#open.values()) follower.stop();
  }
}

/** A page that takes slowly is sent the latest state when it has taken the last, and nothing between. */
class FollowingPage {
  readonly #send: Send;
  /** What each turn was last sent as. */
  readonly #sent = new Map<number, string>();
  #sending: Promise<unknown> | null = null;
  #next: (() => RunState) | null = null;

  constructor(send: Send) {
    this.#send = send;
  }

  offer(state: () => RunState): void {
    this.#next = state;
    this.#sending ??= this.#sendAll();
    this.#sending.catch(() => {});
  }

  /** Resolves when everything has been sent. */
  async settled(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#next) {
        const { turns, ...rest } = this.#next();
        this.#next = null;
        const changed = turns.filter(({ turn, json }) => this.#isNew(turn, json)).map(({ view }) => view);
        await this.#send({ ...rest, turns: changed });
      }
    } finally {
      // Here, and not when the promise has settled: what is offered in between would wait for ever.
      this.#sending = null;
    }
  }

  #isNew(turn: number, json: string): boolean {
    if (this.#sent.get(turn) === json) return false;
    this.#sent.set(turn, json);
    return true;
  }
}

interface RunState extends Omit<RunUpdate, 'turns'> {
  readonly turns: readonly { readonly turn: number; readonly view: TurnView; readonly json: string }[];
}

class Follower {
  readonly #pages = new Set<FollowingPage>();
  readonly #stop = new AbortController();
  readonly #events: RunEvents;
  readonly #ended: Promise<void>;
  readonly #forget: () => void;
  #hasBegun = Promise.withResolvers<void>();
  /** null if history has had news since. */
  #known: Pick<RunState, 'head' | 'turns'> | null = null;
  #written: Written | null = null;
  #progress: Record<string, string> = {};
  #attempts: Record<string, OpenAttempt> = {};
  #gathering: NodeJS.Timeout | undefined;
  #lingering: NodeJS.Timeout | undefined;

  constructor(holdfast: Holdfast, workflowId: string, forget: () => void) {
    this.#forget = forget;
    this.#events = holdfast.get(workflowId).events({ signal: this.#stop.signal });
    this.#ended = this.#run().finally(() => this.#close());
    this.#ended.catch(() => {});
  }

  stop(): void {
    this.#stop.abort();
    this.#close();
  }

  async add(signal: AbortSignal, send: Send): Promise<void> {
    clearTimeout(this.#lingering);
    await Promise.race([this.#hasBegun.promise, this.#ended]);
    if (signal.aborted) return;
    const page = new FollowingPage(send);
    page.offer(this.#read);
    this.#pages.add(page);
    const gone = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    try {
      await Promise.race([gone, this.#ended.then(() => page.settled())]);
    } finally {
      this.#pages.delete(page);
      if (this.#pages.size === 0) this.#lingering = setTimeout(() => this.stop(), LINGER_MS).unref();
    }
  }

  async #run(): Promise<void> {
    let isFirst = true;
    for await (const event of this.#events) {
      if (isLive(event)) this.#take(event);
      else {
        this.#known = null;
        if (event.type === 'answer' || event.type === 'ended') this.#written = null;
      }
      this.#gathering ??= setTimeout(this.#flush, isFirst ? FIRST_MS : GATHER_MS);
      isFirst = false;
    }
    this.#flush();
  }

  #take(event: LiveEvent): void {
    if (event.type === 'text') {
      const before = this.#written?.turn === event.turn ? this.#written.text.slice(0, event.offset) : '';
      this.#written = { turn: event.turn, text: before + event.text };
    } else if (event.type === 'progress') {
      const text = typeof event.progress === 'string' ? event.progress : JSON.stringify(event.progress);
      this.#progress[`${event.turn}.${event.slot}`] = (text ?? '').slice(0, PROGRESS_CHARS);
    } else if (event.type === 'attempt') {
      if (event.restarts) this.#written = null;
      const { turn, slot, attempt, lastError } = event;
      const call = slot === null ? `${turn}` : `${turn}.${slot}`;
      if (attempt > 1) this.#attempts[call] = { attempt, lastError: lastError?.slice(0, ERROR_CHARS) ?? null };
    }
  }

  #flush = (): void => {
    this.#gathering = undefined;
    this.#hasBegun.resolve();
    for (const page of this.#pages) page.offer(this.#read);
  };

  /** Once for all pages. */
  #read = (): RunState => {
    this.#known ??= knownOf(this.#events.run());
    return { ...this.#known, written: this.#written, progress: this.#progress, attempts: this.#attempts };
  };

  #close(): void {
    clearTimeout(this.#gathering);
    clearTimeout(this.#lingering);
    this.#forget();
  }
}

function knownOf(run: Run): Pick<RunState, 'head' | 'turns'> {
  const turns = run.turns.map((turn) => {
    const view = turnView(turn);
    return { turn: turn.turn, view, json: JSON.stringify(view) };
  });
  return { head: headOf(run), turns };
}
