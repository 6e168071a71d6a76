// A real PostgreSQL on 127.0.0.1, with the settings of postgresql.conf and its own password. It can be crashed and restarted.
import { execFile } from 'node:child_process';
import { access, chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Child, startChild } from './child.ts';
import { IP } from './ports.ts';
import {
  findPostgres,
  makeExecutable,
  type PostgresPrograms,
  type User,
  unprivilegedUser,
} from './postgresPrograms.ts';

const run = promisify(execFile);
const CONFIG = fileURLToPath(new URL('./postgresql.conf', import.meta.url));
/** The same role as in docker-compose.yml. */
export const POSTGRES_USER = 'temporal';
// After a crash, recovery comes first.
const READY_MS = 60_000;
const POLL_MS = 50;

export interface PostgresOptions {
  /** An empty folder, or one that was used before. */
  readonly folder: string;
  readonly port: number;
  readonly password: string;
  /** Override postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** @default the result of findPostgres() */
  readonly programs?: PostgresPrograms;
}

export interface Postgres {
  readonly port: number;
  readonly password: string;
  /** Connection string of the superuser. */
  url(database: string): string;
  pid(): number;
  /** `immediate` is like a crash; `fast` closes all connections and shuts down cleanly. */
  stop(mode: 'immediate' | 'fast'): Promise<void>;
  start(): Promise<void>;
}

export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { folder, port, password, settings = {} } = options;
  const user = unprivilegedUser();
  await mkdir(folder, { recursive: true });
  if (user) await chown(folder, user.uid, user.gid);
  const programs = await makeExecutable(options.programs ?? (await findPostgres()), user, folder);
  const data = join(folder, 'data');
  if (!(await exists(data))) await initialise(programs.initdb, folder, data, password, user);
  // PostgreSQL's user may not have access to the project's folder.
  const config = join(folder, 'postgresql.conf');
  await copyFile(CONFIG, config);
  const given = { ...settings, config_file: config, listen_addresses: IP, port, unix_socket_directories: folder };
  const args = ['-D', data, ...Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`])];

  let child: Child;
  const start = async () => {
    child = await startChild({
      command: programs.postgres,
      args,
      cwd: folder,
      env: { ...process.env, LC_ALL: 'C' },
      logFile: join(folder, 'postgres.log'),
      endSignal: 'QUIT',
      user,
    });
    await untilReady(child, data);
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
  user: User | undefined,
): Promise<void> {
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user) await chown(passwordFile, user.uid, user.gid);
  const args = ['-D', data, '-U', POSTGRES_USER, '-A', 'scram-sha-256', '--pwfile', passwordFile];
  await run(initdb, [...args, '-E', 'UTF8', '--locale=C', '-N'], { ...user, cwd: folder });
}

async function untilReady(child: Child, data: string): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    if (child.hasEnded()) throw new Error(`PostgreSQL exited at once.${await child.logTail()}`);
    // After a crash it listens, but does not answer until recovery is done.
    if (await isReady(child.pid, data)) return;
    if (Date.now() > deadline)
      throw new Error(`PostgreSQL is not ready after ${READY_MS / 1_000} s.${await child.logTail()}`);
    await sleep(POLL_MS);
  }
}

/** Checks what pg_ctl waits for: the server's lock file has its pid in line 1, and its status in line 8. */
async function isReady(pid: number, data: string): Promise<boolean> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
