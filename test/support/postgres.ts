// A real PostgreSQL for tests: a database of the server at DATABASE_URL, or a server of one's own in a temporary folder.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePorts } from '../../worker/topology/ports.ts';
import {
  findPostgres,
  makeExecutable,
  type PostgresPrograms,
  unprivilegedUser,
  whyNoPostgres,
} from '../../worker/topology/postgresPrograms.ts';

const run = promisify(execFile);
/** Read now: tests of what the agents read set it to something of their own. */
const GIVEN = process.env['DATABASE_URL'];

export interface Login {
  readonly user: string;
  readonly password: string;
}

export interface Postgres {
  /** The login of whoever may make roles, for a database that is empty. */
  readonly url: string;
  /** Another login, or another database. */
  urlOf(other: { readonly login?: Login; readonly database?: string }): string;
  stop(): Promise<void>;
}

/** Starts a server, or makes a database on the one at DATABASE_URL, whose login may do that and make roles. */
export async function startPostgres(): Promise<Postgres> {
  return GIVEN ? makeDatabase(GIVEN) : startServer(await findPostgres());
}

/** A database of its own on this server. */
export async function makeDatabase(server: string): Promise<Postgres> {
  const name = `holdfast_test_${randomBytes(8).toString('hex')}`;
  await execute(server, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`);
  return postgresAt(otherUrl(server, { database: name }), () => execute(server, `DROP DATABASE ${name} WITH (FORCE)`));
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Needs no free port and no rights of the caller; ends with the process if nobody stops it. */
export async function startServer(found: PostgresPrograms): Promise<Postgres> {
  const user = unprivilegedUser();
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'));
  if (user) await chown(folder, user.uid, user.gid);
  const programs = await makeExecutable(found, user, folder);
  const data = join(folder, 'data');
  const options = { ...user, cwd: folder };
  const initial = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'];
  await run(programs.initdb, ['-D', data, ...initial], options);

  const [port] = await freePorts(1);
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: folder, fsync: 'off' };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(programs.postgres, ['-D', data, ...args], { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
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

  return postgresAt(`postgres://postgres@127.0.0.1:${port}/postgres`, async () => {
    process.off('exit', kill);
    if (server.exitCode === null) {
      // Fast: without waiting for anybody's connection.
      server.kill('SIGINT');
      await once(server, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  });
}

function postgresAt(url: string, stop: () => Promise<void>): Postgres {
  return { url, urlOf: (other) => otherUrl(url, other), stop };
}

function otherUrl(given: string, { login, database }: { readonly login?: Login; readonly database?: string }): string {
  const url = new URL(given);
  if (login) {
    url.username = login.user;
    url.password = login.password;
  }
  if (database) url.pathname = database;
  return url.href;
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

/** Why the tests on PostgreSQL cannot run here; never in CI, where a part that is missing is a failure. */
export const noPostgres: string | false = process.env['CI'] || GIVEN ? false : ((await whyNoPostgres()) ?? false);
