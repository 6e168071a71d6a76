// A child process that ends when our process does, for whatever reason, and whose log ends up in error messages.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

// A program that is still running this long after its signal is killed.
const STOP_MS = 10_000;
const LOG_TAIL_BYTES = 4_000;

export interface Child {
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the program has exited, with its exit code; null if a signal ended it. */
  readonly ended: Promise<number | null>;
  hasEnded(): boolean;
  /** Sends the signal and waits for the exit; kills the program after 10 s. */
  end(signal: NodeJS.Signals): Promise<void>;
  logTail(): Promise<string>;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** The signal that the guard sends if our process is gone. */
  readonly endSignal: 'TERM' | 'QUIT';
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

// Becomes the program, and forks a guard: a shell that reads from a pipe to which only our process writes. A line means that
// the program has ended; end of file without one means that our process has. The guard is detached from the program, since
// PostgreSQL watches its children; and the program has its own session, so that Ctrl-C does not end it before the workers.
const PROGRAM_WITH_GUARD = `
end=$1; shift
( (
  read -r ended <&3 && exit
  kill -$end $$
  for second in 1 2 3 4 5; do sleep 1; kill -0 $$ 2>/dev/null || exit; done
  kill -KILL $$
) & )
exec "$@" 3<&-`;

export async function startChild(options: ChildOptions): Promise<Child> {
  const { command, args, cwd, env, logFile, endSignal, user } = options;
  const log = await open(logFile, 'a+');
  const child = spawn('/bin/sh', ['-c', PROGRAM_WITH_GUARD, 'sh', endSignal, command, ...args], {
    cwd,
    env,
    ...user,
    stdio: ['ignore', log.fd, log.fd, 'pipe'],
    detached: true,
  });
  await once(child, 'spawn');
  // Our end of the pipe.
  const guard = child.stdio[3] as Writable;
  // The guard may have exited already.
  guard.on('error', () => {});
  const ended = once(child, 'exit').then(([code]: (number | null)[]) => {
    guard.end('ended\n');
    return code ?? null;
  });
  return {
    pid: child.pid!,
    logFile,
    ended,
    hasEnded: () => hasEnded(child),
    async end(signal) {
      if (!hasEnded(child)) child.kill(signal);
      await Promise.race([ended, sleep(STOP_MS, null, { ref: false })]);
      // No effect once it has exited.
      child.kill('SIGKILL');
      await ended;
      await log.close().catch(() => {});
    },
    logTail: () => tail(log),
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function tail(log: FileHandle): Promise<string> {
  const { size } = await log.stat();
  const length = Math.min(size, LOG_TAIL_BYTES);
  const { buffer } = await log.read(Buffer.alloc(length), 0, length, size - length);
  const text = buffer.toString('utf8').trim();
  return text === '' ? ' Its log is empty.' : ` Its log ends with:\n${text}`;
}
