// Shared by the examples that kill a worker: an isolated, temporary environment with its own server, and workers in
// processes of their own.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connect, type Holdfast } from '../../client/index.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { findTemporalCli } from '../../worker/dev/temporalCli.ts';
import { cleanUpInOrder } from '../terminal/cleanUp.ts';
import { createScreen } from '../terminal/screen.ts';
import { wrapped } from '../terminal/wrap.ts';
import type { ExampleWorkerSays } from './exampleWorker.ts';

const REST = '    ';

export const screen = createScreen(process.stdout);
export const cleanUp = cleanUpInOrder();
export const interrupt = new AbortController();

/** The options of these examples, as typed. */
export function exampleOptions() {
  return parseArgs({
    options: { keep: { type: 'boolean', default: false }, 'database-url': { type: 'string' } },
  }).values;
}

/** For `--keep`: the server stays up until Ctrl-C. */
export async function keepServer(): Promise<void> {
  say('', 'The server and its Web UI stay up until Ctrl-C.');
  await once(interrupt.signal, 'abort');
}

/** Prints wrapped lines, with continued lines indented. */
export function say(...lines: string[]): void {
  for (const line of lines) {
    const [first = '', ...rest] = wrapped(line, screen.columns - REST.length);
    screen.print(first, ...rest.map((text) => `${REST}${text}`));
  }
}

/** Keeps the example away from production: ignores settings of servers and databases in the environment. */
export function forgetEnvironment(...names: string[]): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('TEMPORAL_')) delete process.env[name];
  // A missing file has no profiles.
  process.env['TEMPORAL_CONFIG_FILE'] = join(import.meta.dirname, 'none.toml');
  for (const name of ['DATABASE_URL', ...names]) delete process.env[name];
}

/** Creates a folder for an embedded database, which is removed with the example. */
export async function temporaryFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `holdfast-${name}-`));
  cleanUp.add(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'database');
}

export async function ownServer(): Promise<{ holdfast: Holdfast; server: DevServer; startedInMs: number }> {
  const cli = await findTemporalCli({ say: (line) => say(`  ${line}`) });
  const startedAtMs = performance.now();
  const server = await startDevServer({ cli, uiPort: 0 });
  const startedInMs = performance.now() - startedAtMs;
  // It has no data to keep, so kill it.
  cleanUp.add(() => server.kill());
  const holdfast = await connect({ address: server.address, namespace: server.namespace });
  cleanUp.add(() => holdfast.close());
  return { holdfast, server, startedInMs };
}

export interface ExampleWorker {
  readonly pid: number;
  /** Resolves when a call has taken effect and its result is withheld. */
  held(): Promise<void>;
  /** Sends the signal; resolves when the process has exited. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts the program `main`, which calls `serveExample`; resolves when the worker is ready. */
export async function startExampleWorker(main: URL, options: object): Promise<ExampleWorker> {
  const child: ChildProcess = fork(main, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  cleanUp.add(() => end('SIGKILL'));
  const ready = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  child.on('message', (message: ExampleWorkerSays) => ('ready' in message ? ready.resolve() : held.resolve()));
  const failed = exited.then(([code, signal]) => {
    throw new Error(`The worker ended unexpectedly (${signal ?? `exit code ${code}`}).`);
  });
  failed.catch(() => undefined);
  await Promise.race([ready.promise, failed]);
  return { pid: child.pid!, end, held: () => Promise.race([held.promise, failed]) };
}
