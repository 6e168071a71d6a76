// Stores return what they were given, or report what is missing: files in a folder, and a real PostgreSQL.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { defaultPayloadConverter, type Payload, type StorageDriver, StorageDriverClaim } from '@temporalio/common';
import pg from 'pg';
import { fileStorage, postgresStorage, StoredPayloadLost } from '../../client/index.ts';
import { PAYLOAD_BYTES_MAX } from '../../client/payloads/gzip.ts';
import { noPostgres, type Postgres, startPostgres } from '../support/postgres.ts';

const payloadOf = (bytes: number): Payload => defaultPayloadConverter.toPayload(randomBytes(bytes));
const dataOf = (payloads: Payload[]) => payloads.map(({ data }) => Buffer.from(data ?? []).toString('hex'));

/** What holds for every store. */
function holdsFor(open: () => StorageDriver): void {
  test('returns payloads in the requested order, with their metadata', async () => {
    const store = open();
    const payloads = Array.from({ length: 20 }, (_, i) => payloadOf(i * 1_000));
    const claims = await store.store({}, payloads);
    const back = await store.retrieve({}, claims.toReversed());
    assert.deepEqual(dataOf(back), dataOf(payloads.toReversed()));
    assert.deepEqual(Buffer.from(back[0]!.metadata!['encoding']!).toString(), 'binary/plain');
  });

  test('stores a payload under one key, however many store it at once', async () => {
    const store = open();
    const payload = payloadOf(5_000);
    const claims = await Promise.all(Array.from({ length: 10 }, () => store.store({}, [payload])));
    assert.equal(new Set(claims.map(([claim]) => claim!.claimData['sha256'])).size, 1);
  });

  test('names a missing payload, its store and what to check', async () => {
    const claim = new StorageDriverClaim({ sha256: 'ab'.repeat(32) });
    await assert.rejects(open().retrieve({}, [claim]), (error: Error) => {
      assert.ok(error instanceof StoredPayloadLost);
      assert.match(
        error.message,
        /store "mine"\) has no payload abab.*It was deleted, or this process uses another store/,
      );
      return true;
    });
  });

  test('rejects an invalid key', async () => {
    for (const sha256 of ['../../../../etc/passwd', "'; drop table holdfast_payloads; --", ''])
      await assert.rejects(open().retrieve({}, [new StorageDriverClaim({ sha256 })]), /which is not a key of/);
  });

  test('refuses a payload that is too large to be read back', async () => {
    await assert.rejects(open().store({}, [payloadOf(PAYLOAD_BYTES_MAX)]), /is too large for/);
  });

  test('stops on abort', async () => {
    const abortSignal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(open().store({ abortSignal }, [payloadOf(10)]), /enough/);
  });
}

test('names the store that fails, and why', async () => {
  const database = postgresStorage(new pg.Pool({ host: '127.0.0.1', port: 1 }), { name: 'mine' });
  const folder = fileStorage('/dev/null/payloads');
  const claim = new StorageDriverClaim({ sha256: 'ab'.repeat(32) });
  await assert.rejects(database.store({}, [payloadOf(10)]), /store "mine"\) cannot be written: .*ECONNREFUSED/);
  await assert.rejects(database.retrieve({}, [claim]), /store "mine"\) cannot be read: .*ECONNREFUSED/);
  await assert.rejects(folder.store({}, [payloadOf(10)]), /null\/payloads \(store "file"\) cannot be written: ENOTDIR/);
  await assert.rejects(folder.retrieve({}, [claim]), /null\/payloads \(store "file"\) cannot be read: ENOTDIR/);
});

describe('files', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const open = () => fileStorage(folder, { name: 'mine' });
  holdsFor(open);

  const pathOf = ({ claimData: { sha256 = '' } }: StorageDriverClaim) =>
    join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256);

  test('does not return a damaged payload, and repairs it when it is stored again', async () => {
    const payload = payloadOf(5_000);
    const [claim] = await open().store({}, [payload]);
    const path = pathOf(claim!);
    await truncate(path, 3_000);
    await assert.rejects(open().retrieve({}, [claim!]), /is damaged. Restore it from a backup/);
    await writeFile(path, (await readFile(path)).fill(0));
    await assert.rejects(open().retrieve({}, [claim!]), StoredPayloadLost);
    await open().store({}, [payload]);
    assert.deepEqual(dataOf(await open().retrieve({}, [claim!])), dataOf([payload]));
  });

  test('renews the date of a payload that is stored again, and leaves no partial files', async () => {
    const payload = payloadOf(5_000);
    const [claim] = await open().store({}, [payload]);
    const path = pathOf(claim!);
    await utimes(path, 1_000_000, 1_000_000);
    await open().store({}, [payload]);
    assert.ok((await stat(path)).mtimeMs > Date.now() - 60_000);
    const names = await readdir(folder, { recursive: true });
    assert.ok(names.every((name) => /^[0-9a-f]{2}(\/[0-9a-f]{2}(\/[0-9a-f]{64})?)?$/.test(name)));
  });
});

describe('PostgreSQL', { skip: noPostgres }, () => {
  let postgres: Postgres;
  let pool: pg.Pool;
  before(async () => {
    postgres = await startPostgres();
    pool = new pg.Pool({ connectionString: postgres.url });
    // Idle connections break when the server goes.
    pool.on('error', () => undefined);
  });
  after(async () => {
    await pool?.end();
    await postgres?.stop();
  });
  const open = () => postgresStorage(pool, { name: 'mine' });
  holdsFor(open);

  test('creates its table once, for many concurrent writers', async () => {
    const stores = Array.from({ length: 5 }, () => postgresStorage(pool, { table: 'public.elsewhere' }));
    await Promise.all(stores.map((store) => store.store({}, [payloadOf(100)])));
    const { rows } = await pool.query('select count(*)::int as n from elsewhere');
    assert.equal(rows[0].n, 5);
    const capital = postgresStorage(pool, { table: 'Elsewhere_Too' });
    assert.equal((await capital.store({}, [payloadOf(100)])).length, 1);
    assert.throws(() => postgresStorage(pool, { table: 'a; drop table b' }), /Use a table name/);
  });

  test('renews the date of a payload that is stored again', async () => {
    const payload = payloadOf(100);
    const [claim] = await open().store({}, [payload]);
    const key = claim!.claimData['sha256'];
    await pool.query("update holdfast_payloads set stored_at = now() - interval '30 days' where sha256 = $1", [key]);
    await open().store({}, [payload]);
    const { rows } = await pool.query(
      "select stored_at > now() - interval '1 hour' as fresh from holdfast_payloads where sha256 = $1",
      [key],
    );
    assert.deepEqual(rows, [{ fresh: true }]);
  });

  test('does not return a damaged payload', async () => {
    const [claim] = await open().store({}, [payloadOf(100)]);
    await pool.query("update holdfast_payloads set payload = 'nonsense' where sha256 = $1", [
      claim!.claimData['sha256'],
    ]);
    await assert.rejects(open().retrieve({}, [claim!]), /is damaged/);
  });
});
