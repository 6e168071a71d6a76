// What the docs show is true: their code compiles, their scripts run, and the README's agent is the one in the tree.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Agent } from '../../activities/index.ts';
import agents from '../../agents/index.ts';
import { findTemporalCli } from '../../worker/dev/temporalCli.ts';
import { createWorker, type HoldfastWorker } from '../../worker/index.ts';
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

/** Pages that bring agents of their own, which a worker serves while their scripts run. */
const PAGES = ['approvals', 'conversations', 'sub-agents', 'budgets', 'guardrails', 'context'];

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
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  worker = await createWorker({
    agents: [...agents, ...(await Promise.all(PAGES.map(agentsOf))).flat()],
    address,
    namespace: 'default',
    model: {},
  });
  running = worker.run();
});
after(async () => {
  worker.shutdown();
  await running;
  await rm(folder, { recursive: true });
});

/** The agents of a page, made as its reader would. */
async function agentsOf(page: string): Promise<Agent[]> {
  const [code] = blocks(await read(`docs/${page}.md`), 'ts agents');
  const file = join(folder, `${page}.agents.mts`);
  await writeFile(file, withSources(code!));
  return Object.values((await import(file)) as Record<string, Agent>);
}

function withSources(code: string): string {
  return code.replaceAll(/'(holdfast[\w/]*)'/g, (_, name) => JSON.stringify(join(root, SOURCES[name]!)));
}

test("the README's agent is agents/clock/agent.ts", async () => {
  const [shown] = blocks(await read('README.md'), 'ts');
  const source = await read('agents/clock/agent.ts');
  assert.equal(shown, source.trimEnd().replace('../../activities/index.ts', 'holdfast'));
});

test('the code of the guide and of its pages compiles', async () => {
  for (const page of PAGES) {
    const text = await read(`docs/${page}.md`);
    const code = [...blocks(text, 'ts agents'), ...blocks(text, 'ts run')];
    assert.ok(code.length >= 2, page);
    for (const [i, block] of code.entries()) {
      const own = block.replaceAll("'./agents.ts'", `'./${page}0.ts'`);
      await writeFile(join(folder, `${page}${i}.ts`), own);
    }
  }
  const named = ['refundOrder', 'transfer', 'countPrimes', 'refunds', 'testing', 'workflows', 'serve'];
  const found = blocks(await read('docs/guide.md'), 'ts compile');
  assert.equal(found.length, named.length, 'each block has its file');
  for (const [i, code] of found.entries()) await writeFile(join(folder, `${named[i]}.ts`), code);
  const payloads = blocks(await read('docs/payloads.md'), 'ts compile');
  assert.ok(payloads.length >= 3);
  for (const [i, code] of payloads.entries()) await writeFile(join(folder, `payloads${i}.ts`), code);
  const paths = Object.fromEntries(Object.entries(SOURCES).map(([name, file]) => [name, [join(root, file)]]));
  const options = {
    ...JSON.parse(await read('tsconfig.json')).compilerOptions,
    paths,
    typeRoots: [join(root, 'node_modules/@types')],
  };
  delete options.rewriteRelativeImportExtensions;
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
      await writeFile(file, withSources(script));
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
  const [wait, same, many, follow, existing, cancel] = outputs;
  assert.match(wait!, /^completed In Tokyo, /);
  assert.match(same!, /^report-2026-11-20 completed/);
  assert.equal(many!.trim().split('\n').length, 3);
  assert.match(follow!, /asks get_time[\s\S]*ended get_time true[\s\S]*completed In Paris/);
  assert.match(existing!, /^completed In Rome, .* \d+$/m);
  assert.match(cancel!, /^(cancelled|completed)\n$/);
});

test('the scripts of docs/approvals.md run', async () => {
  const [deciding, inbox] = await outputsOf('docs/approvals.md');
  assert.equal(deciding, 'pay_back {"order":"A-17","cents":25000} Pay 250 back?\napprove ann true\nThat is settled.\n');
  // The page's other script may have a run of its own waiting at that moment.
  assert.match(inbox!, /^cashier-inbox .*Z 1\.0 pay_back [\s\S]*reject\n$/m);
});

test('the scripts of docs/conversations.md run', async () => {
  const [talk, steered] = await outputsOf('docs/conversations.md');
  assert.equal(talk, 'You said: Hello.\ntrue\n3 completed You said: And invoice 18?\n3\n');
  assert.match(steered!, /^(running|idle)\nstopped Stopped by ann: closing time\n$/);
});

test('the scripts of docs/sub-agents.md run', async () => {
  const [output] = await outputsOf('docs/sub-agents.md');
  assert.equal(
    output,
    'Both are on their way.\norder_clerk desk-17.1.0 A-1 is on its way.\norder_clerk desk-17.1.1 A-2 is on its way.\n' +
      "I am sorry to hear that. [ 'front_desk', 'complaints' ]\n",
  );
});

test('the scripts of docs/budgets.md run', async () => {
  const [output] = await outputsOf('docs/budgets.md');
  assert.equal(output, 'budget The budget of 2 model calls is used up. 2 2\nbudget\nAll is well.\n');
});

test('the scripts of docs/guardrails.md run', async () => {
  const [output] = await outputsOf('docs/guardrails.md');
  assert.match(output!, /^completed high 2\nIt is sent\.\ntrue sent to ann@shop\.test\nfalse .*that is nobody/);
});

test('the scripts of docs/context.md run', async () => {
  const [output] = await outputsOf('docs/context.md');
  assert.match(
    output!,
    /^completed All of it is figures\. 16\n(summarise true\n)+What is in the file\? earlier messages\n$/,
  );
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
    ...[
      'guide',
      ...PAGES,
      'payloads',
      'operations',
      'architecture',
      'starting-runs',
      'schedules',
      'cli',
      'decisions/README',
    ].map((name) => `docs/${name}.md`),
  ];
  const missing: string[] = [];
  for (const page of pages)
    for (const [, link] of (await read(page)).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      await access(join(root, dirname(page), link!)).catch(() => missing.push(`${page}: ${link}`));
  assert.deepEqual(missing, []);
});
