// Workers as docker-compose.yml has them: processes of `holdfast worker`, which serve the agents of a file.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

// Its own grace and force times, 20 s, and some to leave.
const STOP_MS = 25_000;
const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export interface WorkerProcess {
  readonly pid: number;
  readonly agents: readonly string[];
  /** What answers for the model, in words. */
  readonly model: string;
  /** How it ended. */
  readonly exited: Promise<string>;
  kill(): Promise<void>;
  /** Lets it finish what it does, within its time. */
  stop(): Promise<void>;
}

export interface WorkerProcessOptions {
  readonly address: string;
  readonly namespace: string;
  readonly agents: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}

/** Resolves when the worker polls. It ends when we do. */
export async function startWorker(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const { address, namespace, agents, env, logFile } = options;
  const log = await open(logFile, 'a');
  const child: ChildProcess = spawn(
    process.execPath,
    [MAIN, 'worker', '--address', address, '--namespace', namespace, '--agents', agents],
    // A session of its own: a terminal's Ctrl-C goes to us, and we let it finish. The channel tells it when we are gone.
    { env, stdio: ['ignore', log.fd, log.fd, 'ipc'], detached: true },
  );
  await once(child, 'spawn');
  await log.close();
  const exited = once(child, 'exit').then(([code, signal]) => String(signal ?? `exit code ${code}`));
  const first = await Promise.race([once(child, 'message').then(([ready]) => ({ ready })), exited]);
  if (typeof first === 'string') throw new Error(`A worker ended before it polled (${first}); see ${logFile}.`);
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
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(force);
    },
  };
}
