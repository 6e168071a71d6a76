// The dev server of `holdfast dev`: on a database file of the current folder, and started again if it dies.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { findTemporalCli } from '../../worker/dev/temporalCli.ts';
import { UsageError } from '../exit.ts';

/** A server that dies at once, again and again, is not started faster than this. */
const AGAIN_MS = 1_000;

export interface KeptServer {
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | null;
  readonly dbFile: string;
  stop(): Promise<void>;
}

export interface KeepServerOptions {
  readonly port: number;
  readonly uiPort: number;
  readonly db: string;
  readonly namespace: string | undefined;
  readonly say: (line: string) => void;
}

export async function keepServer({ port, uiPort, db, namespace, say }: KeepServerOptions): Promise<KeptServer> {
  const dbFile = resolve(db);
  await makeFolder(dirname(dbFile));
  const release = await claim(dbFile);
  const cli = await findTemporalCli({ say });
  const options = { cli, dbFile, say, ...(namespace !== undefined && { namespace }) };
  let server = await startDevServer({ ...options, port, uiPort }).catch(async (error) => {
    await release();
    throw error;
  });
  const { address, uiUrl } = server;
  let stopping = false;
  void keep();

  return {
    address,
    uiUrl,
    namespace: server.namespace,
    dbFile: db,
    async stop() {
      stopping = true;
      await server.stop();
      await release();
    },
  };

  async function keep(): Promise<void> {
    for (;;) {
      await server.ended;
      if (stopping) return;
      say('The Temporal server ended by itself; starting it again …');
      await sleep(AGAIN_MS);
      if (stopping) return;
      server = await again(address, uiUrl);
      say(`The Temporal server is back at ${address}.`);
    }
  }

  async function again(at: string, ui: string | null): Promise<DevServer> {
    for (;;) {
      try {
        const started = await startDevServer({
          ...options,
          port: portOf(at),
          uiPort: ui === null ? false : portOf(ui),
        });
        if (started.address === at) return started;
        // Worker and clients look for it where it was.
        await started.stop();
        say(`Port ${portOf(at)} is taken by another program; waiting for it …`);
      } catch (error) {
        say(error instanceof Error ? error.message : String(error));
      }
      await sleep(AGAIN_MS);
    }
  }
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  // What is kept here is nobody else's.
  if (basename(folder) === '.holdfast') await writeFile(join(folder, '.gitignore'), '*\n');
}

/** Two servers on one file would spoil it. */
async function claim(dbFile: string): Promise<() => Promise<void>> {
  const path = `${dbFile}.pid`;
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  if (holder > 0 && holder !== process.pid && isAlive(holder))
    throw new UsageError(
      `Another holdfast dev (process ${holder}) keeps its runs in ${dbFile}. Stop it, or give this one its own file: --db FILE.`,
    );
  await writeFile(path, String(process.pid));
  return () => rm(path, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
