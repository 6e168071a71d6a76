// A worker replaces the payloads that it cannot read, of signals and updates alone, and decodes a bounded amount of them for a run.
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Payload, type PayloadCodec, type SerializationContext, ValueError } from '@temporalio/common';
import { extstoreInboundOptions } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { fileStorage } from '../../client/payloads/fileStorage.ts';
import { type DriverOptions, driverOf } from '../../client/payloads/objectStore.ts';
import { dataConverter, type PayloadOptions } from '../../client/payloads/options.ts';
import { encodingOf } from '../../client/payloads/plain.ts';
import { bytesOf, payloadProto } from '../../client/payloads/sdk.ts';
import { replaceUnstored, tolerantConverter, UNPACKED_BYTES_MAX } from '../../client/payloads/tolerant.ts';
import { FAILURE } from '../../core/names.ts';
import { PAYLOADS } from '../support/strangeRuns.ts';

const ofRun = (): SerializationContext => ({ type: 'workflow', namespace: 'default', workflowId: 'w' });
const ofActivity: SerializationContext = {
  type: 'activity',
  namespace: 'default',
  workflowId: 'w',
  activityId: 'a',
  isLocal: false,
};

function workerOf(options: PayloadOptions = {}) {
  if (!options.storage) replaceUnstored();
  const { payloadCodecs, externalStorage } = tolerantConverter(dataConverter(options));
  const codec = payloadCodecs![0]!;
  const { transformPayloads: retrieve } = extstoreInboundOptions(externalStorage);
  return {
    /** As the SDK does it. */
    read: async (payloads: Payload[], context: SerializationContext = ofRun()) =>
      codec.decode((await retrieve(payloads, undefined, new AbortController().signal)) as Payload[], context),
  };
}

const json = (value: unknown): Payload => ({
  metadata: { encoding: bytesOf('json/plain') },
  data: bytesOf(JSON.stringify(value)),
});
const packed = (payload: Payload): Payload => ({
  metadata: { encoding: bytesOf('binary/gzip') },
  data: gzipSync(payloadProto.encode(payload).finish()),
});
const isReplaced = (payload: Payload) => encodingOf(payload).startsWith('unreadable: ');

test('replaces what it cannot read, and nothing beside it', async () => {
  const { read } = workerOf();
  for (const [name, broken] of Object.entries(PAYLOADS)) {
    const [first, between, last] = await read([json(1), broken, packed(json(2))]);
    assert.deepEqual(
      [first, last].map((payload) => JSON.parse(Buffer.from(payload!.data!).toString())),
      [1, 2],
      name,
    );
    // The SDK's own converter refuses these two, where they are read.
    const isLeft =
      encodingOf(between!) === encodingOf(broken) && /^(json\/plain|binary\/protobuf|)$/.test(encodingOf(broken));
    assert.ok(isReplaced(between!) || isLeft, `${name}: ${encodingOf(between!)}`);
  }
});

test('fails for the result of an activity, which a worker with the codec can read', async () => {
  const { read } = workerOf();
  await assert.rejects(read([PAYLOADS['encoding']!], ofActivity), /no codec for it/);
  await assert.rejects(read([PAYLOADS['gzip']!], ofActivity), /damaged/);
});

const broken = (error: Error): PayloadCodec => ({
  encode: async (payloads) => payloads,
  decode: () => Promise.reject(error),
});

test('fails where a codec fails, unless it says that it will always fail', async () => {
  const locked = { metadata: { encoding: bytesOf('binary/locked') }, data: bytesOf('x') };
  await assert.rejects(workerOf({ codecs: [broken(new Error('the key service is away'))] }).read([locked]), /is away/);
  const [replaced] = await workerOf({ codecs: [broken(new ValueError('not one of ours'))] }).read([locked]);
  assert.match(encodingOf(replaced!), /^unreadable: .*not one of ours/);
});

const store = (options: Partial<DriverOptions>, get: (key: string) => Promise<Uint8Array | null>) =>
  driverOf({ name: 'test', type: 'test', description: 'the store', ...options }, { put: async () => undefined, get });

const KEY = 'a'.repeat(64);
const reference = (driverName: string, claimData: object): Payload => ({
  metadata: {
    encoding: bytesOf('json/protobuf'),
    messageType: bytesOf('temporal.api.sdk.v1.ExternalStorageReference'),
  },
  data: bytesOf(JSON.stringify({ driverName, claimData })),
});

test('replaces references to what no store has, and fails while a store is away', async () => {
  const lost = workerOf({ storage: store({}, async () => null) });
  const claims = [{ sha256: KEY }, { sha256: '../../etc/passwd' }];
  const read = await lost.read([
    json(1),
    reference('test', claims[0]!),
    reference('test', claims[1]!),
    reference('attic', claims[0]!),
  ]);
  assert.deepEqual(read.map(isReplaced), [false, true, true, true]);
  const away = workerOf({ storage: store({}, () => Promise.reject(new Error('ECONNREFUSED'))) });
  await assert.rejects(away.read([reference('test', claims[0]!)]), /cannot be read: ECONNREFUSED/);
});

test('replaces claims that a stranger has made', async () => {
  const { read } = workerOf({ storage: store({}, async () => null) });
  for (const claim of [
    { inline: 5 },
    { inline: null },
    { inline: 'AAAA' },
    { inline: '////' },
    { sha256: 5 },
    { sha256: {} },
    {},
  ]) {
    const [first, replaced] = await read([json(1), reference('test', claim)]);
    assert.deepEqual([isReplaced(first!), isReplaced(replaced!)], [false, true], JSON.stringify(claim));
  }
});

test('fails for a folder that is not there', async () => {
  const { read } = workerOf({ storage: fileStorage(join(tmpdir(), 'nowhere', 'at-all')) });
  await assert.rejects(read([reference('file', { sha256: KEY })]), {
    name: 'ApplicationFailure',
    type: FAILURE.storeUnavailable,
  });
});

test('leaves no payload to the converter that a codec has not seen', async () => {
  const signed: PayloadCodec = {
    encode: async (payloads) =>
      payloads.map((payload) => ({ ...payload, metadata: { ...payload.metadata, sig: bytesOf('ok') } })),
    decode: async (payloads) => {
      if (payloads.some(({ metadata }) => !metadata?.['sig'])) throw new ValueError('not signed');
      return payloads;
    },
  };
  const { read } = workerOf({ codecs: [signed] });
  const [own] = await signed.encode([json('ours')]);
  assert.deepEqual((await read([json('forged'), own!])).map(isReplaced), [true, false]);
  await assert.rejects(read([json('forged')], ofActivity), /not signed/);
});

test('decodes no more for a run than it may have in memory', async () => {
  const { read } = workerOf();
  const size = 40 * 1024 * 1024;
  const bomb = packed({ metadata: { encoding: bytesOf('json/plain') }, data: Buffer.alloc(size, ' ') });
  const context = ofRun();
  const all = await read(
    Array.from({ length: 60 }, () => bomb),
    context,
  );
  const kept = all.filter((payload) => !isReplaced(payload)).length;
  assert.equal(kept, Math.floor(UNPACKED_BYTES_MAX / size));
  assert.ok((await read([bomb], context)).every(isReplaced), 'later tasks count on');
  assert.ok(!(await read([bomb])).some(isReplaced), 'another run has its own');
  assert.ok(!(await read([json('small')], context)).some(isReplaced), 'small ones are not counted');
});
