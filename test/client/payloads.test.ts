// Payloads are encoded and decoded without loss.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { defaultPayloadConverter, ExternalStorage, type Payload, type PayloadCodec } from '@temporalio/common';
import { loadDataConverter } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { dataConverter, fileStorage, type PayloadOptions, PayloadUnreadable } from '../../client/index.ts';
import { decodeHistory } from '../../client/payloads/decode.ts';
import { COMPRESS_ABOVE_BYTES, gzipCodec, PAYLOAD_BYTES_MAX } from '../../client/payloads/gzip.ts';
import { loadPayloads } from '../../client/payloads/load.ts';
import { encodingOf } from '../../client/payloads/plain.ts';
import { weigherOf } from '../../client/payloads/weigh.ts';
import { CARRIED_TRANSCRIPT_BYTES_MAX } from '../../core/limits.ts';

const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const contentOf = (payload: Payload): unknown => defaultPayloadConverter.fromPayload(payload);
const noise = (bytes: number) => randomBytes(bytes);

describe('compression', () => {
  const codec = gzipCodec();
  const through = async (value: unknown) => (await codec.encode([payloadOf(value)]))[0]!;

  test('compresses payloads above the threshold, and restores them', async () => {
    const text = 'What was said. '.repeat(10_000);
    const coded = await through({ text });
    assert.equal(encodingOf(coded), 'binary/gzip');
    assert.ok((coded.data?.length ?? 0) < text.length / 10);
    const [decoded] = await codec.decode([coded]);
    assert.deepEqual(contentOf(decoded!), { text });
  });

  test('leaves payloads that are small or do not get smaller', async () => {
    const small = payloadOf('x'.repeat(COMPRESS_ABOVE_BYTES - 2));
    const dense = payloadOf(noise(100_000));
    assert.deepEqual(await codec.encode([small, dense]), [small, dense]);
    assert.equal(encodingOf((await codec.encode([payloadOf('x'.repeat(COMPRESS_ABOVE_BYTES))]))[0]!), 'binary/gzip');
  });

  test('reads payloads with and without the codec', async () => {
    const plain = payloadOf({ agent: 'clock' });
    const [coded] = await codec.encode([payloadOf('y'.repeat(50_000))]);
    const decoded = await codec.decode([plain, coded!]);
    assert.deepEqual(decoded.map(contentOf), [{ agent: 'clock' }, 'y'.repeat(50_000)]);
  });

  test('refuses a small payload that decompresses to too much', async () => {
    const data = gzipSync(Buffer.alloc(PAYLOAD_BYTES_MAX + 1));
    const bomb: Payload = { metadata: { encoding: Buffer.from('binary/gzip') }, data };
    await assert.rejects(codec.decode([bomb]), PayloadUnreadable);
    await assert.rejects(codec.decode([{ ...bomb, data: noise(100) }]), PayloadUnreadable);
  });

  test('does not compress what is too large to be decompressed', async () => {
    const huge = payloadOf(Buffer.alloc(PAYLOAD_BYTES_MAX));
    const [coded] = await codec.encode([huge]);
    assert.equal((await codec.decode([coded!]))[0]?.data?.length, PAYLOAD_BYTES_MAX);
  });

  test('takes a custom threshold, or none', async () => {
    assert.equal(encodingOf((await gzipCodec(100).encode([payloadOf('x'.repeat(200))]))[0]!), 'binary/gzip');
    const never = gzipCodec(Number.POSITIVE_INFINITY);
    assert.equal(encodingOf((await never.encode([payloadOf('x'.repeat(1_000_000))]))[0]!), 'json/plain');
    assert.throws(() => dataConverter({ compressAbove: -1 }), /compressAbove is -1/);
  });
});

describe('the options', () => {
  test('encodes failures only if there are codecs', () => {
    const failureOf = (options: Parameters<typeof dataConverter>[0]) => {
      const { failureConverter, payloadConverter } = loadDataConverter(dataConverter(options));
      return failureConverter.errorToFailure(new Error('no bed'), payloadConverter);
    };
    assert.equal(failureOf({}).message, 'no bed');
    const coded = failureOf({ codecs: [gzipCodec()] });
    assert.equal(coded.message, 'Encoded failure');
    assert.equal((contentOf(coded.encodedAttributes!) as { message: string }).message, 'no bed');
  });

  test('makes a store from one driver, and accepts ExternalStorage for more', () => {
    const driver = fileStorage(tmpdir());
    assert.equal(dataConverter({ storage: driver }).externalStorage?.getDriver('file')?.type, driver.type);
    const other = fileStorage(tmpdir(), { name: 'other' });
    const given = new ExternalStorage({
      drivers: [driver, other],
      driverSelector: (_, { data }) => (data ? other : null),
      payloadSizeThreshold: 1,
    });
    const storage = dataConverter({ storage: given }).externalStorage!;
    assert.equal(storage.payloadSizeThreshold, 1);
    // The SDK refuses one that is not among the drivers.
    assert.equal(storage.driverSelector({}, { data: Buffer.from('x') }), storage.getDriver('other'));
    assert.equal(storage.driverSelector({}, {}), null);
  });

  test('rejects invalid values with what to pass', () => {
    const refused = (options: unknown, message: RegExp) =>
      assert.throws(() => dataConverter(options as PayloadOptions), { name: 'InvalidPayloads', message });
    refused({ compressAbove: '32' }, /compressAbove is 32\. Set a number of bytes/);
    refused({ codecs: gzipCodec() }, /codecs is not a list/);
    refused({ codecs: [{ encode: () => [] }] }, /objects with encode and decode/);
    refused({ storage: '/srv/holdfast' }, /storage is not a store\. Pass fileStorage/);
    refused({ storage: {} }, /storage is not a store/);
  });

  test('reports a codec that cannot decode, with the workflow of the payload', async () => {
    const contexts: unknown[] = [];
    const codec: PayloadCodec = {
      encode: async (payloads) => payloads,
      async decode(_, context) {
        contexts.push(context);
        throw new Error('unable to authenticate data');
      },
    };
    const codecs = dataConverter({ codecs: [codec] }).payloadCodecs ?? [];
    const context = { type: 'workflow', namespace: 'default', workflowId: 'w' } as const;
    await assert.rejects(codecs.at(-1)!.decode([payloadOf(1)], context), {
      name: 'PayloadUnreadable',
      message: /^A codec failed to decode a payload, .*: unable to authenticate data\. .*HOLDFAST_PAYLOADS/,
    });
    assert.deepEqual(contexts, [context]);
  });

  test('loads the module of HOLDFAST_PAYLOADS, which explicit options override', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-payloads-'));
    const named = async (text: string) => {
      const path = join(folder, `${randomBytes(4).toString('hex')}.mjs`);
      await writeFile(path, text);
      process.env['HOLDFAST_PAYLOADS'] = path;
    };
    t.after(() => delete process.env['HOLDFAST_PAYLOADS']);
    await named('export default { compressAbove: 7 };');
    assert.deepEqual(await loadPayloads(), { compressAbove: 7 });
    assert.deepEqual(await loadPayloads({ compressAbove: 8 }), { compressAbove: 8 });
    await named('export const payloads = {};');
    await assert.rejects(loadPayloads(), /no default export of options/);
    await named('export default { store: 1 };');
    await assert.rejects(
      loadPayloads(),
      /sets the unknown option "store". Known options: compressAbove, codecs, storage/,
    );
    process.env['HOLDFAST_PAYLOADS'] = join(folder, 'none.mjs');
    await assert.rejects(loadPayloads(), /HOLDFAST_PAYLOADS is .* cannot be loaded/);
  });
});

describe('the weight of a transcript', () => {
  const text = 'What was said. '.repeat(100_000);
  const weigh = (options: Parameters<typeof dataConverter>[0]) => weigherOf(dataConverter(options), 'default');

  test('is that of its payload, compressed or as a reference', async () => {
    assert.ok((await weigh({})(text, 'run')) < text.length / 20);
    assert.ok((await weigh({ compressAbove: Number.POSITIVE_INFINITY })(text, 'run')) > text.length);
    const dense = noise(1_000_000).toString('base64');
    assert.ok((await weigh({})(dense, 'run')) > 990_000);
    assert.ok((await weigh({ storage: fileStorage(tmpdir()) })(dense, 'run')) < 2_000);
  });

  test('is its length if it is too long to be carried over', async () => {
    const long = 'x'.repeat(CARRIED_TRANSCRIPT_BYTES_MAX);
    assert.ok((await weigh({ storage: fileStorage(tmpdir()) })(long, 'run')) > CARRIED_TRANSCRIPT_BYTES_MAX);
  });
});

describe('a recorded history', () => {
  const eventOf = (result: Payload, failure?: object) => ({
    events: [
      { eventId: 1, activityTaskCompletedEventAttributes: { scheduledEventId: 1, result: { payloads: [result] } } },
      { eventId: 2, activityTaskFailedEventAttributes: { scheduledEventId: 1, failure: failure ?? {} } },
    ],
  });

  test('is decoded in place, including its failures', async () => {
    const text = 'z'.repeat(100_000);
    const [coded] = await gzipCodec().encode([payloadOf(text)]);
    const history = eventOf(coded!, {
      message: 'Encoded failure',
      encodedAttributes: payloadOf({ message: 'no bed', stack_trace: 'at …' }),
    });
    await decodeHistory(history);
    const [completed, failed] = history.events;
    assert.equal(contentOf(completed!.activityTaskCompletedEventAttributes!.result.payloads[0]!), text);
    const { failure } = failed!.activityTaskFailedEventAttributes!;
    assert.deepEqual(failure, { message: 'no bed', stackTrace: 'at …', encodedAttributes: null });
  });

  test('reports an unknown encoding with what to configure', async () => {
    const secret: Payload = { metadata: { encoding: Buffer.from('binary/secret') }, data: noise(10) };
    await assert.rejects(decodeHistory(eventOf(secret)), /encoding "binary\/secret".*HOLDFAST_PAYLOADS/);
  });
});
