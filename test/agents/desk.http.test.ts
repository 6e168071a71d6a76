// The desk connects to public addresses only, on every redirect, and within bounds.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { after, afterEach, before, test } from 'node:test';
import type { ToolError } from '../../activities/index.ts';
import { fetchWeather } from '../../agents/desk/fetchWeather.ts';
import { getJson } from '../../agents/desk/http/getJson.ts';
import { isPublicAddress } from '../../agents/desk/http/publicAddress.ts';
import { searchWeb } from '../../agents/desk/searchWeb.ts';
import { callTool } from './play.ts';

let answer: RequestListener;
const asked: (string | undefined)[] = [];
const server = createServer((request, response) => {
  asked.push(request.url);
  answer(request, response);
});
let host: string;
let here: string;

before(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  host = `127.0.0.1:${address.port}`;
  here = `http://${host}/`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});
afterEach(() => {
  for (const name of ['DESK_ALLOW_HOSTS', 'DESK_SEARCH_URL', 'DESK_WEATHER_URL']) delete process.env[name];
  asked.length = 0;
});

const get = (url: string, signal = new AbortController().signal) => getJson(new URL(url), signal);
const allow = () => {
  process.env.DESK_ALLOW_HOSTS = `other:1, ${host}`;
};

const PRIVATE = `0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1
  192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1
  ::ffff:8.8.8.8 64:ff9b::a00:1 fc00::1 fd00:ec2::254 fe80::1 ff02::1 2001:db8::1 2002:7f00:1:: 2001:0:1::1 localhost`;
const PUBLIC = '1.1.1.1 8.8.8.8 100.63.255.255 172.15.0.1 172.32.0.1 192.167.1.1 2606:4700::1111 2a00:1450::1';

test('distinguishes public from private addresses', () => {
  for (const address of PRIVATE.split(/\s+/)) assert.equal(isPublicAddress(address), false, address);
  for (const address of PUBLIC.split(/\s+/)) assert.equal(isPublicAddress(address), true, address);
});

test('does not connect to this machine under any spelling', async () => {
  const { port } = new URL(here);
  for (const name of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0x7f.1', '2130706433', '0', '127.1'])
    await assert.rejects(get(`http://${name}:${port}/`), /not a public address.*DESK_ALLOW_HOSTS/s, name);
  for (const url of ['file:///etc/passwd', 'ftp://example.com/', 'data:application/json,{}'])
    await assert.rejects(get(url), /Only http and https/);
  assert.deepEqual(asked, []);
});

test('checks each redirect like the first request', async () => {
  allow();
  for (const location of [
    'http://169.254.169.254/latest/meta-data',
    `http://localhost:${new URL(here).port}/`,
    'file:///etc',
  ]) {
    answer = (_, response) => response.writeHead(302, { location }).end();
    await assert.rejects(get(here), /not a public address|Only http/, location);
  }
  assert.equal(asked.length, 3);
});

test('follows up to five redirects', async () => {
  allow();
  answer = ({ url }, response) => {
    const n = Number(url?.slice(1));
    if (n === 0) response.end('{"arrived":true}');
    else response.writeHead(307, { location: `/${n - 1}` }).end();
  };
  assert.deepEqual(await get(`${here}5`), { arrived: true });
  await assert.rejects(get(`${here}6`), /redirects more than 5 times/);
});

test('rejects a response over 1 MB, and one that is not JSON', async () => {
  allow();
  answer = (_, response) => response.end(`"${'x'.repeat(1024 * 1024)}"`);
  await assert.rejects(get(here), /more than 1048576 bytes/);
  answer = (_, response) => response.end('<!doctype html>');
  await assert.rejects(get(here), /not JSON/);
});

test('leaves a server that never answers or never ends when the call is aborted', async () => {
  allow();
  for (const headersOnly of [false, true]) {
    const stop = new AbortController();
    answer = (_, response) => {
      if (headersOnly) response.write('{');
      setImmediate(() => stop.abort());
    };
    await assert.rejects(get(here, stop.signal), { name: 'AbortError' });
  }
});

test('retries busy and broken servers as they ask, but no refusals', async () => {
  allow();
  const inHalfAMinute = new Date(Date.now() + 30_000).toUTCString();
  for (const [status, retryAfter, retry, least, most] of [
    [429, '7', true, 7_000, 7_000],
    [503, inHalfAMinute, true, 1, 30_000],
    [429, '-5', true, undefined, undefined],
    [500, 'soon', true, undefined, undefined],
    [404, '7', false, undefined, undefined],
    [401, undefined, false, undefined, undefined],
  ] as const) {
    answer = (_, response) => response.writeHead(status, retryAfter ? { 'retry-after': retryAfter } : {}).end();
    await assert.rejects(get(here), (error: ToolError) => {
      assert.match(error.message, new RegExp(`HTTP ${status}`));
      assert.equal(error.retry, retry);
      if (least === undefined) assert.equal(error.retryAfterMs, undefined);
      else assert.ok(error.retryAfterMs !== undefined && error.retryAfterMs >= least && error.retryAfterMs <= most);
      return true;
    });
  }
});

test('calls the configured search and weather services, and checks their answers', async () => {
  allow();
  process.env.DESK_SEARCH_URL = `${here}search?lang=en`;
  process.env.DESK_WEATHER_URL = `${here}weather`;
  const page = { title: 'T', url: 'https://example.com', snippet: 'S' };
  answer = ({ url }, response) =>
    response.end(
      JSON.stringify(
        url?.startsWith('/search') ? { results: [{ ...page, more: 1 }] } : { temperature_c: 3, conditions: 'fog' },
      ),
    );
  assert.deepEqual(await callTool(searchWeb, { query: 'a&b=c' }), [page]);
  assert.deepEqual(await callTool(fetchWeather, { city: 'Oslo' }), {
    city: 'Oslo',
    temperature_c: 3,
    conditions: 'fog',
  });
  assert.deepEqual(asked, ['/search?lang=en&q=a%26b%3Dc', '/weather?city=Oslo']);
  answer = (_, response) => response.end('{"nothing":"of the kind"}');
  await assert.rejects(callTool(searchWeb, { query: 'x' }), /did not return/);
  await assert.rejects(callTool(fetchWeather, { city: 'x' }), /did not return/);
});
