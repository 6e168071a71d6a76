// Temporal's dev server as a child process, on 127.0.0.1 only. It ends when the parent process ends, for whatever reason,
// and can be restarted on the same port and database file.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { type DynamicConfig, devServerArguments } from './dynamicConfig.ts';
import { findTemporalCli } from './temporalCli.ts';

const IP = '127.0.0.1';
// It takes 0.3 s on an idle machine; a new database, a cold disk and other starting servers make it slower.
const READY_MS = 60_000;
// A graceful stop takes 1.5 s, most of it for the server's own pollers.
const STOP_MS = 5_000;
const POLL_MS = 50;
// Another process may take a free port before the server binds it, or one of the four that the server picks itself.
const ATTEMPTS = 3;
const LOG_TAIL_BYTES = 4_000;
const LOG_BYTES_MAX = 1_000_000;
const PORT_TAKEN = /.*address already in use.*/;

export interface DevServerOptions {
  /**
   * Path of the Temporal CLI.
   * @default the one that `findTemporalCli` finds or downloads
   */
  readonly cli?: string;
  /**
   * If it is taken, a free port is used instead, and `say` is called.
   * @default a free port
   */
  readonly port?: number;
  /**
   * Port of the Web UI; 0 for a free one. If it is taken, a free port is used instead, and `say` is called.
   * @default no Web UI
   */
  readonly uiPort?: number | false;
  /** The codec server that the Web UI has payloads decoded by, as `http://127.0.0.1:3931/TOKEN`. */
  readonly uiCodecEndpoint?: string;
  /**
   * Database file.
   * @default in memory
   */
  readonly dbFile?: string;
  /**
   * Created if it does not exist, beside `default`.
   * @default 'default'
   */
  readonly namespace?: string;
  /** Dynamic configuration of the server, on top of ours. */
  readonly dynamicConfig?: DynamicConfig;
  /** File to which the server's log is appended. Without it, the log is kept for error messages only. */
  readonly logFile?: string;
  /** Called with messages for the user, line by line. */
  readonly say?: (line: string) => void;
  /**
   * How long the server may take to become ready.
   * @default 60 s
   */
  readonly readyMs?: number;
}

export interface DevServer {
  /** `127.0.0.1:7233` */
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | null;
  readonly pid: number;
  /** Resolves when the server has exited, for whatever reason. */
  readonly ended: Promise<void>;
  /** Stops it gracefully; kills it after 5 s. */
  stop(): Promise<void>;
  /** Kills it, as a crash would. A database file is kept. */
  kill(): Promise<void>;
}

/** Starts a dev server. Resolves when it answers and has the namespace. */
export async function startDevServer(options: DevServerOptions = {}): Promise<DevServer> {
  const { say = () => {}, namespace = 'default' } = options;
  const cli = options.cli ?? (await findTemporalCli({ say }));
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(options.port ?? 0, 'Temporal', say);
    const uiPort = typeof options.uiPort === 'number' ? await freePort(options.uiPort, 'The Web UI', say) : null;
    const server = await launch(cli, port, uiPort, namespace, options);
    try {
      await ready(server, `${IP}:${port}`, namespace, options.readyMs ?? READY_MS);
      return {
        address: `${IP}:${port}`,
        namespace,
        uiUrl: uiPort === null ? null : `http://${IP}:${uiPort}`,
        pid: server.pid,
        ended: server.ended,
        stop: () => end(server, 'SIGTERM'),
        kill: () => end(server, 'SIGKILL'),
      };
    } catch (error) {
      await end(server, 'SIGKILL');
      if (!isTransient(error) || attempt === ATTEMPTS) throw error;
    } finally {
      // The server has its own handle; ours was for error messages.
      await server.log.close();
    }
  }
}

/** Another process has taken a port, or the server panicked while starting, as happened once on a loaded machine. */
function isTransient(error: unknown): boolean {
  return error instanceof Error && (PORT_TAKEN.test(error.message) || /^panic: /m.test(error.message));
}

interface Launched {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly log: FileHandle;
  readonly ended: Promise<void>;
}

// Becomes the server, and forks a guard: a shell that reads from a pipe to which only our process writes. A line means that
// the server has ended; end of file without one means that our process has. The server has its own session, so that Ctrl-C
// in a terminal does not end it while workers still finish their work.
const SERVER_WITH_GUARD = `
(
  read -r ended <&3 && exit
  kill $$
  for second in 1 2 3 4 5; do sleep 1; kill -0 $$ 2>/dev/null || exit; done
  kill -KILL $$
) &
exec "$@" 3<&-`;

async function launch(
  cli: string,
  port: number,
  uiPort: number | null,
  namespace: string,
  { dbFile, dynamicConfig, logFile, uiCodecEndpoint }: DevServerOptions,
): Promise<Launched> {
  const args = devServerArguments({ ip: IP, port, uiPort, uiCodecEndpoint, namespace, dbFile, dynamicConfig });
  const log = await openLog(logFile);
  const child = spawn('/bin/sh', ['-c', SERVER_WITH_GUARD, 'sh', cli, ...args], {
    stdio: ['ignore', log.fd, log.fd, 'pipe'],
    detached: true,
  });
  await once(child, 'spawn');
  // Our end of the pipe.
  const guard = child.stdio[3] as Writable;
  // The guard may have exited already.
  guard.on('error', () => {});
  const ended = once(child, 'exit').then(() => void guard.end('ended\n'));
  return { child, pid: child.pid!, log, ended };
}

async function openLog(logFile: string | undefined): Promise<FileHandle> {
  if (logFile !== undefined) return open(logFile, 'a+');
  const path = join(tmpdir(), `holdfast-server-${randomUUID()}.log`);
  const log = await open(path, 'w+');
  // Open but unlinked: it disappears with the server, even if our process is gone.
  await rm(path);
  return log;
}

/** Waits until the server answers and has the namespace. */
async function ready(server: Launched, address: string, namespace: string, readyMs: number): Promise<void> {
  const deadline = Date.now() + readyMs;
  let problem = 'nothing listens there';
  while (Date.now() < deadline) {
    const { exitCode, signalCode } = server.child;
    if (exitCode !== null || signalCode !== null)
      throw new Error(
        `The Temporal dev server exited at once (${signalCode ?? exitCode}).${await logTail(server.log)}`,
      );
    try {
      await listens(address);
      return await hasNamespace(address, namespace, deadline);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
      await sleep(POLL_MS);
    }
  }
  const waited = `The Temporal dev server at ${address} is not ready after ${readyMs / 1000} s: ${problem}.`;
  throw new Error(`${waited}${await logTail(server.log)}`);
}

/** Checked before connecting with gRPC, whose channel waits a second after a refused connection. */
async function listens(address: string): Promise<void> {
  const socket = connect(Number(address.split(':')[1]), IP);
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

async function hasNamespace(address: string, namespace: string, deadline: number): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: deadline - Date.now() });
  try {
    await connection.withDeadline(deadline, () => connection.workflowService.describeNamespace({ namespace }));
  } finally {
    await connection.close();
  }
}

async function logTail(log: FileHandle): Promise<string> {
  const { size } = await log.stat();
  const length = Math.min(size, LOG_BYTES_MAX);
  const { buffer } = await log.read(Buffer.alloc(length), 0, length, size - length);
  const text = buffer.toString('utf8').trim();
  // The first lines of a panic say why; the many after them only where.
  const panic = text.lastIndexOf('panic: ');
  const end = panic < 0 ? text.slice(-LOG_TAIL_BYTES) : text.slice(panic, panic + LOG_TAIL_BYTES);
  const taken = PORT_TAKEN.exec(text)?.[0];
  const shown = taken === undefined || end.includes(taken) ? end : `${taken}\n${end}`;
  return shown === '' ? ' Its log is empty.' : ` Its log ends with:\n${shown}`;
}

async function end({ child, ended }: Launched, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  child.kill(signal);
  if (signal === 'SIGTERM') await Promise.race([ended, sleep(STOP_MS, null, { ref: false })]);
  // No effect once it has exited.
  child.kill('SIGKILL');
  await ended;
}

/** Returns `wanted` if it is free; otherwise, or for 0, a free port. */
async function freePort(wanted: number, what: string, say: (line: string) => void): Promise<number> {
  try {
    return await listenOnce(wanted);
  } catch (error) {
    if (wanted === 0) throw error;
    const port = await listenOnce(0);
    say(`${what}: port ${wanted} is taken, using ${port} instead.`);
    return port;
  }
}

async function listenOnce(port: number): Promise<number> {
  const server = createServer().listen(port, IP);
  await once(server, 'listening');
  // A server that listens on a port has an address with one.
  const { port: free } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return free;
}
