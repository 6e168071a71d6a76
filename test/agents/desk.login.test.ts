// On a real PostgreSQL, the desk's SQL runs only with a login that can do no harm.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import pg from 'pg';
import { closeDatabase, query, warmUp } from '../../agents/clinic/database/index.ts';
import { setUpClinic } from '../../agents/clinic/database/setUp.ts';
import { desk } from '../../agents/desk/agent.ts';
import { holdfast } from '../cli/command.ts';
import { type Login, noPostgres, type Postgres, startPostgres } from '../support/postgres.ts';
import { callTool } from './play.ts';

describe('the login of the desk', { skip: noPostgres }, () => {
  let postgres: Postgres;
  let owner: pg.Client;
  const roles: string[] = [];
  const password = randomBytes(8).toString('hex');
  const select = (sql: string) => callTool(desk.tools.get('query_database'), { sql });

  /** Makes a login that may read the clinic, and has these rights. */
  async function loginWith(name: string, rights: string, roleOf: readonly string[] = []): Promise<Login> {
    const user = `holdfast_${name}_${randomBytes(4).toString('hex')}`;
    await setUpClinic(postgres.url, { role: user, password });
    roles.push(user);
    if (rights) await owner.query(`ALTER ROLE ${user} ${rights}`);
    for (const role of roleOf) await owner.query(`GRANT ${role} TO ${user}`);
    return { user, password };
  }
  const use = (login: Login) => {
    process.env['DATABASE_URL'] = postgres.urlOf({ login });
  };

  before(async () => {
    postgres = await startPostgres();
    owner = new pg.Client({ connectionString: postgres.url });
    await owner.connect();
  });
  afterEach(async () => {
    delete process.env['DATABASE_URL'];
    await closeDatabase();
  });
  after(async () => {
    for (const role of roles.toReversed()) await owner.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await owner.end();
    await postgres.stop();
  });

  test('reads with one that may only read, and its database refuses what the check would', async () => {
    use(await loginWith('reader', ''));
    await warmUp();
    assert.deepEqual(await select('SELECT count(*) AS n FROM patients'), { rows: [{ n: 48 }], count: 1 });
    for (const sql of [
      "SELECT pg_read_file('/etc/passwd')",
      "SELECT lo_import('/etc/passwd')",
      "SELECT pg_ls_dir('.')",
      'SELECT rolpassword FROM pg_authid',
      "COPY patients TO PROGRAM 'cat'",
    ])
      await assert.rejects(
        query(sql, []),
        (error: { code?: string }) => ['42501', '25006'].includes(error.code ?? ''),
        sql,
      );
  });

  for (const [what, rights, roleOf] of [
    ['SUPERUSER', 'SUPERUSER', []],
    ['BYPASSRLS', 'BYPASSRLS', []],
    ['CREATEROLE', 'CREATEROLE', []],
    ['pg_read_server_files', '', ['pg_read_server_files']],
    ['pg_write_server_files', '', ['pg_write_server_files']],
    ['pg_execute_server_program', 'NOINHERIT', ['pg_execute_server_program']],
  ] as const)
    test(`refuses one with ${what}, and says what to do`, async () => {
      use(await loginWith('strong', rights, roleOf));
      const isRefused = (error: Error) => {
        assert.match(error.message, new RegExp(`The login in DATABASE_URL has ${what},`));
        assert.match(error.message, /CLINIC_READER_PASSWORD=… node agents\/clinic\/setup\.ts/);
        return true;
      };
      await assert.rejects(warmUp(), isRefused);
      await assert.rejects(
        select('SELECT 1'),
        (error: Error & { retry?: boolean }) => isRefused(error) && error.retry === false,
      );
    });

  test('refuses one that reaches such a role through others', async () => {
    const strong = await loginWith('strong', 'CREATEROLE');
    const between = await loginWith('between', 'NOINHERIT', [strong.user]);
    use(await loginWith('member', 'NOINHERIT', [between.user]));
    await assert.rejects(warmUp(), /has CREATEROLE,/);
  });

  test('keeps a worker from starting', async () => {
    const login = await loginWith('strong', 'BYPASSRLS');
    const env = { DATABASE_URL: postgres.urlOf({ login }) };
    const { code, stderr } = await holdfast(['agents', '--agents', 'agents/index.ts'], { env });
    assert.equal(code, 2);
    assert.match(stderr, /The login in DATABASE_URL has BYPASSRLS,/);
  });
});
