// Workers as processes of their own, to be killed.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface WorkerProcess {
  readonly pid: number;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Sends a signal; resolves when the process is gone. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  signal(signal: NodeJS.Signals): void;
}

export interface WorkerProcessOptions {
  readonly address: string;
  readonly taskQueue: string;
  readonly modelURL: string;
  /** A module that exports `agents`; and `opened`, where something is to be done with the worker before it runs. */
  readonly module: URL;
  readonly ledger: string;
  readonly maxCachedWorkflows?: number;
  /** Other options of Temporal's own worker. */
  readonly temporal?: Readonly<Record<string, string | number>>;
  /** Flags of Node for the process. */
  readonly nodeFlags?: readonly string[];
  /** Beside our own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Resolves when the worker polls. */
export async function startWorkerProcess({
  module,
  nodeFlags = [],
  env = {},
  ...options
}: WorkerProcessOptions): Promise<WorkerProcess> {
  const main = new URL('./workerMain.ts', import.meta.url);
  const child: ChildProcess = fork(main, [JSON.stringify({ ...options, module: module.href })], {
    execPath: process.execPath,
    execArgv: [...process.execArgv, ...nodeFlags],
    env: { ...process.env, ...env },
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'ignore', process.env['HOLDFAST_TEST_LOGS'] ? 'inherit' : 'ignore', 'ipc'],
  });
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  const first = await Promise.race([once(child, 'message').then(() => null), exited]);
  if (first) throw new Error(`The worker process ended before it polled: ${JSON.stringify(first)}`);
  return {
    pid: child.pid!,
    exited,
    end(signal) {
      child.kill(signal);
      return exited;
    },
    signal: (signal) => void child.kill(signal),
  };
}
