// What `holdfast codec-server` decodes, and for whom: a page of another origin reads nothing, whatever it knows.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { DECODED_BYTES_MAX, type Decoded, payloadToJson, remoteCodec } from '../../client/payloads/remote.ts';
import { holdfast, type Started, start, stop } from './command.ts';

const TOKEN = 'token+of/the=tests';
const ORIGIN = 'http://127.0.0.1:8233';

let folder: string;
let server: Started;
let url: string;
let env: Record<string, string>;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-codec-'));
  const settings = join(folder, 'payloads.ts');
  await writeFile(
    settings,
    `import { ValueError } from ${JSON.stringify(import.meta.resolve('@temporalio/common'))};
     const flip = (payload, to) => ({
       metadata: { ...payload.metadata, flipped: Buffer.from(to) },
       data: Buffer.from(payload.data).map((byte) => byte ^ 1),
     });
     const of = (payload) => Buffer.from(payload.metadata?.flipped ?? '').toString();
     export default { codecs: [{
       encode: async (payloads) => payloads.map((payload) => flip(payload, 'yes')),
       async decode(payloads) {
         if (payloads.some((payload) => of(payload) === 'lost')) throw new ValueError('This key is gone.');
         if (payloads.some((payload) => of(payload) === 'away')) throw new Error('The key service is away.');
         return payloads.map((payload) => (of(payload) === 'yes' ? flip(payload, 'no') : payload));
       },
     }] };`,
  );
  env = { HOLDFAST_PAYLOADS: settings, HOLDFAST_CODEC_TOKEN: TOKEN };
  server = start(['codec-server', '--port', '0', '--allow-origin', ORIGIN], { env });
  const line = await server.line(/^Codec endpoint/);
  url = new URL(line.slice('Codec endpoint: '.length)).origin;
  assert.equal(line, `Codec endpoint: ${url}/${encodeURIComponent(TOKEN)}`);
});
after(async () => {
  await stop(server);
  await rm(folder, { recursive: true });
});

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

/** `fetch` sets the host itself, and would not send an origin. */
function ask({ path = `/${encodeURIComponent(TOKEN)}/decode`, method = 'POST', headers = {}, body }: Asked) {
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? { payloads: [] });
  return new Promise<Answer>((resolve, reject) => {
    const sent = request(
      `${url}${path}`,
      { method, headers: { 'content-type': 'application/json', ...headers } },
      async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() });
      },
    );
    sent.on('error', reject);
    sent.end(method === 'POST' ? text : undefined);
  });
}

const json = (payload: Payload) => payloadToJson(payload);
const plain = (value: unknown) => defaultPayloadConverter.toPayload(value);
const marked = (mark: string) => ({
  ...plain('x'),
  metadata: { ...plain('x').metadata, flipped: Buffer.from(mark) },
});
const inAnswer = ({ text }: Answer) => (JSON.parse(text) as { payloads: object[] }).payloads;

test('encodes and decodes with the codecs of the settings, in the order that was asked', async () => {
  const values = ['one', { two: [2] }, 'three'.repeat(20_000)];
  const path = (way: string) => `/${encodeURIComponent(TOKEN)}/${way}`;
  const encoded = await ask({ path: path('encode'), body: { payloads: values.map((value) => json(plain(value))) } });
  assert.equal(encoded.status, 200);
  const secret = inAnswer(encoded);
  assert.ok(JSON.stringify(secret).length < 20_000, 'it compresses');
  assert.doesNotMatch(JSON.stringify(secret), new RegExp(Buffer.from('"one"').toString('base64')));

  const decoded = await ask({ path: path('decode'), body: { payloads: [...secret, json(plain('left plain'))] } });
  const datas = inAnswer(decoded) as { data: string }[];
  assert.deepEqual(
    datas.map(({ data }) => JSON.parse(Buffer.from(data, 'base64').toString())),
    [...values, 'left plain'],
  );
  assert.equal(decoded.headers['cache-control'], 'no-store');
});

test('decodes for nobody without the token', async () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  for (const path of ['/decode', '/default/decode', `/${TOKEN.slice(1)}/decode`, '/%/decode', '//decode'])
    assert.equal((await ask({ path })).status, 401, path);
  assert.equal((await ask({ path: '/decode', headers: bearer(`${TOKEN}x`) })).status, 401);
  const wrong = await ask({ headers: bearer('not-the-token-of-this') });
  assert.equal(wrong.status, 401, 'a wrong header counts, whatever the path has');
  for (const path of ['/decode', '/default/decode', '/encode'])
    assert.equal((await ask({ path, headers: bearer(TOKEN) })).status, 200, path);
  assert.equal((await ask({ path: `/${encodeURIComponent(TOKEN)}/default/decode` })).status, 200);
});

test('decodes for no page of another origin, though it knew the token', async () => {
  const { host, port } = new URL(url);
  for (const origin of [
    'https://evil.example',
    `http://127.0.0.1:${port}`,
    'http://127.0.0.1',
    'http://127.0.0.1:82330',
    'https://127.0.0.1:8233',
    'null',
    `${ORIGIN}.evil.example`,
  ]) {
    const refused = await ask({ headers: { origin } });
    assert.equal(refused.status, 403, origin);
    assert.equal(refused.headers['access-control-allow-origin'], undefined, origin);
    assert.equal((await ask({ method: 'OPTIONS', headers: { origin } })).status, 403, origin);
  }
  // A name of the page's own that leads here.
  for (const name of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example'])
    assert.equal((await ask({ headers: { host: name, origin: ORIGIN } })).status, 403, name);
  const allowed = await ask({ headers: { host, origin: ORIGIN } });
  assert.equal(allowed.status, 200);
  assert.equal(allowed.headers['access-control-allow-origin'], ORIGIN);
  assert.equal(allowed.headers['access-control-allow-credentials'], undefined);
});

test("answers a browser's question whether it may send, without the token", async () => {
  const headers = {
    origin: ORIGIN,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,x-namespace',
  };
  const answer = await ask({ path: '/anything/decode', method: 'OPTIONS', headers });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers['access-control-allow-origin'], ORIGIN);
  assert.equal(answer.headers['access-control-allow-methods'], 'POST');
  assert.match(String(answer.headers['access-control-allow-headers']), /X-Namespace/);
});

test('leaves as it came what cannot be read, and says so if that is all', async () => {
  const lost = json(marked('lost'));
  const mixed = await ask({ body: { payloads: [lost, json(plain('fine')), json(marked('away'))] } });
  assert.equal(mixed.status, 200);
  assert.deepEqual(inAnswer(mixed), [lost, json(plain('fine')), json(marked('away'))]);
  await server.line(/This key is gone/);

  const alone = await ask({ body: { payloads: [lost] } });
  assert.deepEqual([alone.status, /This key is gone/.test(alone.text)], [400, true]);
  const away = await ask({ body: { payloads: [json(marked('away'))] } });
  assert.deepEqual([away.status, /The key service is away/.test(away.text)], [502, true]);
  const reference = {
    metadata: {
      encoding: Buffer.from('json/protobuf').toString('base64'),
      messageType: Buffer.from('temporal.api.sdk.v1.ExternalStorageReference').toString('base64'),
    },
    data: Buffer.from('{"driverName":"file"}').toString('base64'),
  };
  const stored = await ask({ body: { payloads: [reference] } });
  assert.equal(stored.status, 400);
  assert.match(stored.text, /stor/);
});

test('refuses what is no request of the protocol', async () => {
  const status = async (asked: Asked) => (await ask(asked)).status;
  const bodies = ['', 'no JSON', '[]', '{}', '{"payloads":{}}', '{"payloads":[7]}', '{"payloads":[{"metadata":7}]}'];
  for (const body of bodies) assert.equal(await status({ body }), 400, body);
  assert.equal(await status({ body: { payloads: Array(1_001).fill({}) } }), 400);
  assert.equal(await status({ method: 'GET' }), 405);
  const token = encodeURIComponent(TOKEN);
  for (const path of [`/${token}`, `/${token}/a/b/decode`, `/${token}/other`, `/${token}/decode/x`])
    assert.equal(await status({ path }), 404, path);
  const tooLarge = await ask({ body: 'x'.repeat(16 * 1024 * 1024 + 1) }).catch(() => null);
  // A server that does not read on may break off the connection.
  assert.ok(tooLarge === null || tooLarge.status === 413);
  assert.equal(await status({}), 200, 'and it serves on');
});

test('stops at what unpacks to too much', async () => {
  const large = plain('x'.repeat(DECODED_BYTES_MAX / 4));
  const codec = remoteCodec({});
  const [packed] = await codec.encode([large]);
  assert.ok(packed!.data!.length < 200_000);
  const few: Decoded = await codec.decode([packed!, packed!, packed!]);
  assert.equal(few.problems.length, 0);
  await assert.rejects(codec.decode(Array(5).fill(packed)), /unpack to more than 64 MiB/);
});

test('refuses options that would let in more than was meant', { timeout: 60_000 }, async () => {
  const run = async (...args: string[]) => {
    const { code, stderr } = await holdfast(['codec-server', '--port', '0', ...args], { env });
    assert.equal(code, 2, args.join(' '));
    return stderr;
  };
  for (const origin of [
    '*',
    'temporal.example.com',
    'https://temporal.example.com/',
    'https://*.example.com',
    'null',
    '',
  ])
    assert.match(await run('--allow-origin', origin), /--allow-origin.*(is no origin)/s, origin);
  assert.match(await run('--host', '0.0.0.0'), /--allow-host/);
  assert.match(await run('--token', 'short'), /at least 16/);
  assert.match(await run('--token', TOKEN, '--auth-header', 'X-User'), /exclude each other/);
});

test('lets in whom the proxy names, with the cookie of the proxy', async () => {
  const behind = start(['codec-server', '--port', '0', '--allow-origin', ORIGIN, '--auth-header', 'X-Forwarded-User'], {
    env: { ...env, HOLDFAST_CODEC_TOKEN: '' },
  });
  try {
    const endpoint = (await behind.line(/^Codec endpoint/)).slice('Codec endpoint: '.length);
    assert.equal(endpoint, new URL(endpoint).origin, 'no token');
    const send = (headers: Record<string, string>) =>
      fetch(`${endpoint}/decode`, {
        method: 'POST',
        body: '{"payloads":[]}',
        headers: { 'content-type': 'application/json', ...headers },
      });
    assert.equal((await send({})).status, 401);
    assert.equal((await send({ 'x-forwarded-user': ' ' })).status, 401);
    const known = await send({ 'x-forwarded-user': 'ann', origin: ORIGIN });
    assert.equal(known.status, 200);
    assert.equal(known.headers.get('access-control-allow-credentials'), 'true');
  } finally {
    await stop(behind);
  }
});
