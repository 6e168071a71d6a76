// A program that ends when we do, however we end, and whose last words are kept for the error message.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

// After this, a program that was asked to leave is killed.
const STOP_MS = 10_000;
const LOG_TAIL_BYTES = 4_000;

export interface Child {
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when it has ended, for whatever reason; with its exit code, where it had one. */
  readonly ended: Promise<number | null>;
  hasEnded(): boolean;
  /** Sends the signal and waits; after 10 s it is killed. */
  end(signal: NodeJS.Signals): Promise<void>;
  lastWords(): Promise<string>;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** What ends it where we are gone and cannot. */
  readonly endSignal: 'TERM' | 'QUIT';
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

// Becomes the program, and leaves behind a shell that reads from a pipe which only our process writes to. A line says that
// the program has ended; the pipe's end, without one, that we have. The shell is nobody's child, since PostgreSQL looks
// after its children; and the program has a session of its own, so that Ctrl-C does not take it away before the workers.
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
  // The parent's end of a pipe.
  const guard = child.stdio[3] as Writable;
  // The guard may be gone already.
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
      // Does nothing when it has ended.
      child.kill('SIGKILL');
      await ended;
      await log.close().catch(() => {});
    },
    lastWords: () => tail(log),
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function tail(log: FileHandle): Promise<string> {
  const { size } = await log.stat();
  const length = Math.min(size, LOG_TAIL_BYTES);
  const { buffer } = await log.read(Buffer.alloc(length), 0, length, size - length);
  const words = buffer.toString('utf8').trim();
  return words === '' ? ' It said nothing.' : ` Its last words:\n${words}`;
}
