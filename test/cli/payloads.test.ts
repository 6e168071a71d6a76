// HOLDFAST_PAYLOADS configures workers and readers alike; without it, the command says what is missing.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, type PayloadOptions } from '../../client/index.ts';
import type { History } from '../../core/read/history.ts';
import { readRun } from '../../core/read/readRun.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { historiesFromJson, historyToJson } from '../../worker/historyJson.ts';
import { asked } from '../support/people.ts';
import { eventually } from '../support/waits.ts';
import { holdfast, type Started, start, stop, WARD } from './command.ts';

let server: DevServer;
let worker: Started;
let folder: string;
let env: Record<string, string>;
const said = (...args: string[]) => holdfast([...args, '--address', server.address], { env });
const strange = (...args: string[]) => holdfast([...args, '--address', server.address]);

/** The module reads its key when it is loaded. */
async function settings(): Promise<{ default: PayloadOptions }> {
  Object.assign(process.env, env, { HOLDFAST_PAYLOADS: '' });
  return import('./payloadSettings.ts');
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-settings-'));
  env = {
    HOLDFAST_PAYLOADS: fileURLToPath(new URL('./payloadSettings.ts', import.meta.url)),
    PAYLOAD_KEY: randomBytes(32).toString('hex'),
    PAYLOAD_FOLDER: join(folder, 'store'),
  };
  server = await startDevServer();
  worker = start(['worker', '--agents', WARD, '--address', server.address], { env });
  await worker.line(/^Polling after/);
});
after(async () => {
  await stop(worker);
  await server.kill();
  await rm(folder, { recursive: true, force: true });
});

test('reads encrypted runs, and replays an export without a key', async () => {
  const run = await said('run', 'ward', 'How are they?', '--id', 'sealed');
  assert.match(run.stdout, /All is well\./);
  const shown = await said('show', 'sealed', '--transcript');
  assert.match(shown.stdout, /the thermometer is broken/);
  assert.match(await eventually(() => said('list').then(({ stdout }) => /sealed/.test(stdout) && stdout)), /ward/);

  const listed = JSON.parse((await strange('list', '--json')).stdout) as { workflowId: string; agent: string }[];
  assert.equal(listed.find(({ workflowId }) => workflowId === 'sealed')?.agent, '(not readable here)');

  const file = join(folder, 'sealed.json');
  assert.equal((await said('export', 'sealed', '--output', file)).code, 0);
  assert.match(await readFile(file, 'utf8'), /the thermometer is broken/);
  // In plain text, it is for nobody else.
  assert.equal((await stat(file)).mode & 0o077, 0);
  assert.equal((await strange('replay', file)).code, 0);
});

test("replays Temporal's own export, which is encrypted, with the settings", async () => {
  await said('run', 'ward', 'How are they?', '--id', 'raw');
  const client = await connect({ address: server.address, payloads: {} });
  const history = (await client.client.workflow.getHandle('raw').fetchHistory()) as History;
  await client.close();
  const file = join(folder, 'raw.json');
  const json = historyToJson(history);
  assert.doesNotMatch(json, /thermometer/);
  await writeFile(file, json);
  assert.equal((await said('replay', file)).code, 0);
  const without = await strange('replay', file);
  assert.equal(without.code, 2);
  assert.match(without.stderr, /"binary\/encrypted".*HOLDFAST_PAYLOADS/);
});

test('serves a run that was started without the settings', async () => {
  const client = await connect({ address: server.address, payloads: {} });
  const handle = await client.start('ward', 'How are they?', { id: 'plain-start' });
  await assert.rejects(handle.result(), /HOLDFAST_PAYLOADS/);
  await client.close();
  assert.match((await said('show', 'plain-start')).stdout, /All is well\./);
});

test('reads encrypted schedules, inbox and events', async () => {
  const added = await said('schedule', 'add', 'round', 'ward', 'How is bed 7?', '--cron', '0 3 * * 1-5');
  assert.deepEqual({ code: added.code, stderr: added.stderr }, { code: 0, stderr: '' });
  const triggered = await said('schedule', 'trigger', 'round');
  const watched = await said('watch', triggered.stdout.trim(), '--json');
  assert.match(watched.stdout, /"status":"completed","output":"All is well\."/);
  assert.match(await eventually(() => said('schedule', 'list').then(({ stdout }) => stdout)), /round.*ward/);

  const client = await connect({ address: server.address, payloads: (await settings()).default });
  const handle = await client.start('payer', 'Pay.', { id: 'asked' });
  await asked(handle);
  const { stdout } = await eventually(() => said('approvals').then((ended) => /asked/.test(ended.stdout) && ended));
  assert.match(stdout, /Pay 500/);
  await handle.approve();
  assert.equal((await handle.result()).status, 'completed');
  await client.close();
});

test('cancels a run that it cannot read', async () => {
  const client = await connect({ address: server.address, payloads: (await settings()).default });
  const handle = await client.start('payer', 'Pay.', { id: 'unread' });
  await asked(handle);
  const cancelled = await strange('cancel', 'unread');
  assert.equal(cancelled.code, 0);
  assert.match(cancelled.stderr, /^unread is over\. Its result cannot be read here: .*HOLDFAST_PAYLOADS/);
  assert.equal((await handle.read()).status, 'cancelled');
  const again = await strange('cancel', 'unread');
  assert.equal(again.code, 0);
  assert.match(again.stderr, /^unread was already over\. Its result cannot be read here: .*HOLDFAST_PAYLOADS/);
  await client.close();
});

test('sends a large input through the store', async () => {
  const input = randomBytes(300_000).toString('base64');
  const run = await holdfast(['run', 'ward', '-', '--id', 'large', '--address', server.address], { env, input });
  assert.equal(run.code, 0, run.stderr);
  const exported = await said('export', 'large');
  assert.equal(readRun(...historiesFromJson(exported.stdout)).input, input);
  const without = await strange('show', 'large');
  assert.equal(without.code, 2);
  assert.match(without.stderr, /external store.*HOLDFAST_PAYLOADS/);
  const settings = fileURLToPath(new URL('./otherStore.ts', import.meta.url));
  const elsewhere = await holdfast(['show', 'large', '--address', server.address], {
    env: { ...env, HOLDFAST_PAYLOADS: settings },
  });
  assert.equal(elsewhere.code, 2);
  assert.match(elsewhere.stderr, /the store "file", and this process has none of that name.*HOLDFAST_PAYLOADS/);
});

test('shows that a worker lacks the settings, and continues once one has them', async () => {
  await stop(worker);
  worker = start(['worker', '--agents', WARD, '--address', server.address]);
  await worker.line(/^Polling after/);
  assert.equal((await said('run', 'ward', 'How are they?', '--id', 'stuck', '--detach')).code, 0);
  const shown = await eventually(async () => {
    const { stderr } = await said('show', 'stuck');
    return /stuck is stuck: its workflow task keeps failing \(attempt \d+\)\. The worker's log says why\./.test(stderr);
  });
  assert.ok(shown);
  await stop(worker);
  worker = start(['worker', '--agents', WARD, '--address', server.address], { env });
  await worker.line(/^Polling after/);
  assert.match((await said('watch', 'stuck')).stdout, /All is well\./);
});

test('reports settings that cannot be loaded as a usage error', async () => {
  const ended = await holdfast(['list', '--address', server.address], { env: { HOLDFAST_PAYLOADS: './nothing.ts' } });
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, /HOLDFAST_PAYLOADS is ".\/nothing.ts", which cannot be loaded/);
});
