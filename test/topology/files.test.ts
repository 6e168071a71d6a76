// The files of the topology agree with each other and with the code.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CODEC_DEFAULTS } from '../../cli/commands/codecServer.ts';
import { ATTRIBUTE } from '../../core/names.ts';
import { devServerArguments } from '../../worker/dev/dynamicConfig.ts';
import { UI_ORIGINS } from '../../worker/topology/codec.ts';
import { TEMPORAL_SERVER_VERSION } from '../../worker/topology/programs.ts';
import { environmentOf } from '../../worker/topology/server.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const read = (file: string) => readFile(join(root, file), 'utf8');
const topologyFile = (name: string) => read(join('worker/topology', name));
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found]) => found!);

const compose = await read('docker-compose.yml');
const dockerfile = await read('Dockerfile');
const packageJson = JSON.parse(await read('package.json'));
const devServer = devServerArguments({ ip: '', port: 0, uiPort: null, namespace: '', dbFile: undefined });
const afterFlag = (flag: string) => devServer.flatMap((word, i) => (devServer[i - 1] === flag ? [word] : []));

/** `a server and shard` limits that the dev server, with its one shard, goes without. */
const DIFFERENT = /MaxPollRPS$/;

test("has the dev server's settings, except what one shard needs", async () => {
  const yaml = await topologyFile('dynamic-config.yaml');
  const pairs = [...yaml.matchAll(/^([\w.]+):\n {2}- value: (.+)$/gm)].map(([, key, value]) => [key!, value!]);
  const values = (list: readonly (readonly string[])[]) =>
    Object.fromEntries(list.map(([key, value]) => [key, DIFFERENT.test(key!) ? 'its own' : value]));
  const dev = afterFlag('--dynamic-config-value').map((pair) => pair.split('='));
  assert.ok(dev.length >= 6);
  assert.deepEqual(values(pairs), values(dev));
  for (const [key, value] of pairs) if (DIFFERENT.test(key!)) assert.ok(Number(value) >= 200, `${key} is off the grid`);
});

test("has the dev server's search attributes", async () => {
  const script = await topologyFile('namespace.sh');
  const registered = [...script.matchAll(/^attribute (\w+) (\w+)$/gm)].map(([, name, type]) => `${name}=${type}`);
  assert.deepEqual(registered.sort(), afterFlag('--search-attribute').sort());
  assert.equal(registered.length, Object.keys(ATTRIBUTE).length);
});

test("pins images, and Temporal's to the version of npm run topology", () => {
  const images = all(compose, /^ +image: (.+)$/gm);
  for (const image of images) assert.match(image, /:\d+\.\d+/, image);
  for (const name of ['server', 'admin-tools'])
    assert.ok(images.includes(`temporalio/${name}:${TEMPORAL_SERVER_VERSION}`), name);
  const [major, minor, patch] = TEMPORAL_SERVER_VERSION.split('.').map(Number) as [number, number, number];
  assert.ok(major * 1e6 + minor * 1e3 + patch >= 1_030_004, 'older ones have known faults');
});

test("has package.json's Node and the examples' packages, and no root user", () => {
  assert.deepEqual(all(dockerfile, /^ARG NODE=([\d.]+)-/gm), [packageJson.devDependencies.node]);
  const packages = ['pg', '@electric-sql/pglite', 'libpg-query'].map(
    (name) => `${name}@${packageJson.devDependencies[name]}`,
  );
  assert.deepEqual(all(dockerfile, /^ARG AGENT_PACKAGES="(.+)"$/gm), [packages.join(' ')]);
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  assert.deepEqual(all(last, /^USER (.+)$/gm), ['1000']);
  assert.match(last, /^HEALTHCHECK /m);
});

test('has no default password, and listens on this machine only', () => {
  const { port } = CODEC_DEFAULTS;
  const passwords = all(compose, /^ +\w*(?:PASSWORD|PWD): (.+)$/gm);
  assert.equal(passwords.length, 3);
  for (const password of passwords) assert.match(password, /^\$\{POSTGRES_PASSWORD:\?/);
  const ports = all(compose, /^ +- "([\d.:]+)"$/gm);
  assert.deepEqual(ports, ['127.0.0.1:7233:7233', '127.0.0.1:8233:8080', `127.0.0.1:${port}:${port}`]);
  const tokens = all(compose, /\$\{HOLDFAST_CODEC_TOKEN(.)/g);
  assert.deepEqual(tokens, [':', ':'], 'one that is missing is an error');
});

test('has payloads decoded for the Web UI, and for no other page', () => {
  assert.deepEqual(all(compose, /^ +- --allow-origin=(.+)$/gm), [UI_ORIGINS.join(',')]);
  const [, uiPort] = all(compose, /^ +- "127\.0\.0\.1:(\d+):\d+"$/gm);
  assert.deepEqual(
    UI_ORIGINS.map((origin) => new URL(origin).port),
    [uiPort, uiPort],
  );
  const [endpoint] = all(compose, /^ +TEMPORAL_CODEC_ENDPOINT: (\S+)\/\$\{HOLDFAST_CODEC_TOKEN:/gm);
  assert.equal(endpoint, `http://127.0.0.1:${CODEC_DEFAULTS.port}`);
});

test('allows PostgreSQL all connections that the server may open', async () => {
  const { DB, SQL_MAX_CONNS, SQL_VIS_MAX_CONNS } = await environmentOf(join(root, 'worker/topology/server.env'));
  const [room] = all(await topologyFile('postgresql.conf'), /^max_connections = (\d+)$/gm);
  const services = 4;
  assert.ok(Number(room) >= services * (Number(SQL_MAX_CONNS) + Number(SQL_VIS_MAX_CONNS)) + 20);
  assert.deepEqual(all(compose, /^ +SQL_PLUGIN: (.+)$/gm), [DB], 'the schema is made through the same driver');
});
