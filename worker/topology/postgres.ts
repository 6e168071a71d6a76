// A real PostgreSQL on 127.0.0.1, with the settings of postgresql.conf and a password of its own. It can be stopped as a
// crash would, and started again.
import { execFile, execFileSync } from 'node:child_process';
import { access, chown, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Child, startChild } from './child.ts';
import { IP, listens } from './ports.ts';

const run = promisify(execFile);
/** Debian keeps its servers off the PATH. */
const DEBIAN = '/usr/lib/postgresql';
const CONFIG = fileURLToPath(new URL('./postgresql.conf', import.meta.url));
/** The role of docker-compose.yml. */
export const POSTGRES_USER = 'temporal';
// After a crash it reads its log again before it answers.
const READY_MS = 60_000;
const LOOK_MS = 50;

export interface PostgresOptions {
  /** An empty folder, or one that was used before. */
  readonly folder: string;
  readonly port: number;
  readonly password: string;
  /** In place of what postgresql.conf says. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

export interface Postgres {
  readonly port: number;
  readonly password: string;
  /** The superuser's login, for a database of that name. */
  url(database: string): string;
  pid(): number;
  /** `immediate` ends it as a crash would; `fast` in order, without waiting for anybody's connection. */
  stop(mode: 'immediate' | 'fast'): Promise<void>;
  start(): Promise<void>;
}

export async function startPostgres({ folder, port, password, settings = {} }: PostgresOptions): Promise<Postgres> {
  const bin = await findBinaries();
  const user = otherThanRoot();
  await mkdir(folder, { recursive: true });
  if (user) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  if (!(await exists(data))) await initialise(join(bin, 'initdb'), folder, data, password, user);
  // Read by a user who may not enter the project's folder.
  const config = join(folder, 'postgresql.conf');
  await copyFile(CONFIG, config);
  const given = { ...settings, config_file: config, listen_addresses: IP, port, unix_socket_directories: folder };
  const args = ['-D', data, ...Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`])];

  let child: Child;
  const start = async () => {
    child = await startChild({
      command: join(bin, 'postgres'),
      args,
      cwd: folder,
      env: { ...process.env, LC_ALL: 'C' },
      logFile: join(folder, 'postgres.log'),
      endSignal: 'QUIT',
      user,
    });
    await untilReady(child, join(bin, 'pg_isready'), port);
  };
  await start();
  return {
    port,
    password,
    url: (database) => `postgres://${POSTGRES_USER}:${password}@${IP}:${port}/${database}`,
    pid: () => child.pid,
    stop: (mode) => child.end(mode === 'immediate' ? 'SIGQUIT' : 'SIGINT'),
    start,
  };
}

async function initialise(
  initdb: string,
  folder: string,
  data: string,
  password: string,
  user: { uid: number; gid: number } | undefined,
): Promise<void> {
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user) await chown(passwordFile, user.uid, user.gid);
  const args = ['-D', data, '-U', POSTGRES_USER, '-A', 'scram-sha-256', '--pwfile', passwordFile];
  await run(initdb, [...args, '-E', 'UTF8', '--locale=C', '-N'], { ...user, cwd: folder });
}

async function untilReady(child: Child, pgIsReady: string, port: number): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    if (child.hasEnded()) throw new Error(`PostgreSQL ended at once.${await child.lastWords()}`);
    // It listens before it answers: after a crash, for as long as it reads its log.
    if ((await listens(port)) && (await answers(pgIsReady, port))) return;
    if (Date.now() > deadline)
      throw new Error(`PostgreSQL does not answer after ${READY_MS / 1_000} s.${await child.lastWords()}`);
    await sleep(LOOK_MS);
  }
}

async function answers(pgIsReady: string, port: number): Promise<boolean> {
  return run(pgIsReady, ['--quiet', '--host', IP, '--port', String(port), '--dbname', 'postgres']).then(
    () => true,
    () => false,
  );
}

async function findBinaries(): Promise<string> {
  const versions = await readdir(DEBIAN).catch(() => []);
  const newestFirst = versions.filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(b) - Number(a));
  const places = [
    ...newestFirst.map((version) => join(DEBIAN, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  for (const place of places) {
    const found = await Promise.all(['initdb', 'postgres', 'pg_isready'].map((name) => exists(join(place, name))));
    if (found.every(Boolean)) return place;
  }
  throw new Error(`No PostgreSQL server in ${DEBIAN} or on the PATH. Install it: apt-get install postgresql`);
}

/** Why no PostgreSQL can be started here; null when one can. */
export async function whyNoPostgres(): Promise<string | null> {
  return findBinaries().then(
    () => null,
    (error: Error) => error.message,
  );
}

/** PostgreSQL refuses to run as root; Debian's package makes a user for it. */
function otherThanRoot(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
