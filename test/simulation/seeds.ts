// Many seeds, on all cores: each thread has a sandbox of its own and plays every so-manieth seed.
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { RunStatus } from '../../core/types.ts';
import { workflowCode } from '../../worker/workflowBundle.ts';

export interface SeedsPlayed {
  readonly seeds: number;
  readonly ms: number;
  readonly statuses: Readonly<Partial<Record<RunStatus, number>>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly SeedFailure[];
}

export interface SeedFailure {
  readonly seed: number;
  readonly problem: string;
}

export interface SeedsToPlay {
  readonly code: string;
  readonly from: number;
  readonly count: number;
  readonly step: number;
  /** Enough of them: no more seeds are played. */
  readonly failuresMax: number;
}

type Part = Omit<SeedsPlayed, 'ms'>;

export interface SeedsOptions {
  readonly from: number;
  readonly count: number;
  /** The code of the workflow; that of this tree when not said. */
  readonly code?: string;
  readonly failuresMax?: number;
}

export async function playSeeds({ from, count, code, failuresMax = 5 }: SeedsOptions): Promise<SeedsPlayed> {
  const threads = Math.min(availableParallelism(), count);
  const bundle = code ?? (await ownCode());
  const startedMs = performance.now();
  const parts = await Promise.all(
    Array.from({ length: threads }, (_, at) => {
      const mine = Math.ceil((count - at) / threads);
      return play({ code: bundle, from: from + at, count: mine, step: threads, failuresMax });
    }),
  );
  return { ...parts.reduce(join), ms: performance.now() - startedMs };
}

/** The workflow as workers run it. */
export async function ownCode(): Promise<string> {
  const built = await workflowCode();
  return 'code' in built ? built.code : readFile(built.codePath, 'utf8');
}

/** What names a failing seed: the same seed is the same run only of the same code. */
export function seedName(seed: number): string {
  return `${seed}@${commit()}`;
}

/** How a failing seed is looked at. */
export function howToReplay({ seed, problem }: SeedFailure): string {
  return `seed ${seedName(seed)}: ${problem}\n  See each step: node cli/entry.mjs test/simulation/main.ts ${seed}`;
}

export function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return (
      git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'workflows', 'core') === '' ? '' : '+changes')
    );
  } catch {
    return 'no-commit';
  }
}

function play(seeds: SeedsToPlay): Promise<Part> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./seedsThread.ts', import.meta.url), { workerData: seeds });
    thread.once('message', (part: Part) => {
      resolve(part);
      void thread.terminate();
    });
    thread.once('error', reject);
    thread.once('exit', (code) =>
      reject(new Error(`A thread of the simulation ended with ${code} before it was through.`)),
    );
  });
}

function join(a: Part, b: Part): Part {
  return {
    seeds: a.seeds + b.seeds,
    statuses: sum(a.statuses, b.statuses),
    counts: sum(a.counts, b.counts),
    failures: [...a.failures, ...b.failures].sort((one, other) => one.seed - other.seed),
  };
}

function sum(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...names].map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]));
}
