// Supervises a worker as a child process: restarts it after a crash, replaces it when files change.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SHUTDOWN_KILL_MS } from '../../core/limits.ts';
import type { WorkerMessage, WorkerReady } from '../commands/worker.ts';
import { EXIT } from '../exit.ts';
import { IMPORTS_WANTED } from './importedFiles.ts';

/** Delay before a restart; doubles with each crash. */
const BACKOFF_MS = { first: 500, max: 15_000 };
/** A worker that ran this long was healthy: its crash resets the backoff. */
const HEALTHY_AFTER_MS = 10_000;

export interface WorkerProcess {
  /** Starts a new worker, and lets the current one drain. */
  replace(): void;
  /** Drains all workers, within their grace time. */
  stop(): Promise<void>;
}

export interface WorkerProcessOptions {
  /** Arguments of `holdfast worker`. */
  readonly args: readonly string[];
  readonly onReady: (ready: WorkerReady, tookMs: number) => void;
  /** Files that the worker has imported. */
  readonly onImported: (files: readonly string[]) => void;
  readonly say: (line: string) => void;
}

export function superviseWorker({ args, onReady, onImported, say }: WorkerProcessOptions): WorkerProcess {
  const children = new Set<ChildProcess>();
  let current: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let backoffMs = BACKOFF_MS.first;
  let stopping = false;
  start();

  return {
    replace() {
      if (stopping) return;
      clearTimeout(restart);
      backoffMs = BACKOFF_MS.first;
      if (current) void end(current);
      start();
    },
    async stop() {
      stopping = true;
      clearTimeout(restart);
      await Promise.all([...children].map(end));
    },
  };

  function start(): void {
    const startedAtMs = performance.now();
    const main = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url));
    const child = spawn(process.execPath, [main, 'worker', ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, [IMPORTS_WANTED]: '1' },
      // Its own process group: the terminal's Ctrl-C reaches only `dev`, which drains the worker. Without `dev`, it stops.
      detached: true,
    });
    current = child;
    children.add(child);
    child.on('message', (message) => {
      const told = message as WorkerMessage;
      if ('imported' in told) onImported(told.imported);
      else onReady(told, performance.now() - startedAtMs);
    });
    child.on('error', (error) => say(`The worker could not be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      children.delete(child);
      if (child !== current || stopping) return;
      current = undefined;
      if (code === EXIT.usage) return say('Waiting for the next change …');
      if (performance.now() - startedAtMs > HEALTHY_AFTER_MS) backoffMs = BACKOFF_MS.first;
      say(
        `The worker ended unexpectedly (${signal ?? `exit code ${code}`}); restarting it in ${backoffMs / 1_000} s …`,
      );
      restart = setTimeout(start, backoffMs);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS.max);
    });
  }

  async function end(child: ChildProcess): Promise<void> {
    if (child === current) current = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), SHUTDOWN_KILL_MS);
    await exited;
    clearTimeout(force);
  }
}
