// The multi-service Temporal server on 127.0.0.1: the server's own configuration template, filled from server.env as in
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
// It takes 3 s on a free machine.
const READY_MS = 120_000;
const LOOK_MS = 50;
/** gRPC's number for it. */
const NOT_FOUND = 5;
/** All that its services listen on; the first one is what clients speak to. */
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
  /** `PORTS_COUNT` of them, the frontend's first. */
  readonly ports: readonly number[];
  /** In place of what server.env says. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** In place of what dynamic-config.yaml says. */
  readonly dynamic?: Readonly<Record<string, number | boolean>> | undefined;
}

export interface TemporalServer {
  readonly address: string;
  pid(): number;
  /** `kill` ends it as a crash would. */
  stop(how: 'kill' | 'in order'): Promise<void>;
  /** Starts it again, on the ports that it had. */
  start(): Promise<void>;
}

export async function startTemporalServer(options: ServerOptions): Promise<TemporalServer> {
  const { program, folder, postgres, ports, settings = {}, dynamic } = options;
  const dynamicConfig = join(folder, 'dynamic-config.yaml');
  await copyFile(here('./dynamic-config.yaml'), dynamicConfig);
  if (dynamic) await writeFile(dynamicConfig, withOthers(await readFile(dynamicConfig, 'utf8'), dynamic));
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
    if (child.hasEnded()) throw new Error(`The Temporal server ended at once.${await child.lastWords()}`);
    try {
      // Asked before gRPC is: a channel that was refused once waits a second before it tries again.
      if (await listens(port)) return await answers(`${IP}:${port}`);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    await sleep(LOOK_MS);
  }
  throw new Error(
    `The Temporal server is not ready after ${READY_MS / 1_000} s: ${problem}.${await child.lastWords()}`,
  );
}

/**
 * Resolves when every part of the server does its work. Where it was stopped and comes back on other ports, it looks for
 * itself on the old ones for some 20 s.
 */
export async function untilServes(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  const deadline = Date.now() + READY_MS;
  // Runs that are not there, on as many shards: only whoever has the shard can tell.
  const asked = Array.from({ length: 32 }, (_, i) => `is-anybody-there-${i}`);
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
    for (let left = asked; left.length > 0; ) {
      if (Date.now() > deadline) throw new Error(`The Temporal server does not serve after ${READY_MS / 1_000} s.`);
      const served = await Promise.all(left.map(isServed));
      left = left.filter((_, i) => !served[i]);
      if (left.length > 0) await sleep(500);
    }
  } finally {
    await connection.close();
  }
}

async function answers(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 5_000 });
  await connection.close();
}

/** The lines of an env file, as `docker compose` reads those that we write: no quotes, no variables. */
export async function environmentOf(file: string): Promise<Record<string, string>> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => /^[A-Z]/.test(line));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** The settings of the file with others in their place; what the file does not have is added. */
function withOthers(yaml: string, others: Readonly<Record<string, number | boolean>>): string {
  const kept = yaml.replaceAll(/^([\w.]+):\n {2}- value: .*\n/gm, (block, key) => (key in others ? '' : block));
  return (
    kept +
    Object.entries(others)
      .map(([key, value]) => `${key}:\n  - value: ${value}\n`)
      .join('')
  );
}
