// The multi-service Temporal server on 127.0.0.1: its own configuration template, filled from server.env as in
// docker-compose.yml, and the settings of dynamic-config.yaml.
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { type Child, startChild } from './child.ts';
import { IP, listens } from './ports.ts';
import { POSTGRES_USER, type Postgres } from './postgres.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
// It takes 3 s on an idle machine.
const READY_MS = 120_000;
const POLL_MS = 50;
/** gRPC's status code NOT_FOUND. */
const NOT_FOUND = 5;
/** The ports of its services; clients connect to the first one. */
const PORTS = [
  'FRONTEND_GRPC_PORT',
  'FRONTEND_HTTP_PORT',
  'FRONTEND_MEMBERSHIP_PORT',
  'HISTORY_GRPC_PORT',
  'HISTORY_MEMBERSHIP_PORT',
  'MATCHING_GRPC_PORT',
  'MATCHING_MEMBERSHIP_PORT',
  'WORKER_GRPC_PORT',
  'WORKER_MEMBERSHIP_PORT',
] as const;
export const PORTS_COUNT = PORTS.length;

export interface ServerOptions {
  readonly program: string;
  readonly folder: string;
  readonly postgres: Postgres;
  /** `PORTS_COUNT` ports, the frontend's first. */
  readonly ports: readonly number[];
  /** Override server.env. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Override dynamic-config.yaml. */
  readonly dynamic?: Readonly<Record<string, number | boolean>> | undefined;
}

export interface TemporalServer {
  readonly address: string;
  pid(): number;
  /** `kill` is like a crash; `graceful` finishes what it has begun. */
  stop(how: 'kill' | 'graceful'): Promise<void>;
  /** Starts it again, on the same ports. */
  start(): Promise<void>;
}

export async function startTemporalServer(options: ServerOptions): Promise<TemporalServer> {
  const { program, folder, postgres, ports, settings = {}, dynamic } = options;
  const dynamicConfig = join(folder, 'dynamic-config.yaml');
  await copyFile(here('./dynamic-config.yaml'), dynamicConfig);
  if (dynamic) await writeFile(dynamicConfig, withOverrides(await readFile(dynamicConfig, 'utf8'), dynamic));
  const env = {
    PATH: process.env['PATH'],
    ...(await environmentOf(here('./server.env'))),
    ...settings,
    ...Object.fromEntries(PORTS.map((name, i) => [name, String(ports[i])])),
    BIND_ON_IP: IP,
    POSTGRES_SEEDS: IP,
    DB_PORT: String(postgres.port),
    POSTGRES_USER,
    POSTGRES_PWD: postgres.password,
    DYNAMIC_CONFIG_FILE_PATH: dynamicConfig,
  };
  const port = ports[0]!;
  const address = `${IP}:${port}`;
  let child: Child;
  const start = async () => {
    child = await startChild({
      command: program,
      args: ['--allow-no-auth', 'start'],
      cwd: folder,
      env,
      logFile: join(folder, 'server.log'),
      endSignal: 'TERM',
    });
    await untilReady(child, port);
  };
  await start();
  return {
    address,
    pid: () => child.pid,
    stop: (how) => child.end(how === 'kill' ? 'SIGKILL' : 'SIGTERM'),
    start,
  };
}

async function untilReady(child: Child, port: number): Promise<void> {
  const deadline = Date.now() + READY_MS;
  let problem = 'nothing listens there';
  while (Date.now() < deadline) {
    if (child.hasEnded()) throw new Error(`The Temporal server exited at once.${await child.logTail()}`);
    try {
      // Checked before connecting with gRPC, whose channel waits a second after a refused connection.
      if (await listens(port)) return await answers(`${IP}:${port}`);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    await sleep(POLL_MS);
  }
  throw new Error(`The Temporal server is not ready after ${READY_MS / 1_000} s: ${problem}.${await child.logTail()}`);
}

/**
 * Resolves when all shards of the server are served. A server that restarts on other ports tries the old ones for about 20 s.
 */
export async function untilServes(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  const deadline = Date.now() + READY_MS;
  // Runs that do not exist, spread over shards: only the owner of a shard can answer that.
  const probes = Array.from({ length: 32 }, (_, i) => `is-anybody-there-${i}`);
  const isServed = async (workflowId: string) => {
    const execution = { workflowId };
    return connection
      .withDeadline(Date.now() + 2_000, () =>
        connection.workflowService.describeWorkflowExecution({ namespace, execution }),
      )
      .then(
        () => true,
        (error) => error.code === NOT_FOUND,
      );
  };
  try {
    for (let pending = probes; pending.length > 0; ) {
      if (Date.now() > deadline)
        throw new Error(`The Temporal server does not serve all shards after ${READY_MS / 1_000} s.`);
      const served = await Promise.all(pending.map(isServed));
      pending = pending.filter((_, i) => !served[i]);
      if (pending.length > 0) await sleep(500);
    }
  } finally {
    await connection.close();
  }
}

async function answers(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 5_000 });
  await connection.close();
}

/** Parses an env file of ours as `docker compose` does: no quotes, no variables. */
export async function environmentOf(file: string): Promise<Record<string, string>> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => /^[A-Z]/.test(line));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** Overrides settings of the file, and appends those that it does not have. */
function withOverrides(yaml: string, overrides: Readonly<Record<string, number | boolean>>): string {
  const kept = yaml.replaceAll(/^([\w.]+):\n {2}- value: .*\n/gm, (block, key) => (key in overrides ? '' : block));
  return (
    kept +
    Object.entries(overrides)
      .map(([key, value]) => `${key}:\n  - value: ${value}\n`)
      .join('')
  );
}
