// What the examples with a worker that is killed have in common: a stage that touches nothing of anybody's and is gone
// afterwards, a server of its own, and workers that are processes.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** Broken between words where too wide, the rest a little to the right. */
export function say(...lines: string[]): void {
  for (const line of lines) {
    const [first = '', ...rest] = wrapped(line, screen.columns - REST.length);
    screen.print(first, ...rest.map((text) => `${REST}${text}`));
  }
}

/** No example reaches production: what names a server or a database is not looked at, but for what was typed. */
export function forgetEnvironment(...names: string[]): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('TEMPORAL_')) delete process.env[name];
  // A file that is not there has no profiles.
  process.env['TEMPORAL_CONFIG_FILE'] = join(import.meta.dirname, 'none.toml');
  for (const name of ['DATABASE_URL', ...names]) delete process.env[name];
}

/** A folder for an embedded database, which goes with the example. */
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
  // It has nothing to keep, so it need not end in order.
  cleanUp.add(() => server.kill());
  const holdfast = await connect({ address: server.address, namespace: server.namespace });
  cleanUp.add(() => holdfast.close());
  return { holdfast, server, startedInMs };
}

export interface ExampleWorker {
  readonly pid: number;
  /** Resolves when a call has done what it does, and its answer is held. */
  held(): Promise<void>;
  /** Resolves when the process is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts the program `main`, which ends in `serveExample`; resolves when it serves. */
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
  child.on('message', (said: ExampleWorkerSays) => ('ready' in said ? ready.resolve() : held.resolve()));
  const gone = exited.then(([code, signal]) => {
    throw new Error(`The worker ended before its time (${signal ?? `exit code ${code}`}).`);
  });
  gone.catch(() => undefined);
  await Promise.race([ready.promise, gone]);
  return { pid: child.pid!, end, held: () => Promise.race([held.promise, gone]) };
}
