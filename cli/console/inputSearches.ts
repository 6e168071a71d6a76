// Searches of inputs, which may take longer than a page waits for an answer: it gets what was found so far, and asks again. A search that
// no page asks for any more ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { RunSummary, SearchProgress } from '../../client/index.ts';

export interface FoundInputs extends SearchProgress<RunSummary> {
  readonly isRunning: boolean;
}

/** Searches in a list of runs. */
export type SearchRuns = (options: {
  readonly onSearch: (progress: SearchProgress<RunSummary>) => void;
  /** Whether a page still asks. */
  readonly isWanted: () => boolean;
}) => Promise<void>;

const ANSWER_MS = 700;
const FRESH_MS = 1_500;
/** A page asks every two seconds. */
const WANTED_MS = 10_000;
const KEPT_MAX = 50;

interface Search {
  progress: SearchProgress<RunSummary>;
  askedAtMs: number;
  endedAtMs: number | null;
  /** What the same search found before, which is shown until this one has ended. */
  readonly before: SearchProgress<RunSummary> | null;
  ended: Promise<void>;
}

export class InputSearches {
  readonly #searches = new LRUCache<string, Search>({ max: KEPT_MAX });

  /** Starts this search unless it is under way, and returns what it has found. */
  async ask(key: string, search: SearchRuns): Promise<FoundInputs> {
    const known = this.#searches.get(key);
    const isOver = known && known.endedAtMs !== null && Date.now() - known.endedAtMs > FRESH_MS;
    const asked = known && !isOver ? known : this.#start(key, search, known?.progress ?? null);
    asked.askedAtMs = Date.now();
    const waits = new AbortController();
    try {
      await Promise.race([
        asked.ended,
        sleep(ANSWER_MS, undefined, { signal: waits.signal, ref: false }).catch(() => {}),
      ]);
    } finally {
      waits.abort();
    }
    const isRunning = asked.endedAtMs === null;
    return isRunning && asked.before ? { ...asked.before, isRunning: false } : { ...asked.progress, isRunning };
  }

  #start(key: string, search: SearchRuns, before: SearchProgress<RunSummary> | null): Search {
    const started: Search = {
      progress: { searched: 0, found: [], isCut: false },
      askedAtMs: Date.now(),
      endedAtMs: null,
      before,
      ended: Promise.resolve(),
    };
    this.#searches.set(key, started);
    const onSearch = (progress: SearchProgress<RunSummary>) => {
      started.progress = progress;
    };
    const isWanted = () => Date.now() - started.askedAtMs < WANTED_MS;
    started.ended = search({ onSearch, isWanted }).then(
      () => {
        started.endedAtMs = Date.now();
        // What was found of a search that nobody wanted is a part.
        if (!isWanted()) this.#searches.delete(key);
      },
      (error) => {
        this.#searches.delete(key);
        throw error;
      },
    );
    // Who asks gets it; nobody may ask any more.
    started.ended.catch(() => {});
    return started;
  }
}
