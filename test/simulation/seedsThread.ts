// A thread of the simulation: plays its seeds one after another, and tells what came of them.
import { parentPort, workerData } from 'node:worker_threads';
import { createSandbox } from './sandbox.ts';
import type { SeedFailure, SeedsToPlay } from './seeds.ts';
import { simulate } from './simulate.ts';

// Whoever starts this thread gives it this.
const { code, from, count, step, failuresMax } = workerData as SeedsToPlay;
const sandbox = createSandbox(code);
const statuses: Record<string, number> = {};
const counts: Record<string, number> = {};
const failures: SeedFailure[] = [];
let seeds = 0;

while (seeds < count && failures.length < failuresMax) {
  const seed = from + seeds * step;
  seeds += 1;
  try {
    const played = await simulate(sandbox, seed);
    add(statuses, played.status, 1);
    for (const [name, times] of Object.entries(played.counts)) add(counts, name, times);
  } catch (error) {
    failures.push({ seed, problem: error instanceof Error ? error.message : String(error) });
  }
}
parentPort?.postMessage({ seeds, statuses, counts, failures });

function add(to: Record<string, number>, name: string, times: number): void {
  to[name] = (to[name] ?? 0) + times;
}
