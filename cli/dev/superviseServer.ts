// The dev server of `holdfast dev`: keeps runs in a database file, and restarts if it ends.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { findTemporalCli } from '../../worker/dev/temporalCli.ts';
import { UsageError } from '../exit.ts';

/** Delay before a restart, for a server that keeps ending at once. */
const RESTART_DELAY_MS = 1_000;

export interface SupervisedServer {
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | null;
  readonly dbFile: string;
  stop(): Promise<void>;
}

export interface SuperviseServerOptions {
  readonly port: number;
  readonly uiPort: number;
  readonly uiCodecEndpoint: string;
  readonly db: string;
  readonly namespace: string | undefined;
  readonly say: (line: string) => void;
}

export async function superviseServer({
  port,
  uiPort,
  uiCodecEndpoint,
  db,
  namespace,
  say,
}: SuperviseServerOptions): Promise<SupervisedServer> {
  const dbFile = resolve(db);
  await makeFolder(dirname(dbFile));
  const unlock = await lockDatabase(dbFile);
  const cli = await findTemporalCli({ say });
  const options = { cli, dbFile, uiCodecEndpoint, say, ...(namespace !== undefined && { namespace }) };
  let server = await startDevServer({ ...options, port, uiPort }).catch(async (error) => {
    await unlock();
    throw error;
  });
  const { address, uiUrl } = server;
  let stopping = false;
  void supervise();

  return {
    address,
    uiUrl,
    namespace: server.namespace,
    dbFile: db,
    async stop() {
      stopping = true;
      await server.stop();
      await unlock();
    },
  };

  async function supervise(): Promise<void> {
    for (;;) {
      await server.ended;
      if (stopping) return;
      say('The Temporal server ended unexpectedly; restarting it …');
      await sleep(RESTART_DELAY_MS);
      if (stopping) return;
      server = await restart(address, uiUrl);
      say(`The Temporal server is back at ${address}.`);
    }
  }

  async function restart(at: string, ui: string | null): Promise<DevServer> {
    for (;;) {
      try {
        const started = await startDevServer({
          ...options,
          port: portOf(at),
          uiPort: ui === null ? false : portOf(ui),
        });
        if (started.address === at) return started;
        // Workers and clients expect it at the same address.
        await started.stop();
        say(`Port ${portOf(at)} is taken by another program; waiting for it …`);
      } catch (error) {
        say(error instanceof Error ? error.message : String(error));
      }
      await sleep(RESTART_DELAY_MS);
    }
  }
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  // Runs do not belong in version control.
  if (basename(folder) === '.holdfast') await writeFile(join(folder, '.gitignore'), '*\n');
}

/** Locks the file: two servers would corrupt it. Returns a function that unlocks it. */
async function lockDatabase(dbFile: string): Promise<() => Promise<void>> {
  const path = `${dbFile}.pid`;
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  if (holder > 0 && holder !== process.pid && isAlive(holder))
    throw new UsageError(
      `Another holdfast dev (process ${holder}) uses ${dbFile}. Stop it, or choose another file with --db FILE.`,
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
