// A machine without PostgreSQL runs every test that wants one: on the programs that npm brought along.
import assert from 'node:assert/strict';
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { freePorts } from '../../worker/topology/ports.ts';
import { POSTGRES_USER, startPostgres } from '../../worker/topology/postgres.ts';
import {
  findPostgres,
  makeExecutable,
  type PostgresPrograms,
  unprivilegedUser,
} from '../../worker/topology/postgresPrograms.ts';
import { makeDatabase, type Postgres, startServer } from './postgres.ts';

let folder: string;
let embedded: PostgresPrograms;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-programs-'));
  embedded = await findPostgres({ HOLDFAST_POSTGRES: 'embedded' });
});
after(() => rm(folder, { recursive: true, force: true }));

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test("prefers an installed PostgreSQL to npm's", async () => {
  await Promise.all(['initdb', 'postgres'].map((name) => writeFile(join(folder, name), '')));
  assert.equal((await findPostgres({ PATH: folder })).isEmbedded, false);
  assert.equal(embedded.isEmbedded, true);
  assert.match(embedded.initdb, /node_modules/);
});

test("copies what only root may enter to where PostgreSQL's user runs it", async () => {
  const closed = join(folder, 'closed');
  await mkdir(join(closed, 'bin'), { recursive: true, mode: 0o700 });
  const [initdb, postgres] = [join(closed, 'bin/initdb'), join(closed, 'bin/postgres')];
  await writeFile(initdb, '#!/bin/sh\n', { mode: 0o700 });
  const programs = { initdb, postgres, isEmbedded: true };
  const user = unprivilegedUser();
  // Whoever is not root runs what it owns.
  assert.deepEqual(await makeExecutable(programs, undefined, folder), programs);
  if (!user) return;

  const open = await mkdtemp(join(tmpdir(), 'holdfast-reach-'));
  try {
    await chown(open, user.uid, user.gid);
    const copy = await makeExecutable(programs, user, open);
    assert.equal(copy.initdb, join(open, 'programs/bin/initdb'));
    assert.deepEqual(await makeExecutable(copy, user, open), copy);
  } finally {
    await rm(open, { recursive: true, force: true });
  }
});

describe('npm’s PostgreSQL', () => {
  let server: Postgres;
  before(async () => {
    server = await startServer(embedded);
  });
  after(() => server?.stop());

  test("has the extensions of Temporal's schema", async () => {
    const version = "SELECT current_setting('server_version_num')::int / 10000 AS version";
    assert.deepEqual(await ask(server.url, version), [{ version: 18 }]);
    await ask(server.url, 'CREATE EXTENSION btree_gin');
  });

  test('lends a database of a given server to each caller, and takes it back', async () => {
    const names = "SELECT datname AS name FROM pg_database WHERE datname LIKE 'holdfast_test_%'";
    const [one, two] = await Promise.all([makeDatabase(server.url), makeDatabase(server.url)]);
    await ask(one.url, 'CREATE TABLE ours (n int)');
    await assert.rejects(ask(two.url, 'SELECT * FROM ours'), { code: '42P01' });
    assert.equal((await ask(server.url, names)).length, 2);
    await Promise.all([one.stop(), two.stop()]);
    assert.deepEqual(await ask(server.url, names), []);
  });

  test('accepts the name of a login and a database', async () => {
    await ask(server.url, `CREATE ROLE reader LOGIN PASSWORD 'it''s a secret'`);
    const url = server.urlOf({ login: { user: 'reader', password: "it's a secret" }, database: 'template1' });
    assert.deepEqual(await ask(url, 'SELECT current_user::text AS user, current_database()::text AS database'), [
      { user: 'reader', database: 'template1' },
    ]);
  });
});

test("recovers the topology's PostgreSQL on npm's programs", async () => {
  const [port] = await freePorts(1);
  const at = await mkdtemp(join(tmpdir(), 'holdfast-crash-'));
  const user = unprivilegedUser();
  if (user) await chown(at, user.uid, user.gid);
  const server = await startPostgres({ folder: join(at, 'pg'), port: port!, password: 'secret', programs: embedded });
  try {
    const url = server.url('postgres');
    assert.equal(new URL(url).username, POSTGRES_USER);
    await ask(url, 'CREATE TABLE kept AS SELECT 7 AS n');
    const earlier = server.pid();
    await server.stop('immediate');
    await server.start();
    assert.notEqual(server.pid(), earlier);
    assert.deepEqual(await ask(url, 'SELECT n FROM kept'), [{ n: 7 }]);
  } finally {
    await server.stop('fast');
    await rm(at, { recursive: true, force: true });
  }
});
