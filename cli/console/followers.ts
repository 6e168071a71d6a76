// One follower of a run for all pages that show it: it reads the run's history once, and sends each page what has changed.
import type { Holdfast, RunEvents } from '../../client/index.ts';
import type { LiveEvent } from '../../core/read/run.ts';
import { headOf, type RunUpdate, turnView, type Written } from './runView.ts';

type Send = (update: RunUpdate) => void;

/** A page sees a change within a blink, and a run that does a hundred things a second is not sent a hundred times. */
const GATHER_MS = 100;
/** A page that is loaded again finds the follower still there. */
const LINGER_MS = 10_000;
const PROGRESS_CHARS = 200;

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
      follower = new Follower(this.#holdfast, workflowId, () => this.#open.delete(workflowId));
      this.#open.set(workflowId, follower);
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

class Follower {
  readonly #pages = new Set<Send>();
  readonly #stop = new AbortController();
  readonly #events: RunEvents;
  readonly #ended: Promise<void>;
  readonly #forget: () => void;
  /** What each turn was last sent as. */
  readonly #sent = new Map<number, string>();
  #hasBegun = Promise.withResolvers<void>();
  #written: Written | null = null;
  #progress: Record<string, string> = {};
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
    this.#flush();
    send(this.#all());
    this.#pages.add(send);
    const gone = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([gone, this.#ended]).finally(() => {
      this.#pages.delete(send);
      if (this.#pages.size === 0) this.#lingering = setTimeout(() => this.stop(), LINGER_MS).unref();
    });
  }

  async #run(): Promise<void> {
    for await (const event of this.#events) {
      if (isLive(event)) this.#take(event);
      else if (event.type === 'answer' || event.type === 'ended') this.#written = null;
      this.#gathering ??= setTimeout(() => {
        this.#gathering = undefined;
        this.#hasBegun.resolve();
        this.#flush();
      }, GATHER_MS);
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
    } else if (event.type === 'attempt' && event.restarts) this.#written = null;
  }

  /** Sends all pages what has changed since the last time. */
  #flush(): void {
    if (this.#pages.size === 0) return;
    const run = this.#events.run();
    const turns = run.turns.map(turnView).filter((turn) => {
      const json = JSON.stringify(turn);
      if (this.#sent.get(turn.turn) === json) return false;
      this.#sent.set(turn.turn, json);
      return true;
    });
    const update = { head: headOf(run), turns, written: this.#written, progress: this.#progress };
    for (const send of this.#pages) send(update);
  }

  #all(): RunUpdate {
    const run = this.#events.run();
    return {
      head: headOf(run),
      turns: run.turns.map(turnView),
      written: this.#written,
      progress: this.#progress,
    };
  }

  #close(): void {
    clearTimeout(this.#gathering);
    clearTimeout(this.#lingering);
    this.#forget();
  }
}

function isLive(event: { readonly type: string }): event is LiveEvent {
  return ['text', 'reasoning', 'call_arguments', 'attempt', 'progress'].includes(event.type);
}
