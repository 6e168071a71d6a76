// The docs are true: their code compiles, and their scripts run as a reader would copy them.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Agent } from '../../activities/index.ts';
import agents from '../../agents/index.ts';
import { cacheDir } from '../../worker/cacheDir.ts';
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
  'holdfast/testing': 'worker/testing/index.ts',
};

/** Pages that bring agents of their own, which a worker serves while their scripts run. */
const PAGES = [
  'README.md',
  ...['approvals', 'conversations', 'sub-agents', 'budgets', 'guardrails', 'compaction', 'tools', 'mcp', 'models'].map(
    (page) => `docs/${page}.md`,
  ),
];
/** Pages with code that is only compiled. */
const COMPILED = [
  'approvals',
  'starting-runs',
  'models',
  'images',
  'payloads',
  'operations',
  'existing-workers',
  'debugging',
  'testing',
].map((page) => `docs/${page}.md`);

let folder: string;
let address: string;
let worker: HoldfastWorker;
let running: Promise<void>;

before(async () => {
  quietLogs();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-docs-'));
  // As a user has it: the package among their modules, here with its sources.
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  for (const name of ['zod', '@temporalio', '@opentelemetry'])
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
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

const PYTHON_SDK = 'temporalio==1.35.0';

/** The path of Temporal's SDK for Python, which is installed once. */
async function pythonSdk(): Promise<string> {
  const target = join(cacheDir(), PYTHON_SDK);
  const isThere = await stat(target).then(
    () => true,
    () => false,
  );
  if (isThere) return target;
  const partly = `${target}.${process.pid}`;
  const options = ['--quiet', '--disable-pip-version-check', '--root-user-action=ignore', '--target', partly];
  await run('python3', ['-m', 'pip', 'install', ...options, PYTHON_SDK]);
  await rename(partly, target);
  return target;
}

/** The agents of a page, made as its reader would. */
async function agentsOf(page: string): Promise<Agent[]> {
  const [code] = blocks(await read(page), 'ts agents');
  const file = join(folder, `${basename(page, '.md')}.agents.mts`);
  await writeFile(file, withSources(code!));
  return Object.values((await import(file)) as Record<string, Agent>);
}

function withSources(code: string): string {
  return code.replaceAll(/'(holdfast[\w/]*)'/g, (_, name) => JSON.stringify(join(root, SOURCES[name]!)));
}

test('compiles the code of the guide and its pages', async () => {
  for (const page of PAGES) {
    const text = await read(page);
    const code = [...blocks(text, 'ts agents'), ...blocks(text, 'ts run')];
    assert.ok(code.length >= 2, page);
    const name = basename(page, '.md');
    for (const [i, block] of code.entries()) {
      const own = block.replaceAll("'./agents.ts'", `'./${name}0.ts'`);
      await writeFile(join(folder, `${name}${i}.ts`), own);
    }
  }
  const named = ['refundOrder', 'transfer', 'countPrimes', 'refunds', 'testing', 'workflows', 'serve'];
  const found = blocks(await read('docs/guide.md'), 'ts compile');
  assert.equal(found.length, named.length, 'each block has its file');
  for (const [i, code] of found.entries()) await writeFile(join(folder, `${named[i]}.ts`), code);
  for (const page of COMPILED) {
    const text = await read(page);
    const code = [...blocks(text, 'ts compile'), ...blocks(text, 'ts worker')];
    assert.ok(code.length >= 1, page);
    for (const [i, block] of code.entries()) {
      // The README's agents are those of a project that has just begun.
      const own = block.replaceAll("'./agents.ts'", "'./README0.ts'");
      await writeFile(join(folder, `${basename(page, '.md')}.compiled${i}.ts`), own);
    }
  }
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

test("runs the README's agent and program", async () => {
  const [output] = await outputsOf('README.md');
  assert.match(output!, /^completed It is \d\d:\d\d in Tokyo, with clear skies there and in Osaka\.\n$/);
});

test('runs the scripts of docs/starting-runs.md', async () => {
  const outputs = await outputsOf('docs/starting-runs.md');
  assert.ok(outputs.length >= 6);
  const [wait, same, labelled, found, many, follow, existing, cancel] = outputs;
  assert.match(wait!, /^completed In Tokyo, /);
  assert.match(same!, /^report-2026-11-20 completed/);
  assert.equal(labelled, "[ 'clock-of-acme' ]\n[]\n");
  assert.match(found!, /^clock-\S+ What time is it in Lima\?$/m);
  assert.equal(many!.trim().split('\n').length, 3);
  assert.match(follow!, /asks get_time[\s\S]*ended get_time true[\s\S]*completed In Paris/);
  assert.match(existing!, /^completed In Rome, .* \d+$/m);
  assert.match(cancel!, /^(cancelled|completed)\n$/);
});

test('runs the scripts of docs/approvals.md', async () => {
  const [deciding, inbox] = await outputsOf('docs/approvals.md');
  assert.equal(deciding, 'pay_back {"order":"A-17","cents":25000} Pay 250 back?\napprove ann true\nThat is settled.\n');
  // The page's other script may have a run of its own waiting at that moment.
  assert.match(inbox!, /^cashier-inbox .*Z 1\.0 pay_back [\s\S]*reject\n$/m);
});

test('runs the scripts of docs/conversations.md', async () => {
  const [talk, steered] = await outputsOf('docs/conversations.md');
  assert.equal(talk, 'You said: Hello.\ntrue\n3 completed You said: And invoice 18?\n3\n');
  assert.match(steered!, /^(running|idle)\nstopped Stopped by ann: closing time\n$/);
});

test('runs the scripts of docs/sub-agents.md', async () => {
  const [output] = await outputsOf('docs/sub-agents.md');
  assert.equal(
    output,
    'Both are on their way.\norder_clerk desk-17.1.0 A-1 is on its way.\norder_clerk desk-17.1.1 A-2 is on its way.\n' +
      "I am sorry to hear that. [ 'front_desk', 'complaints' ]\n",
  );
});

test('runs the scripts of docs/budgets.md', async () => {
  const [output] = await outputsOf('docs/budgets.md');
  assert.equal(output, 'budget The budget of 2 model calls is used up. 2 2\nbudget\nAll is well.\n');
});

test('runs the scripts of docs/guardrails.md', async () => {
  const [output] = await outputsOf('docs/guardrails.md');
  assert.match(output!, /^completed high 2\nIt is sent\.\ntrue sent to ann@shop\.test\nfalse .*that is nobody/);
  assert.match(output!, /\nYou wrote: My card is \[card\]\.\nPlease never send us a password\.\n$/);
});

test('runs the scripts of docs/compaction.md', async () => {
  const [output] = await outputsOf('docs/compaction.md');
  assert.match(
    output!,
    /^completed All of it is figures\. 16\n(summarise true\n)+What is in the file\? earlier messages\n$/,
  );
});

test('runs the scripts of docs/tools.md, and its worker of Python', async () => {
  const page = 'docs/tools.md';
  const [code] = blocks(await read(page), 'python');
  const file = join(folder, 'worker.py');
  await writeFile(file, code!);
  const env = { ...process.env, PYTHONPATH: await pythonSdk(), TEMPORAL_ADDRESS: address };
  const python = spawn('python3', [file], { env, stdio: 'inherit' });
  const gone = once(python, 'exit');
  const [output, medians, signed] = await outputsOf(page).finally(() => python.kill('SIGKILL'));
  await gone;
  assert.equal(signed, 'sign {"document":"lease-17"}\nSigned: {"signed":"2026-11-27"}\n');
  assert.equal(
    medians,
    '[{"asked by":"statistician","median":2},{"error":"one number has no median","tool":"median","kind":"failed"}]\n' +
      '{"asked by":"statistician","median":2}\n' +
      '{"error":"one number has no median","tool":"median","kind":"failed"}\n',
  );
  assert.equal(
    output,
    "{ booked: 'room B for 2 nights' }\n" +
      '{"error":"invalid arguments: nights: Invalid input: expected integer, received string","tool":"book_room","kind":"invalid_arguments"}\n' +
      'room B for 2 nights\n',
  );
});

test('runs the scripts of docs/mcp.md', async () => {
  const [output] = await outputsOf('docs/mcp.md');
  assert.equal(output, 'The sum of 2 and 3 is 5.\n');
});

test('runs the script of docs/models.md', async () => {
  const [output] = await outputsOf('docs/models.md');
  assert.match(output!, /^It is filed under taxes\.\noffline\/filer answered in place of .*: 503 .*\n$/);
});

test('runs the script and the commands of docs/schedules.md', async () => {
  const page = 'docs/schedules.md';
  const [output] = await outputsOf(page);
  assert.match(output!, /^0 3 \* \* 1-5 \d{4}-.*Z\noslo-at-three-\d{4}-.*Z completed\n/);

  const [commands] = blocks(await read(page), 'sh run');
  // What npx does in a project that has the package installed.
  const npx = `npx() { shift; ${JSON.stringify(process.execPath)} ${JSON.stringify(join(root, 'cli/main.ts'))} "$@"; }`;
  const { stdout } = await run('sh', ['-ec', `${npx}\n${commands}`], {
    env: { ...process.env, TEMPORAL_ADDRESS: address },
    timeout: 60_000,
  });
  assert.match(stdout, /^hourly-tokyo runs clock, every 1h\.[\s\S]*^hourly-tokyo-\d{4}-.*Z$[\s\S]*is removed\.$/m);
});

test('runs the command for the temporal CLI', async () => {
  const [command] = blocks(await read('docs/starting-runs.md'), 'sh run');
  const cli = await findTemporalCli();
  const { stdout } = await run('sh', ['-c', command!.replace(/^temporal/, JSON.stringify(cli))], {
    env: { ...process.env, TEMPORAL_ADDRESS: address },
  });
  assert.match(stdout, /completed/);
});

test('serves metrics from the worker of docs/operations.md', async () => {
  const [code] = blocks(await read('docs/operations.md'), 'ts worker');
  const port = await freePort();
  const file = join(folder, 'metrics.mts');
  const own = withSources(code!)
    .replace('127.0.0.1:9464', `127.0.0.1:${port}`)
    .replace("'./agents.ts'", "'./README.agents.mts'")
    // Runs of the other scripts are not for a worker with one agent.
    .replace('createWorker({', "createWorker({ taskQueue: 'metrics',");
  await writeFile(file, own);
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, TEMPORAL_ADDRESS: address },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const deadline = AbortSignal.timeout(90_000);
    let metrics = '';
    // The endpoint is up before the worker has begun to poll.
    while (!/^temporal_num_pollers\{.*task_queue="metrics".*\} \d/m.test(metrics)) {
      deadline.throwIfAborted();
      assert.equal(child.exitCode, null, 'it runs');
      metrics = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: deadline }).then(
        (response) => response.text(),
        () => '',
      );
    }
  } finally {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }
  assert.equal(child.exitCode, 0);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Of a server that listens on TCP.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
