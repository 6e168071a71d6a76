// Temporal's dev server as a child process, on 127.0.0.1 only. It ends with the process that started it, however that
// ends, and can be started again on its port and database file.
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
// It takes 0.3 s on a free machine; a new database, a cold disk and other servers starting make it longer.
const READY_MS = 60_000;
// It takes 1.5 s to leave by itself, most of it for its own pollers.
const STOP_MS = 5_000;
const LOOK_MS = 50;
// A free port may be taken by another before the server, which also picks four for itself, has bound it.
const ATTEMPTS = 3;
const LOG_TAIL_BYTES = 4_000;
const LOG_BYTES_MAX = 1_000_000;
const PORT_TAKEN = /.*address already in use.*/;

export interface DevServerOptions {
  /** The Temporal CLI; found, or got, by `findTemporalCli` when not said. */
  readonly cli?: string;
  /** A free one when not said. When it is taken, another one is, and `say` is told. */
  readonly port?: number;
  /** The Web UI's; no Web UI when not said. 0 for a free one. When it is taken, another one is, and `say` is told. */
  readonly uiPort?: number | false;
  /** Where workflows are kept; in memory when not said. */
  readonly dbFile?: string;
  /** Made if it is not there; `default` is there always. */
  readonly namespace?: string;
  /** Settings of the server, on top of ours: by the names of its dynamic configuration. */
  readonly dynamicConfig?: DynamicConfig;
  /** Gets what the server has to say, at its end; kept for error messages only when not said. */
  readonly logFile?: string;
  readonly say?: (line: string) => void;
  /** How long the server may take until it answers; 60 s when not said. */
  readonly readyMs?: number;
}

export interface DevServer {
  /** `127.0.0.1:7233` */
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | null;
  readonly pid: number;
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends it in order, or, after 5 s, not in order. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would. What a database file has is kept. */
  kill(): Promise<void>;
}

/** Starts a dev server; resolves when it answers and has the namespace. */
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
      if (!isOfTheMoment(error) || attempt === ATTEMPTS) throw error;
    } finally {
      // The server has its own handle; ours was for its last words.
      await server.log.close();
    }
  }
}

/** Somebody else has taken a port meanwhile; or it fell over its own start, as was seen once on a machine under load. */
function isOfTheMoment(error: unknown): boolean {
  return error instanceof Error && (PORT_TAKEN.test(error.message) || /^panic: /m.test(error.message));
}

interface Launched {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly log: FileHandle;
  readonly ended: Promise<void>;
}

// Becomes the server, and leaves behind a shell that reads from a pipe which only our process writes to. A line says
// that the server has ended; the pipe's end, without one, that we have. The server has a session of its own, so that
// Ctrl-C in a terminal does not take it away from workers that still finish their work.
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
  { dbFile, dynamicConfig, logFile }: DevServerOptions,
): Promise<Launched> {
  const args = devServerArguments({ ip: IP, port, uiPort, namespace, dbFile, dynamicConfig });
  const log = await openLog(logFile);
  const child = spawn('/bin/sh', ['-c', SERVER_WITH_GUARD, 'sh', cli, ...args], {
    stdio: ['ignore', log.fd, log.fd, 'pipe'],
    detached: true,
  });
  await once(child, 'spawn');
  // The parent's end of a pipe.
  const guard = child.stdio[3] as Writable;
  // The guard may be gone already.
  guard.on('error', () => {});
  const ended = once(child, 'exit').then(() => void guard.end('ended\n'));
  return { child, pid: child.pid!, log, ended };
}

async function openLog(logFile: string | undefined): Promise<FileHandle> {
  if (logFile !== undefined) return open(logFile, 'a+');
  const path = join(tmpdir(), `holdfast-server-${randomUUID()}.log`);
  const log = await open(path, 'w+');
  // Open but nameless: it goes when the server does, even if nobody is left to delete it.
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
        `The Temporal dev server ended at once (${signalCode ?? exitCode}).${await lastWords(server.log)}`,
      );
    try {
      await listens(address);
      return await hasNamespace(address, namespace, deadline);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
      await sleep(LOOK_MS);
    }
  }
  const waited = `The Temporal dev server at ${address} is not ready after ${readyMs / 1000} s: ${problem}.`;
  throw new Error(`${waited}${await lastWords(server.log)}`);
}

/** Asked before gRPC is: a channel that was refused once waits a second before it tries again. */
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

async function lastWords(log: FileHandle): Promise<string> {
  const { size } = await log.stat();
  const length = Math.min(size, LOG_BYTES_MAX);
  const { buffer } = await log.read(Buffer.alloc(length), 0, length, size - length);
  const text = buffer.toString('utf8').trim();
  // Of a panic, its first lines say why, and many more where.
  const panic = text.lastIndexOf('panic: ');
  const end = panic < 0 ? text.slice(-LOG_TAIL_BYTES) : text.slice(panic, panic + LOG_TAIL_BYTES);
  const taken = PORT_TAKEN.exec(text)?.[0];
  const words = taken === undefined || end.includes(taken) ? end : `${taken}\n${end}`;
  return words === '' ? ' It said nothing.' : ` Its last words:\n${words}`;
}

async function end({ child, ended }: Launched, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  child.kill(signal);
  if (signal === 'SIGTERM') await Promise.race([ended, sleep(STOP_MS, null, { ref: false })]);
  // Does nothing when it has ended.
  child.kill('SIGKILL');
  await ended;
}

/** `wanted` if it is free; else, or for 0, one that is. */
async function freePort(wanted: number, what: string, say: (line: string) => void): Promise<number> {
  try {
    return await listenOnce(wanted);
  } catch (error) {
    if (wanted === 0) throw error;
    const port = await listenOnce(0);
    say(`${what}: port ${wanted} is taken, so it is on ${port}.`);
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
