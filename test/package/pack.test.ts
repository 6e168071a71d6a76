// The published package as a user has it: packed, installed in an empty folder with a ten-line agents file, and used. This
// test needs the npm registry.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findTemporalCli } from '../../worker/dev/temporalCli.ts';
import { generatedLine, pauseAt } from '../support/debugger.ts';
import { GOLDEN_FOLDER } from '../support/histories.ts';
import { noS3, startS3 } from '../support/s3.ts';
import { AGENTS, env, inside, installedFolder, root, run, startDev } from './installed.ts';

const ENTRIES = `import { defineAgent, defineTool, ToolError } from 'holdfast';
import { connect, maskHistories, type RunResult } from 'holdfast/client';
import { createWorker, replayHistories } from 'holdfast/worker';
import { agent, runAgent } from 'holdfast/workflows';
import { rerun, startScriptedModel, testAgent } from 'holdfast/testing';
export const all = [defineAgent, defineTool, ToolError, connect, maskHistories, createWorker, replayHistories, agent, runAgent, startScriptedModel, testAgent, rerun];
export const outputOf = (result: RunResult): string | null => result.output;
// @ts-expect-error the types are there: a tool without an effect is refused
defineTool({ name: 'x', description: 'x', input: 1, run: () => 1 });
`;

let folder: string;
const inFolder = (command: string, args: string[], more: Readonly<Record<string, string>> = {}) =>
  inside(folder, command, args, more);

before(async () => {
  folder = await installedFolder();
});
after(() => rm(folder, { recursive: true, force: true }));

const MEMORY = `import { writeFileSync } from 'node:fs';
import { recordingOf, testAgent } from 'holdfast/testing';
import { crier } from './agents.ts';
await using lab = await testAgent(crier);
const run = await lab.start('Shout.', { id: 'shouted' });
console.log((await run.result()).output);
writeFileSync('shouted.json', JSON.stringify(recordingOf(...(await run.histories()))));
`;

test('runs an agent in memory, and plays what it recorded', async () => {
  await writeFile(join(folder, 'memory.ts'), MEMORY);
  const { stdout } = await inFolder('node', ['memory.ts']);
  assert.equal(stdout, 'HEAR YE\n');
  await writeFile(
    join(folder, 'played.test.ts'),
    `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchCalls, playRecording } from 'holdfast/testing';
import * as agents from './agents.ts';
test('shouts', async () => {
  const { status, calls } = await playRecording(agents, new URL('./shouted.json', import.meta.url));
  assert.equal(status, 'completed');
  assert.equal(matchCalls(calls, [{ tool: 'shout', result: 'HEAR YE' }]), null);
});
`,
  );
  const { NODE_TEST_CONTEXT: _, ...own } = env as Record<string, string | undefined>;
  const played = await run('node', ['--test', 'played.test.ts'], { cwd: folder, env: own, timeout: 240_000 });
  assert.match(played.stdout, /pass 1/);
});

/** The console's page, its script, and data for whoever has the link. */
async function opens(link: string): Promise<void> {
  const { origin, hash } = new URL(link);
  const [, script] = /<script[^>]* src="\.?(\/[^"]+\.js)"/.exec(await (await fetch(`${origin}/`)).text()) ?? [];
  assert.equal((await fetch(`${origin}${script}`)).headers.get('content-type'), 'text/javascript; charset=utf-8');
  const headers = { authorization: `Bearer ${hash.slice('#token='.length)}` };
  const { runs } = (await (await fetch(`${origin}/api/runs`, { headers })).json()) as { runs: { agent: string }[] };
  assert.deepEqual([...new Set(runs.map(({ agent }) => agent))], ['crier']);
}

test('npx holdfast dev serves the agents file, and npx holdfast run uses it', async () => {
  const { address, consoleLink, stop } = await startDev(folder);
  try {
    const { stdout } = await inFolder('npx', ['holdfast', '--address', address, 'run', 'crier', 'Go.', '--json']);
    await opens(consoleLink);
    const { status, output, toolCalls } = JSON.parse(stdout);
    assert.deepEqual(
      { status, output, toolCalls: toolCalls.length },
      { status: 'completed', output: 'HEAR YE', toolCalls: 1 },
    );
  } finally {
    await stop();
  }
});

test('has every entry with its types', async () => {
  await mkdir(join(folder, 'types'), { recursive: true });
  await writeFile(join(folder, 'types', 'entries.ts'), ENTRIES);
  const options = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, skipLibCheck: true, types: [] };
  await writeFile(join(folder, 'types', 'tsconfig.json'), JSON.stringify({ compilerOptions: options }));
  await inFolder(join(root, 'node_modules/.bin/tsc'), ['--project', 'types']).catch((error) =>
    assert.fail(error.stdout),
  );
  // Whoever checks declarations finds no error in ours. Some packages have theirs.
  const checked = join(root, 'node_modules/.bin/tsc');
  const whole = await inFolder(checked, ['--project', 'types', '--skipLibCheck', 'false']).catch((error) => error);
  assert.deepEqual(
    whole.stdout.split('\n').filter((line: string) => line.startsWith('node_modules/holdfast/')),
    [],
  );
  const { stdout } = await inFolder(process.execPath, ['types/entries.ts']).catch((error) => ({
    stdout: error.stderr,
  }));
  assert.match(stdout, /input must be a z\.object|effect/, 'it runs as far as the tool that is refused');
});

test('maps a breakpoint of replay --inspect to a source that the package ships', async () => {
  const dist = join(folder, 'node_modules/holdfast/dist');
  const source = join(dist, 'workflows/agent.js');
  const text = await readFile(source, 'utf8');
  const line = text.split('\n').findIndex((one) => one.includes('handleCommands(run)'));
  const lineNumber = generatedLine(
    await readFile(join(dist, 'workflow-bundle.js'), 'utf8'),
    /workflows\/agent\.js$/,
    line,
  );
  const history = fileURLToPath(new URL('one-of-four-fails.json', GOLDEN_FOLDER));
  const paused = await pauseAt(
    [process.execPath, join(dist, 'cli/main.js'), 'replay', history, '--inspect'],
    { urlRegex: 'workflow-bundle\\.js$', lineNumber },
    { cwd: folder },
  );
  assert.deepEqual(paused, { source: await realpath(source), line, text });
});

test('installs no test-only packages for production', async () => {
  const sdk = await readdir(join(folder, 'node_modules/@temporalio'));
  assert.ok(sdk.includes('worker') && !sdk.includes('testing'), sdk.join());
});

/** A project of somebody else's, with these packages and ours. */
async function project(name: string, install: string[]): Promise<string> {
  const other = join(folder, name);
  await mkdir(other);
  await writeFile(join(other, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
  await writeFile(join(other, 'agents.ts'), AGENTS);
  await inside(other, 'npm', ['install', '--no-audit', '--no-fund', ...install, '../holdfast-0.1.0.tgz', 'zod@4']);
  return other;
}

test('uses the SDK of a project that has another version of it', async () => {
  const sdk = ['worker', 'client', 'workflow', 'activity', 'common', 'envconfig'];
  const other = await project(
    'older',
    sdk.map((name) => `@temporalio/${name}@1.23.0`),
  );
  const { stdout } = await inside(other, 'npm', ['ls', '--all', '--parseable', '--long', '@temporalio/core-bridge']);
  assert.match(stdout, /core-bridge@1\.23\.0/);
  assert.equal(stdout.trim().split('\n').length, 1, stdout);
  // The bundle that is part of the package is of another SDK: the worker builds its own.
  const cache = join(other, 'cache');
  const { address, stop } = await startDev(other, {
    HOLDFAST_CACHE: cache,
    HOLDFAST_TEMPORAL_CLI: await findTemporalCli(),
  });
  try {
    const asked = await inside(other, 'npx', ['holdfast', '--address', address, 'run', 'crier', 'Go.', '--json']);
    assert.equal(JSON.parse(asked.stdout).output, 'HEAR YE');
    // What is below the SDK's public interface is there, too.
    await writeFile(join(other, 'memory.ts'), MEMORY);
    const inMemory = await inside(other, 'node', ['memory.ts'], { HOLDFAST_CACHE: cache });
    assert.equal(inMemory.stdout, 'HEAR YE\n');
  } finally {
    await stop();
  }
  assert.ok((await readdir(cache)).some((name) => name.endsWith('-workflow-bundle.js')));
});

test('serves a program that only starts runs without the worker', async () => {
  const install = ['--omit=peer', '@temporalio/client@1.24.0', '@temporalio/envconfig@1.24.0'];
  const other = await project('client', install);
  const sdk = await readdir(join(other, 'node_modules/@temporalio'));
  assert.deepEqual(sdk.sort(), ['client', 'common', 'envconfig', 'proto']);
  const script = `import { connect } from 'holdfast/client';
    await connect({ address: '127.0.0.1:1' }).catch((error) => console.log(error.name));`;
  const { stdout } = await inside(other, process.execPath, ['--input-type=module', '--eval', script]);
  assert.match(stdout, /^TemporalUnreachable/);
});

test('npx holdfast dev finds the Temporal CLI with what is installed', async () => {
  // Nothing listens on port 9, so a download is tried and fails; and there is no Go to build it.
  const bare = {
    PATH: dirname(process.execPath),
    HTTPS_PROXY: 'http://127.0.0.1:9',
    HOLDFAST_CACHE: join(folder, 'empty'),
    HOLDFAST_TEMPORAL_CLI: '',
  };
  const main = join(folder, 'node_modules/holdfast/dist/cli/main.js');
  const failed = inFolder(process.execPath, [main, 'dev', '--agents', './agents.ts', '--port', '0'], bare);
  await assert.rejects(failed, ({ stdout, stderr }) => {
    assert.match(stdout, /the download failed \(.*connect.*\)/i);
    assert.match(stderr, /No Temporal CLI is installed, and Go is needed/);
    return true;
  });
});

test('contains what it needs and nothing else', async () => {
  const { stdout } = await inFolder('npm', ['ls', '--all', '--parseable', 'holdfast']);
  assert.match(stdout, /node_modules\/holdfast/);
  const { stdout: listed } = await run('tar', ['-tzf', join(folder, 'holdfast-0.1.0.tgz')]);
  const files = listed
    .trim()
    .split('\n')
    .map((file) => file.replace('package/', ''));
  const outside = files.filter(
    (file) =>
      !/^(dist\/|docs\/.*\.md$|docs\/images\/.*\.(png|svg)$|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|package\.json)/.test(
        file,
      ),
  );
  assert.deepEqual(outside, []);
  assert.ok(files.includes('dist/workflow-bundle.js') && files.includes('dist/cli/main.js'));
  assert.ok(files.includes('docs/payloads.md'), 'messages name the pages');
  assert.ok(!files.some((file) => /^dist\/(agents|test|bench)\//.test(file)));
});

// Last, for what it installs beside the package.
test('stores payloads in S3 with the packages and module of docs/payloads.md', { skip: noS3 }, async () => {
  const page = await readFile(join(root, 'docs/payloads.md'), 'utf8');
  const [packages] = [/install (`@temporalio\/external-storage-s3`.*?)\./s.exec(page)![1]!.match(/@[\w/-]+/g)!];
  const module = /```ts\n(import \{ S3Client \}.*?)```/s.exec(page)![1]!;
  const [region, bucket] = ['region', 'bucket'].map((name) => new RegExp(`${name}: '(.*?)'`).exec(module)![1]!);
  await inFolder('npm', ['install', '--no-audit', '--no-fund', ...packages]);
  await writeFile(join(folder, 'payloads.ts'), module);
  const s3 = await startS3(region!);
  const settings = { ...s3.env, HOLDFAST_PAYLOADS: './payloads.ts' };
  try {
    await mkdir(join(s3.folder, bucket!));
    const { address, stop } = await startDev(folder, settings);
    try {
      // Random, so that it is still large when it is compressed.
      const text = randomBytes(300_000).toString('base64');
      const asked = inFolder('npx', ['holdfast', '--address', address, 'run', 'crier', '-', '--json'], settings);
      asked.child.stdin!.end(text);
      const { status, workflowId } = JSON.parse((await asked).stdout);
      assert.equal(status, 'completed');
      const objects = await readdir(join(s3.folder, bucket!), { recursive: true });
      assert.ok(
        objects.some((name) => name.includes(workflowId) && name.includes('sha256')),
        `the run has something in S3:\n${objects.join('\n')}`,
      );
      const history = await inFolder('npx', ['holdfast', '--address', address, 'export', workflowId], settings);
      const [started] = JSON.parse(history.stdout).events;
      const { data } = started.workflowExecutionStartedEventAttributes.input.payloads[0];
      assert.ok(Buffer.from(data, 'base64').includes(text), 'what was asked is read back');
    } finally {
      await stop();
    }
  } finally {
    await s3.stop();
  }
});
