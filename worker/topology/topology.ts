// What docker-compose.yml describes, without Docker: PostgreSQL, the multi-service Temporal server, its schema, the namespace
// and workers, from the same configuration files. All on 127.0.0.1, and all ends with our process.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findTemporalCli } from '../dev/temporalCli.ts';
import { startChild } from './child.ts';
import { startCodecServer } from './codec.ts';
import { freePorts, IP, listens } from './ports.ts';
import { POSTGRES_USER, type Postgres, startPostgres } from './postgres.ts';
import { findPrograms } from './programs.ts';
import { environmentOf, PORTS_COUNT, startTemporalServer, type TemporalServer, untilServes } from './server.ts';
import { startWorker, type WorkerProcess } from './workers.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
// On an idle machine the schema takes 2 s, the namespace 1 s.
const SCRIPT_MS = 180_000;
const NAMESPACE = 'default';
/** A process that is still ending may write into the folder while it is removed. */
const RETRY = { maxRetries: 20, retryDelay: 20 };

export interface TopologyOptions {
  readonly say?: (line: string) => void;
  /**
   * Folder for data and logs.
   * @default a temporary folder, deleted at the end
   */
  readonly folder?: string | undefined;
  /**
   * Port of the frontend. If it is taken, a free port is used.
   * @default a free port
   */
  readonly port?: number | undefined;
  /**
   * Number of workers.
   * @default 2
   */
  readonly workers?: number;
  /**
   * Module whose agents the workers serve.
   * @default agents/index.ts
   */
  readonly agents?: string;
  /** Aborts the start: it stops what it has started, then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * The workers' environment.
   * @default ours, without TEMPORAL_* variables
   */
  readonly env?: NodeJS.ProcessEnv;
  /** Override the configuration files, to measure the effect of a setting. */
  readonly settings?: {
    readonly server?: Readonly<Record<string, string>>;
    readonly dynamic?: Readonly<Record<string, number | boolean>>;
    readonly postgres?: Readonly<Record<string, string>>;
  };
}

export interface Topology {
  readonly address: string;
  readonly namespace: string;
  /** For `--codec-endpoint` of the `temporal` command, with its token. */
  readonly codecEndpoint: string;
  /** Folder with data and logs. */
  readonly folder: string;
  readonly postgres: Postgres;
  readonly server: TemporalServer;
  readonly workers: readonly WorkerProcess[];
  startWorker(): Promise<WorkerProcess>;
  stop(): Promise<void>;
}

export async function startTopology(options: TopologyOptions = {}): Promise<Topology> {
  const { say = () => {}, settings = {}, workers: count = 2 } = options;
  const agents = options.agents ?? here('../../agents/index.ts');
  const env = options.env ?? withoutServers(process.env);
  const [cli, programs] = [await findTemporalCli({ say }), await findPrograms(say)];

  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'holdfast-topology-')));
  await mkdir(folder, { recursive: true });
  // PostgreSQL's user must be able to reach its own folder inside.
  await chmod(folder, 0o711);
  const isTemporary = options.folder === undefined;
  // If the process exits before everything has started.
  const removeAtExit = () => rmSync(folder, { recursive: true, force: true, ...RETRY });
  if (isTemporary) process.once('exit', removeAtExit);
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    // In reverse order. A failure must not prevent the others.
    for (let last = undo.pop(); last; last = undo.pop()) await last().catch(() => {});
    process.off('exit', removeAtExit);
    if (isTemporary) await rm(folder, { recursive: true, force: true, ...RETRY });
  };
  try {
    return await Promise.race([start(), whenAborted(options.signal)]);
  } catch (error) {
    await stop();
    throw error;
  }

  async function start(): Promise<Topology> {
    const [postgresPort, codecPort, ...ports] = await portsOf(folder);
    if (options.port !== undefined && options.port !== 0)
      if (await listens(options.port)) say(`Temporal: port ${options.port} is taken, using ${ports[0]} instead.`);
      else ports[0] = options.port;

    const password = await secretOf(folder, 'postgres-password');
    const postgres = await startPostgres({
      folder: join(folder, 'postgres'),
      port: postgresPort!,
      password,
      settings: settings.postgres,
    });
    undo.push(() => postgres.stop('fast'));
    say(`PostgreSQL    ${IP}:${postgresPort}, process ${postgres.pid()}`);

    const tools = await toolsOf(folder, { temporal: cli, 'temporal-sql-tool': programs.sqlTool });
    const { DB } = await environmentOf(here('./server.env'));
    await script('schema', folder, {
      PATH: tools,
      SQL_HOST: IP,
      SQL_PORT: String(postgresPort),
      SQL_USER: POSTGRES_USER,
      SQL_PASSWORD: password,
      SQL_PLUGIN: settings.server?.['DB'] ?? DB,
    });
    say('Schema        temporal, temporal_visibility');

    const server = await startTemporalServer({
      program: programs.server,
      folder,
      postgres,
      ports,
      settings: settings.server,
      dynamic: settings.dynamic,
    });
    undo.push(() => server.stop('graceful'));
    const { address } = server;
    await script('namespace', folder, { PATH: tools, TEMPORAL_ADDRESS: address, HOLDFAST_NAMESPACE: NAMESPACE });
    await untilServes(address, NAMESPACE);
    say(`Temporal      ${address}, namespace ${NAMESPACE}, process ${server.pid()}`);

    const codec = await startCodecServer({
      port: codecPort!,
      token: await secretOf(folder, 'codec-token'),
      env,
      folder,
      logFile: join(folder, 'codec.log'),
    });
    undo.push(() => codec.stop());
    say(`Codec         ${codec.endpoint}, process ${codec.pid()}`);

    const workers: WorkerProcess[] = [];
    const addWorker = async () => {
      const logFile = join(folder, `worker-${workers.length + 1}.log`);
      const worker = await startWorker({ address, namespace: NAMESPACE, agents, env, logFile });
      workers.push(worker);
      undo.push(() => worker.stop());
      return worker;
    };
    for (let i = 0; i < count; i++) {
      const { pid, agents: served, model } = await addWorker();
      say(`Worker ${i + 1}      process ${pid}: ${served.join(', ')}; ${model}`);
    }
    const { endpoint: codecEndpoint } = codec;
    return {
      ...{ address, namespace: NAMESPACE, codecEndpoint, folder, postgres, server, workers },
      ...{ startWorker: addWorker, stop },
    };
  }
}

function whenAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

/** A random password or token, generated once and kept beside the data. */
async function secretOf(folder: string, name: string): Promise<string> {
  const file = join(folder, name);
  const kept = await readFile(file, 'utf8').catch(() => '');
  if (kept !== '') return kept;
  const secret = randomBytes(24).toString('hex');
  await writeFile(file, secret, { mode: 0o600 });
  return secret;
}

/** Reuses the last ports if they are free: the server remembers the addresses of its services. */
async function portsOf(folder: string): Promise<number[]> {
  const file = join(folder, 'ports.json');
  const last = await readFile(file, 'utf8').then(JSON.parse, () => []);
  const kept =
    Array.isArray(last) && last.length === 2 + PORTS_COUNT && !(await Promise.all(last.map(listens))).includes(true);
  const ports = kept ? last : await freePorts(2 + PORTS_COUNT);
  await writeFile(file, JSON.stringify(ports));
  return ports;
}

/** Builds a PATH on which the scripts find the tools by the names they have in the images. */
async function toolsOf(folder: string, tools: Readonly<Record<string, string>>): Promise<string> {
  const bin = join(folder, 'bin');
  await rm(bin, { recursive: true, force: true });
  await mkdir(bin);
  for (const [name, path] of Object.entries(tools)) await symlink(path, join(bin, name));
  return [bin, process.env['PATH']].join(delimiter);
}

async function script(name: string, folder: string, env: Record<string, string | undefined>): Promise<void> {
  const child = await startChild({
    command: '/bin/sh',
    args: [here(`./${name}.sh`)],
    cwd: folder,
    // A minimal environment: no profile and no other server's address.
    env: { ...env, HOME: folder },
    logFile: join(folder, `${name}.log`),
    endSignal: 'TERM',
  });
  const late = setTimeout(() => child.end('SIGTERM'), SCRIPT_MS);
  const code = await child.ended;
  clearTimeout(late);
  if (code !== 0) throw new Error(`worker/topology/${name}.sh failed (${code}).${await child.logTail()}`);
  await child.end('SIGTERM');
}

function withoutServers(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}
