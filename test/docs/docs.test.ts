// What the docs show is true: their code compiles, their scripts run, and the README's agent is the one in the tree.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import agents from '../../agents/index.ts';
import { createWorker, type HoldfastWorker } from '../../worker/index.ts';
import { findTemporalCli } from '../../worker/temporalCli.ts';
import { quietLogs } from '../support/quiet.ts';
import { serverAddress } from '../support/server.ts';

const run = promisify(execFile);
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const read = (file: string) => readFile(join(root, file), 'utf8');

/** The blocks of a Markdown text with that language and mark. */
function blocks(text: string, fence: string): string[] {
  return text
    .split(`\n\`\`\`${fence}\n`)
    .slice(1)
    .map((rest) => rest.slice(0, rest.indexOf('\n```')));
}

/** A published name as the file behind it, as package.json has it. */
const SOURCES: Readonly<Record<string, string>> = {
  holdfast: 'activities/index.ts',
  'holdfast/client': 'client/index.ts',
  'holdfast/worker': 'worker/index.ts',
  'holdfast/workflows': 'workflows/index.ts',
  'holdfast/testing': 'activities/testing/index.ts',
};

let folder: string;
let address: string;
let worker: HoldfastWorker;
let running: Promise<void>;

before(async () => {
  quietLogs();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-docs-'));
  // As a user has it: the package among their modules, here with its sources.
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  await symlink(join(root, 'node_modules', 'zod'), join(folder, 'node_modules', 'zod'));
  address = await serverAddress();
  worker = await createWorker({ agents, address, namespace: 'default', model: {} });
  running = worker.run();
});
after(async () => {
  worker.shutdown();
  await running;
  await rm(folder, { recursive: true });
});

test("the README's agent is agents/clock/agent.ts", async () => {
  const [shown] = blocks(await read('README.md'), 'ts');
  const source = await read('agents/clock/agent.ts');
  assert.equal(shown, source.trimEnd().replace('../../activities/index.ts', 'holdfast'));
});

test('the code of the guide compiles', async () => {
  const named = ['refundOrder', 'countPrimes', 'refunds', 'testing', 'workflows', 'serve'];
  const found = blocks(await read('docs/guide.md'), 'ts compile');
  assert.equal(found.length, named.length, 'each block has its file');
  for (const [i, code] of found.entries()) await writeFile(join(folder, `${named[i]}.ts`), code);
  const paths = Object.fromEntries(Object.entries(SOURCES).map(([name, file]) => [name, [join(root, file)]]));
  const options = {
    ...JSON.parse(await read('tsconfig.json')).compilerOptions,
    paths,
    typeRoots: [join(root, 'node_modules/@types')],
  };
  delete options.rewriteRelativeImportExtensions;
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const config = { compilerOptions: { ...options, allowImportingTsExtensions: true }, include: ['*.ts'] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  await run(join(root, 'node_modules/.bin/tsc'), ['--project', folder]).catch((error) => assert.fail(error.stdout));
});

/** Runs the scripts of a page all at once, as a user would; what each has printed. */
async function outputsOf(page: string): Promise<string[]> {
  const scripts = blocks(await read(page), 'ts run');
  return Promise.all(
    scripts.map(async (script, i) => {
      const file = join(folder, `${basename(page, '.md')}${i}.mts`);
      await writeFile(
        file,
        script.replaceAll(/'(holdfast[\w/]*)'/g, (_, name) => JSON.stringify(join(root, SOURCES[name]!))),
      );
      const { stdout } = await run(process.execPath, [file], {
        env: { ...process.env, TEMPORAL_ADDRESS: address },
        timeout: 60_000,
      });
      return stdout;
    }),
  );
}

test('the scripts of docs/starting-runs.md run', async () => {
  const outputs = await outputsOf('docs/starting-runs.md');
  assert.ok(outputs.length >= 5);
  const [wait, same, many, follow, cancel] = outputs;
  assert.match(wait!, /^completed In Tokyo, /);
  assert.match(same!, /^report-2026-11-20 completed/);
  assert.equal(many!.trim().split('\n').length, 3);
  assert.match(follow!, /asks get_time[\s\S]*ended get_time true[\s\S]*completed In Paris/);
  assert.match(cancel!, /^(cancelled|completed)/);
});

test('the script and the commands of docs/schedules.md run', async () => {
  const page = 'docs/schedules.md';
  const [output] = await outputsOf(page);
  assert.match(output!, /^0 3 \* \* 1-5 \d{4}-.*Z\noslo-at-three-\d{4}-.*Z completed\n/);

  const [commands] = blocks(await read(page), 'sh run');
  const holdfast = `holdfast() { ${JSON.stringify(process.execPath)} ${JSON.stringify(join(root, 'cli/main.ts'))} "$@"; }`;
  const { stdout } = await run('sh', ['-ec', `${holdfast}\n${commands}`], {
    env: { ...process.env, TEMPORAL_ADDRESS: address },
    timeout: 60_000,
  });
  assert.match(stdout, /^hourly-tokyo runs clock, every 1h\.[\s\S]*^hourly-tokyo-\d{4}-.*Z$[\s\S]*is removed\.$/m);
});

test('the command for the temporal CLI runs', async () => {
  const [command] = blocks(await read('docs/starting-runs.md'), 'sh run');
  const cli = await findTemporalCli();
  const { stdout } = await run('sh', ['-c', command!.replace(/^temporal/, JSON.stringify(cli))], {
    env: { ...process.env, TEMPORAL_ADDRESS: address },
  });
  assert.match(stdout, /completed/);
});

test('every page that the docs link to is there', async () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...['guide', 'operations', 'architecture', 'starting-runs', 'schedules', 'cli', 'decisions/README'].map(
      (name) => `docs/${name}.md`,
    ),
  ];
  const missing: string[] = [];
  for (const page of pages)
    for (const [, link] of (await read(page)).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      await access(join(root, dirname(page), link!)).catch(() => missing.push(`${page}: ${link}`));
  assert.deepEqual(missing, []);
});
