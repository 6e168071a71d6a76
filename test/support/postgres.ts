// A real PostgreSQL of one's own, in a temporary folder: Debian's newest, or the one on the PATH.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePorts } from '../../worker/topology/ports.ts';

const run = promisify(execFile);
const DEBIAN = '/usr/lib/postgresql';

export interface Postgres {
  /** The superuser's login. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Needs no free port and no rights of the caller; ends with the process if nobody stops it. */
export async function startPostgres(): Promise<Postgres> {
  const bin = await findBinaries();
  const user = otherThanRoot();
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'));
  if (user) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const options = { ...user, cwd: folder };
  await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
    options,
  );

  const [port] = await freePorts(1);
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: folder, fsync: 'off' };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...args], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const kill = () => server.kill('SIGQUIT');
  process.once('exit', kill);
  const said: string[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    createInterface(server.stderr).on('line', (line) => {
      said.push(line);
      if (line.includes('ready to accept connections')) resolve();
    });
    server.once('exit', () => reject(new Error(`PostgreSQL ended at once:\n${said.join('\n')}`)));
  });
  await ready;

  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      process.off('exit', kill);
      if (server.exitCode === null) {
        // Fast: without waiting for anybody's connection.
        server.kill('SIGINT');
        await once(server, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The same with a pool of connections, for the tests of a suite. */
export async function startPool(): Promise<{ readonly pool: pg.Pool; stop(): Promise<void> }> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url, max: 20 });
  // The server's end, after the last test, is no failure of any of them.
  pool.on('error', () => undefined);
  return {
    pool,
    async stop() {
      await pool.end();
      await server.stop();
    },
  };
}

async function findBinaries(): Promise<string> {
  const versions = await readdir(DEBIAN).catch(() => []);
  const newestFirst = versions.filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(b) - Number(a));
  const places = [
    ...newestFirst.map((version) => join(DEBIAN, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  for (const place of places) {
    const found = await Promise.all(
      ['initdb', 'postgres'].map((name) =>
        access(join(place, name)).then(
          () => true,
          () => false,
        ),
      ),
    );
    if (found.every(Boolean)) return place;
  }
  throw new Error(`No PostgreSQL server in ${DEBIAN} or on the PATH. Install it: apt-get install postgresql`);
}

/** Why the tests on PostgreSQL cannot run here; never in CI, where a part that is missing is a failure. */
export const noPostgres: string | false = process.env.CI
  ? false
  : await findBinaries().then(
      () => false,
      (error: Error) => error.message,
    );

/** PostgreSQL refuses to run as root; Debian's package makes a user for it. */
function otherThanRoot(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
