// Worker processes as in docker-compose.yml: `holdfast worker`, serving the agents of a file.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SHUTDOWN_KILL_MS } from '../../core/limits.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export interface WorkerProcess {
  readonly pid: number;
  readonly agents: readonly string[];
  /** Description of what answers model calls. */
  readonly model: string;
  /** Resolves when it exits, with the signal or exit code. */
  readonly exited: Promise<string>;
  kill(): Promise<void>;
  /** Stops it gracefully, within its grace time. */
  stop(): Promise<void>;
}

export interface WorkerProcessOptions {
  readonly address: string;
  readonly namespace: string;
  readonly agents: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}

/** Starts a worker that ends with our process. Resolves when it polls. */
export async function startWorker(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const { address, namespace, agents, env, logFile } = options;
  const log = await open(logFile, 'a');
  const child: ChildProcess = spawn(
    process.execPath,
    [MAIN, 'worker', '--address', address, '--namespace', namespace, '--agents', agents],
    // Its own session: Ctrl-C reaches only our process, which lets it finish. The IPC channel tells it if we exit.
    { env, stdio: ['ignore', log.fd, log.fd, 'ipc'], detached: true },
  );
  await once(child, 'spawn');
  await log.close();
  const exited = once(child, 'exit').then(([code, signal]) => String(signal ?? `exit code ${code}`));
  const first = await Promise.race([once(child, 'message').then(([ready]) => ({ ready })), exited]);
  if (typeof first === 'string') throw new Error(`A worker exited before it polled (${first}). See ${logFile}.`);
  const { agents: served, model } = first.ready as { agents: string[]; model: string };
  return {
    pid: child.pid!,
    agents: served,
    model,
    exited,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), SHUTDOWN_KILL_MS);
      await exited;
      clearTimeout(force);
    },
  };
}
