// Keeps a worker up, as a child process: starts it again when it crashes, and in place of itself when files change.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { WorkerReady } from '../commands/worker.ts';
import { EXIT } from '../exit.ts';

/** Its own grace and force times, 20 s, and some to leave. */
const STOP_MS = 25_000;
/** A worker that crashes at once waits before it starts again, twice as long each time. */
const BACKOFF_MS = { first: 500, max: 15_000 };
/** One that has served for so long was well; its crash counts as the first. */
const WELL_AFTER_MS = 10_000;

export interface WorkerProcess {
  /** Starts a new worker, and lets the one there is finish what it does. */
  replace(): void;
  /** Lets all finish, within their time. */
  stop(): Promise<void>;
}

export interface WorkerProcessOptions {
  /** The arguments of `holdfast worker`. */
  readonly args: readonly string[];
  readonly onReady: (ready: WorkerReady, tookMs: number) => void;
  readonly say: (line: string) => void;
}

export function keepWorker({ args, onReady, say }: WorkerProcessOptions): WorkerProcess {
  const all = new Set<ChildProcess>();
  let current: ChildProcess | undefined;
  let again: NodeJS.Timeout | undefined;
  let backoffMs = BACKOFF_MS.first;
  let stopping = false;
  start();

  return {
    replace() {
      if (stopping) return;
      clearTimeout(again);
      backoffMs = BACKOFF_MS.first;
      if (current) void end(current);
      start();
    },
    async stop() {
      stopping = true;
      clearTimeout(again);
      await Promise.all([...all].map(end));
    },
  };

  function start(): void {
    const startedAtMs = performance.now();
    const main = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url));
    const child = spawn(process.execPath, [main, 'worker', ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // A session of its own: a terminal's Ctrl-C goes to `dev`, which lets it finish. Without `dev` it stops by itself.
      detached: true,
    });
    current = child;
    all.add(child);
    child.on('message', (ready) => onReady(ready as WorkerReady, performance.now() - startedAtMs));
    child.on('error', (error) => say(`The worker could not be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      all.delete(child);
      if (child !== current || stopping) return;
      current = undefined;
      if (code === EXIT.usage) return say('Waiting for the next change …');
      if (performance.now() - startedAtMs > WELL_AFTER_MS) backoffMs = BACKOFF_MS.first;
      say(
        `The worker ended by itself (${signal ?? `exit code ${code}`}); starting it again in ${backoffMs / 1_000} s …`,
      );
      again = setTimeout(start, backoffMs);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS.max);
    });
  }

  async function end(child: ChildProcess): Promise<void> {
    if (child === current) current = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(force);
  }
}
