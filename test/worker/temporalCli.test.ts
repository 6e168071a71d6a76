// Where the Temporal CLI is looked for, in which order, and that it is built once and completely.
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { makeOnce } from '../../worker/dev/cacheLock.ts';
import { findTemporalCli, TEMPORAL_CLI_VERSION } from '../../worker/dev/temporalCli.ts';

const CACHED = `temporal-${TEMPORAL_CLI_VERSION}-${process.platform}-${process.arch}`;
const CLI = '#!/bin/sh\necho temporal version 9\n';
// Nothing listens on port 9 (discard), so a download fails at once, on every machine.
const OFFLINE = { HTTPS_PROXY: 'http://127.0.0.1:9' };

let root: string;
let dir: string;
let said: string[];
/** Returns something, as a stream's write does. */
const say = (line: string) => said.push(line) > 0;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
});
after(() => rm(root, { recursive: true }));
beforeEach(async () => {
  dir = await mkdtemp(join(root, 'case-'));
  said = [];
});

async function program(path: string, text: string): Promise<string> {
  const full = join(dir, path);
  await mkdir(join(full, '..'), { recursive: true });
  await writeFile(full, text);
  await chmod(full, 0o755);
  return full;
}

/** A Go that "builds" a CLI, and writes down every time that it does. */
async function fakeGo(path: string): Promise<void> {
  await program(
    path,
    `#!/bin/sh\necho "$@" >> ${join(dir, 'builds')}\nprintf '${CLI.replaceAll('\n', '\\n')}' > "$GOBIN/temporal"
/bin/chmod +x "$GOBIN/temporal"\n`,
  );
}

async function builds(): Promise<string[]> {
  return (await readFile(join(dir, 'builds'), 'utf8')).trim().split('\n');
}

test('prefers HOLDFAST_TEMPORAL_CLI to the PATH', async () => {
  const named = await program('named/mine', CLI);
  await program('bin/temporal', CLI);
  assert.equal(await findTemporalCli({ env: { HOLDFAST_TEMPORAL_CLI: named, PATH: join(dir, 'bin') } }), named);
});

test('reports a missing HOLDFAST_TEMPORAL_CLI, even with a CLI on the PATH', async () => {
  await program('bin/temporal', CLI);
  const env = { HOLDFAST_TEMPORAL_CLI: join(dir, 'none'), PATH: join(dir, 'bin') };
  await assert.rejects(findTemporalCli({ env }), /HOLDFAST_TEMPORAL_CLI is .*none: there is no such file/);
});

test('prefers the PATH to the cache', async () => {
  const installed = await program('bin/temporal', CLI);
  await program(`cache/${CACHED}`, CLI);
  const env = { PATH: `${join(dir, 'empty')}:${join(dir, 'bin')}`, HOLDFAST_CACHE: join(dir, 'cache') };
  assert.equal(await findTemporalCli({ env }), installed);
});

test('passes over another "temporal" on the PATH, and reports it', async () => {
  await program('bin/temporal', '#!/bin/sh\necho something else\n');
  const cached = await program(`cache/${CACHED}`, CLI);
  const env = { PATH: join(dir, 'bin'), HOLDFAST_CACHE: join(dir, 'cache') };
  assert.equal(await findTemporalCli({ env, say }), cached);
  assert.match(said.join('\n'), /skipping .*bin\/temporal: it is not the Temporal CLI/);
});

test('builds with Go into the cache if there is no download', async () => {
  await fakeGo('bin/go');
  const options = { cacheDir: join(dir, 'cache'), env: { ...OFFLINE, PATH: join(dir, 'bin') }, say };
  assert.equal(await findTemporalCli(options), join(dir, 'cache', CACHED));
  assert.equal(await findTemporalCli(options), join(dir, 'cache', CACHED));
  assert.equal((await builds()).length, 1);
  assert.match((await builds())[0]!, new RegExp(`temporalio/cli/cmd/temporal@v${TEMPORAL_CLI_VERSION}$`));
  assert.match(said.join('\n'), /the download failed \(.+\)\.\n.*building it with Go/);
  assert.deepEqual(await readdir(join(dir, 'cache')), [CACHED], 'nothing else is left');
});

test('builds once for two concurrent callers', async () => {
  await fakeGo('bin/go');
  const options = { cacheDir: join(dir, 'cache'), env: { ...OFFLINE, PATH: join(dir, 'bin') }, say };
  await Promise.all([findTemporalCli(options), findTemporalCli(options)]);
  assert.equal((await builds()).length, 1);
  assert.match(said.join('\n'), /is already installing it/);
});

test('names the four ways if there is neither a download nor Go', async () => {
  const options = { cacheDir: join(dir, 'cache'), env: { ...OFFLINE, PATH: join(dir, 'empty') } };
  await assert.rejects(findTemporalCli(options), (error: Error) => {
    for (const way of ['on the PATH', 'HOLDFAST_TEMPORAL_CLI', 'temporal.download', 'install Go'])
      assert.ok(error.message.includes(way), way);
    return true;
  });
  assert.deepEqual(await readdir(join(dir, 'cache')), [], 'no lock is left');
});

test('reports the output of a failed build, and leaves nothing', async () => {
  await program('bin/go', '#!/bin/sh\necho the compiler is unhappy >&2\nexit 1\n');
  const options = { cacheDir: join(dir, 'cache'), env: { ...OFFLINE, PATH: join(dir, 'bin') } };
  await assert.rejects(findTemporalCli(options), /Building the Temporal CLI with Go failed:\nthe compiler is unhappy/);
  assert.deepEqual(await readdir(join(dir, 'cache')), []);
});

test('gives up a stalled download, and builds with Go', async () => {
  const sockets: { destroy(): void }[] = [];
  const silent = createServer((socket) => void sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    await fakeGo('bin/go');
    const env = { HTTPS_PROXY: `http://127.0.0.1:${port}`, PATH: join(dir, 'bin') };
    // The process that downloads has to have started by then, on a busy machine as well.
    await findTemporalCli({ cacheDir: join(dir, 'cache'), env, say, downloadStallMs: 15_000 });
    assert.equal(sockets.length, 1, 'the download got as far as a connection');
    assert.match(said.join('\n'), /the download failed \(no progress for 15 s\)/);
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});

test('takes over the lock of a dead process, and its partial files', async () => {
  const path = join(dir, 'made');
  await mkdir(`${path}.lock`);
  // Above the largest process id that Linux gives.
  await writeFile(`${path}.lock/holder`, `${2 ** 22 + 1} ${hostname()}`);
  await writeFile(`${path}.lock/half`, 'half');
  let left: string[] = [];
  await makeOnce(
    path,
    async (workDir) => {
      left = await readdir(workDir);
      await writeFile(join(workDir, 'file'), 'whole');
      return join(workDir, 'file');
    },
    assert.fail,
  );
  assert.deepEqual(left, ['holder']);
  assert.equal(await readFile(path, 'utf8'), 'whole');
});

test('takes over the lock of another machine after an idle minute', async () => {
  const path = join(dir, 'made');
  await mkdir(`${path}.lock`);
  await writeFile(`${path}.lock/holder`, '1 elsewhere');
  const longAgo = new Date(Date.now() - 61_000);
  await utimes(`${path}.lock`, longAgo, longAgo);
  await makeOnce(path, async (workDir) => join(workDir, 'holder'), assert.fail);
  assert.match(await readFile(path, 'utf8'), new RegExp(`^${process.pid} `));
});
