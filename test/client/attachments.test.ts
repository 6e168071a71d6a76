// The bytes of images and files come back from the store as they were, and from no other key.
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { PayloadCodec, StorageDriver } from '@temporalio/common';
import pg from 'pg';
import { loadAttachments } from '../../activities/attachments/load.ts';
import {
  dataConverter,
  fileStorage,
  InvalidAttachment,
  type PayloadOptions,
  postgresStorage,
} from '../../client/index.ts';
import { attachmentStoreOf } from '../../client/payloads/attachmentStore.ts';
import { tolerantConverter } from '../../client/payloads/tolerant.ts';
import { upload } from '../../client/upload.ts';
import type { Attachment, Message } from '../../core/types.ts';
import { jpeg, png } from '../support/pictures.ts';
import { noPostgres, type Postgres, startPostgres } from '../support/postgres.ts';

/** As a client has it, and as a worker. */
const both = (options: PayloadOptions) => ({
  client: attachmentStoreOf(dataConverter(options), 'default'),
  worker: attachmentStoreOf(tolerantConverter(dataConverter(options)), 'default'),
});

/** Turns the bytes around, and says so. */
const reversing: PayloadCodec = {
  encode: async (payloads) =>
    payloads.map((payload) => ({ metadata: { encoding: Buffer.from('x/reversed') }, data: flipped(payload.data) })),
  decode: async (payloads) =>
    payloads.map(({ data }) => ({ metadata: { encoding: Buffer.from('binary/plain') }, data: flipped(data) })),
};
const flipped = (data: Uint8Array | null | undefined) => Buffer.from(data ?? []).reverse();

const folder = await mkdtemp(join(tmpdir(), 'holdfast-attachments-'));
after(() => rm(folder, { recursive: true, force: true }));

function holdsFor(options: () => PayloadOptions): void {
  test('returns what was stored, to clients and workers', async () => {
    const { client, worker } = both(options());
    for (const bytes of [png(500), png(3_000_000)]) {
      const stored = await client.put(bytes);
      assert.equal(stored.bytes, bytes.length);
      assert.ok(JSON.stringify(stored).length < 400, 'the reference is small');
      for (const store of [client, worker]) {
        const got = await store.get(stored);
        assert.ok('bytes' in got && Buffer.compare(got.bytes, bytes) === 0);
      }
    }
  });

  test('tells what is lost from what is away', async () => {
    const { client, worker } = both(options());
    const [mine, theirs] = [await client.put(png()), await client.put(png())];
    for (const store of [client, worker]) {
      const gone = await store.get({ ...mine, claim: { sha256: 'ab'.repeat(32) } });
      assert.match('lost' in gone ? gone.lost : '', /has no payload abab/);
      const forged = await store.get({ ...mine, claim: theirs.claim });
      assert.match('lost' in forged ? forged.lost : '', /is not what the reference says/);
      assert.ok(
        'lost' in (await store.get({ ...mine, bytes: 1 })),
        'a size that is too small for the limit of a request',
      );
      await assert.rejects(store.get({ ...mine, store: 'elsewhere' }), /the store "elsewhere".*HOLDFAST_PAYLOADS/);
    }
  });
}

describe('in files', () => {
  holdsFor(() => ({ storage: fileStorage(join(folder, 'plain')) }));

  test('encodes them as payloads', async () => {
    const options = { storage: fileStorage(join(folder, 'coded')), codecs: [reversing] };
    const { client, worker } = both(options);
    const bytes = png();
    const stored = await client.put(bytes);
    const got = await worker.get(stored);
    assert.ok('bytes' in got && Buffer.compare(got.bytes, bytes) === 0);
    const { worker: without } = both({ storage: options.storage });
    await assert.rejects(without.get(stored), /"x\/reversed", and this process has no codec for it/);
  });

  test('puts no bytes into a reference while the store is away', async () => {
    const path = join(folder, 'away');
    const { client, worker } = both({ storage: fileStorage(path) });
    const stored = await client.put(png());
    await rename(path, `${path}.kept`);
    await writeFile(path, '');
    await assert.rejects(client.put(png()), (error: Error) => {
      assert.ok(error instanceof InvalidAttachment);
      return /has not taken an image or a file/.test(error.message);
    });
    await assert.rejects(worker.get(stored), /cannot be read/);
  });
});

describe('in PostgreSQL', { skip: noPostgres }, () => {
  let postgres: Postgres;
  let pool: pg.Pool;
  before(async () => {
    postgres = await startPostgres();
    pool = new pg.Pool({ connectionString: postgres.url });
    pool.on('error', () => undefined);
  });
  after(async () => {
    await pool?.end();
    await postgres?.stop();
  });
  holdsFor(() => ({ storage: postgresStorage(pool) }));
});

test('takes for lost what S3 has no more, and for away what it cannot say', async () => {
  const plain = fileStorage(join(folder, 'plain'));
  /** Fails in the words of Temporal's driver for S3, with the error of AWS's client as the cause. */
  const failing = (name: string): StorageDriver => ({
    name: 'file',
    type: 'aws.s3driver',
    store: (context, payloads) => plain.store(context, payloads),
    async retrieve() {
      throw new Error('S3StorageDriver retrieve failed', { cause: Object.assign(new Error('no'), { name }) });
    },
  });
  const stored = await both({ storage: plain }).client.put(png());
  for (const store of Object.values(both({ storage: failing('NoSuchKey') })))
    assert.deepEqual(await store.get(stored), { lost: 'S3StorageDriver retrieve failed' });
  for (const store of Object.values(both({ storage: failing('AccessDenied') })))
    await assert.rejects(store.get(stored), /retrieve failed/);
});

test('says which option is missing without a store', async () => {
  const { client, worker } = both({});
  const { client: other } = both({ storage: fileStorage(join(folder, 'other')) });
  const stored = await other.put(png());
  await assert.rejects(client.put(png()), /need a payload store.*Set "storage" in the payload settings/);
  await assert.rejects(worker.get(stored), /this process has none.*HOLDFAST_PAYLOADS/);
});

test('names what it uploads by its path, and knows its type', async () => {
  const { client } = both({ storage: fileStorage(join(folder, 'named')) });
  const path = join(folder, 'scan.jpeg');
  await writeFile(path, jpeg(1_234));
  const { stored, ...rest } = await upload(client, path);
  assert.deepEqual(rest, { kind: 'image', name: 'scan.jpeg', type: 'image/jpeg' });
  assert.equal(stored?.bytes, 1_234);
  assert.equal((await upload(client, path, { kind: 'file', name: 'a' })).kind, 'file');
  await assert.rejects(upload(client, join(folder, 'none.png')), /none\.png": It cannot be read: ENOENT/);
  await assert.rejects(upload(client, folder), /It cannot be read: EISDIR/);
});

test('loads the newest for a request that has no room for all', async () => {
  const { client, worker } = both({ storage: fileStorage(join(folder, 'many')) });
  const attachments: Attachment[] = [];
  for (const name of ['first', 'second', 'third'])
    attachments.push(await upload(client, png(9_000_000), { name: `${name}.png` }));
  const messages = attachments.map((one): Message => ({ role: 'user', content: 'Look.', attachments: [one] }));
  const { signal } = new AbortController();
  const loaded = await loadAttachments(messages, worker, signal);
  assert.deepEqual(
    attachments.map((one) => Object.keys(loaded.get(one) ?? {})),
    [['missing'], ['url'], ['url']],
  );
  const links = Array.from({ length: 60 }, (_, i): Attachment => ({ kind: 'image', url: `https://example.com/${i}` }));
  const few = await loadAttachments([{ role: 'user', content: 'Look.', attachments: links }], worker, signal);
  assert.deepEqual(
    links.map((link) => 'url' in few.get(link)!),
    links.map((_, i) => i >= 10),
  );
});
