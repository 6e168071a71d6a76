// `--image` and `--file` of the command line, with encryption and a store; and workers that are killed in between.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from '../../client/index.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { pdf, png } from '../support/pictures.ts';
import { holdfast, type Started, start, stop } from './command.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

let server: DevServer;
let worker: Started;
let folder: string;
let env: Record<string, string>;
const said = (...args: string[]) => holdfast([...args, '--address', server.address], { env });

async function startWorker(): Promise<void> {
  worker = start(['worker', '--agents', path('./gallery.ts'), '--address', server.address], { env });
  await worker.line(/^Polling after/);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-gallery-'));
  env = {
    HOLDFAST_PAYLOADS: path('./payloadSettings.ts'),
    PAYLOAD_KEY: randomBytes(32).toString('hex'),
    PAYLOAD_FOLDER: join(folder, 'store'),
  };
  await writeFile(join(folder, 'plan.png'), png(120_000));
  await writeFile(join(folder, 'terms.pdf'), pdf(3_000));
  server = await startDevServer();
  await startWorker();
});
after(async () => {
  await stop(worker);
  await server.kill();
  await rm(folder, { recursive: true, force: true });
});

const plan = () => join(folder, 'plan.png');
const terms = () => join(folder, 'terms.pdf');

test('runs with images and files, and shows them as a line each', async () => {
  const run = await said('run', 'gallery', 'Look.', '--id', 'looks', '--image', plan(), '--file', terms());
  assert.match(run.stdout, /1 images, 1 files\./);
  const shown = await said('show', 'looks', '--transcript');
  assert.match(
    shown.stdout,
    /Look\.\n\[image plan\.png, image\/png, 120 kB\]\n\[file terms\.pdf, application\/pdf, 3 kB\]/,
  );
  assert.match((await said('show', 'looks')).stdout, /\[image plan\.png, image\/png, 120 kB\]/);
  const events = await said('watch', 'looks', '--json');
  assert.match(events.stdout, /"input":"Look\.\\n\[image plan\.png/);

  const file = join(folder, 'looks.json');
  assert.equal((await said('export', 'looks', '--output', file)).code, 0);
  const exported = await readFile(file, 'utf8');
  assert.ok(exported.length < 40_000, `${exported.length} characters, without the bytes of the image`);
  assert.equal((await holdfast(['replay', file])).code, 0);
});

test('shows a session its images again after its worker was killed', async () => {
  const client = await connect({ address: server.address, payloads: (await settings()).default });
  const handle = await client.start('gallery', '', { id: 'open', session: true });
  const first = await said('send', 'open', 'Look.', '--wait', '--image', plan());
  assert.equal(first.stdout.trim(), '1 images, 0 files.');
  worker.child.kill('SIGKILL');
  await worker.ended;
  await startWorker();
  const second = await said('send', 'open', 'And this?', '--wait', '--image', plan(), '--image', plan());
  assert.equal(second.stdout.trim(), '3 images, 0 files.');
  await handle.close();
  await handle.result();
  await client.close();
});

test('refuses what it cannot send, and starts nothing', async () => {
  const refused = async (...args: string[]) => {
    const { code, stderr } = await said('run', 'gallery', 'Look.', '--id', 'never', ...args);
    assert.notEqual(code, 0);
    return stderr;
  };
  assert.match(await refused('--image', terms()), /An image of type application\/pdf is not taken/);
  assert.match(await refused('--image', 'http://example.com/a.png'), /https: URL/);
  assert.match(await refused('--file', join(folder, 'none')), /It cannot be read: ENOENT/);
  const without = await holdfast(['run', 'gallery', 'Look.', '--image', plan(), '--address', server.address]);
  assert.match(without.stderr, /need a payload store.*HOLDFAST_PAYLOADS/);
  assert.match((await said('show', 'never')).stderr, /There is no run "never"/);
});

/** The module reads its key when it is loaded. */
async function settings() {
  Object.assign(process.env, env, { HOLDFAST_PAYLOADS: '' });
  return import('./payloadSettings.ts');
}
