// Data that stays current while it is shown.
import { useEffect, useState } from 'preact/hooks';
import type { RunHead, RunUpdate, TurnView, Written } from '../runView.ts';
import { follow, get, Refused } from './api.ts';

const POLL_MS = 2_000;
const AGAIN_MS = 1_000;

export interface Loaded<T> {
  readonly value: T | null;
  readonly problem: string | null;
}

/** Asks again every two seconds, or when `againMs` says, while the page can be seen. */
export function usePolled<T>(path: string, againMs?: (value: T) => number | undefined): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { readonly path: string }>({ value: null, problem: null, path });
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const load = async () => {
      let waitMs = POLL_MS;
      try {
        if (!document.hidden) {
          const value = await get<T>(path, stop.signal);
          setLoaded({ value, problem: null, path });
          waitMs = againMs?.(value) ?? POLL_MS;
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        setLoaded((before) => ({ ...before, problem: (error as Error).message }));
      }
      if (!stop.signal.aborted) timer = setTimeout(load, waitMs);
    };
    void load();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path]);
  return loaded.path === path ? loaded : { value: loaded.value, problem: null };
}

export interface FollowedRun {
  readonly head: RunHead;
  readonly turns: readonly TurnView[];
  readonly written: Written | null;
  readonly progress: Readonly<Record<string, string>>;
  readonly attempts: RunUpdate['attempts'];
}

export function useRun(workflowId: string): Loaded<FollowedRun> {
  const [loaded, setLoaded] = useState<Loaded<FollowedRun>>({ value: null, problem: null });
  useEffect(() => {
    const stop = new AbortController();
    setLoaded({ value: null, problem: null });
    const take = (update: RunUpdate) =>
      setLoaded(({ value }) => ({
        value: {
          ...update,
          turns: merged(value?.turns ?? [], update.turns),
          // What is the same stays the same object: else all turns were drawn again.
          progress: unchanged(value?.progress, update.progress),
          attempts: unchanged(value?.attempts, update.attempts),
        },
        problem: null,
      }));
    void (async () => {
      while (!stop.signal.aborted) {
        try {
          return await follow(workflowId, stop.signal, take);
        } catch (error) {
          if (stop.signal.aborted) return;
          setLoaded(({ value }) => ({ value, problem: (error as Error).message }));
          // A run that is not there will not be; a connection that was lost may come back.
          if (error instanceof Refused && error.status >= 400 && error.status < 500) return;
          await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
        }
      }
    })();
    return () => stop.abort();
  }, [workflowId]);
  return loaded;
}

function unchanged<T>(before: T | undefined, now: T): T {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(now) ? before : now;
}

function merged(before: readonly TurnView[], changed: readonly TurnView[]): readonly TurnView[] {
  if (changed.length === 0) return before;
  const turns = new Map(before.map((turn) => [turn.turn, turn]));
  for (const turn of changed) turns.set(turn.turn, turn);
  return [...turns.values()].sort((a, b) => a.turn - b.turn);
}

/** The time now, every second while something is open. */
export function useNow(isOpen: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!isOpen) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [isOpen]);
  return now;
}
