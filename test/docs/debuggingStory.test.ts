// The story of docs/debugging.md is true: its commands run as they stand there, in that order, and print what the page says.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Agent } from '../../activities/index.ts';
import { type ScriptedModel, startScriptedModel } from '../../activities/testing/index.ts';
import { returns } from '../../agents/returns/agent.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { historiesToJson } from '../../worker/historyJson.ts';
import { testAgent } from '../../worker/testing/index.ts';
import { holdfast, type Started, start, stop } from '../cli/command.ts';
import { quietLogs } from '../support/quiet.ts';
import { eventually } from '../support/waits.ts';

const here = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const SECTION = /^## One run, from the complaint to the test$[\s\S]*?(?=^## )/m;
const RUNS = 50;
/** Longer than what is kept of a shortened message. */
const LONG_MAIL = `Dear all,
I am customer 471. I have bought from you for nine years, and never had a reason to write.
The kettle was a present for my mother. It should have been there by the first of October, and came on the fourth.
It is in two pieces. Please refund order 4711. The other two are fine.
`;
/** Two more customers with long mails. */
const LONG = new Set([12, 33]);
const mailOf = (customer: number) =>
  LONG.has(customer)
    ? LONG_MAIL.replace('471.', `${customer}.`).replace('4711', `${customer}1`)
    : `I am customer ${customer}. Please refund order ${customer}${1 + (customer % 3)}.`;

/** A line of a file, and what it becomes. */
interface Change {
  readonly file: string;
  readonly removed: string;
  readonly added: string;
}

/** What the page shows, in its order: commands with what they print, and changes. */
type Part = Change | { readonly command: string; readonly shows: readonly string[] };

let parts: readonly Part[];
let dir: string;
let server: DevServer;
let model: ScriptedModel;
let worker: Started;

before(async () => {
  quietLogs();
  parts = partsOf(await readFile(here('docs/debugging.md'), 'utf8'));
  dir = await mkdtemp(join(tmpdir(), 'holdfast-story-'));
  await writeProject();
  server = await startDevServer();
  model = await startScriptedModel({ agents: [returns] });
  await startWorker();
  await writeFile(join(dir, 'mail.txt'), LONG_MAIL);
  const { code, stderr } = await holdfast(['run', 'returns', LONG_MAIL, '--id', 'returns-471'], { env: env() });
  assert.equal(code, 0, stderr);
  await recordOthers();
});
after(async () => {
  await stop(worker);
  await model.close();
  await server.kill();
  await rm(dir, { recursive: true });
});

/** What the commands have in their environment. The `npx` and the `node` of this project come first. */
function env(): Record<string, string> {
  // With NODE_TEST_CONTEXT, Node takes the test that is kept for a part of this one.
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(TEMPORAL_|OPENAI_|FORCE_COLOR|NODE_TEST_CONTEXT)/.test(name),
  );
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    PATH: `${join(dir, 'bin')}:${dirname(process.execPath)}:${process.env['PATH']}`,
    TEMPORAL_ADDRESS: server.address,
    OPENAI_BASE_URL: model.baseURL,
    OPENAI_API_KEY: 'offline',
    COLUMNS: '120',
  };
}

/** A project as a user has it: the package among its modules, here with its sources, and the agent as it was before the fix. */
async function writeProject(): Promise<void> {
  const installed = join(dir, 'node_modules', 'holdfast');
  for (const folder of [installed, join(dir, 'bin'), join(dir, 'runs')]) await mkdir(folder, { recursive: true });
  await writeFile(join(installed, 'testing.js'), `export * from ${JSON.stringify(here('worker/testing/index.ts'))};\n`);
  const manifest = { name: 'holdfast', type: 'module', exports: { './testing': './testing.js' } };
  await writeFile(join(installed, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(dir, 'package.json'), '{"type":"module"}');
  const npx = join(dir, 'bin', 'npx');
  await writeFile(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${here('cli/main.ts')}" "$@"\n`);
  await chmod(npx, 0o755);
  const source = new URL('../../agents/returns/agent.ts', import.meta.url);
  const agent = (await readFile(source, 'utf8')).replaceAll(
    /from '(\.[^']+)'/g,
    (_, name) => `from ${JSON.stringify(fileURLToPath(new URL(name, source)))}`,
  );
  await writeFile(join(dir, 'agents.ts'), agent);
  await change(undone(theFix()));
}

async function startWorker(): Promise<void> {
  worker = start(['worker', '--agents', join(dir, 'agents.ts'), '--address', server.address], { env: env() });
  await worker.line(/^Polling after/);
}

/** The other runs of that week, which the faulty agent has served. */
async function recordOthers(): Promise<void> {
  const { returns: faulty } = (await import(pathToFileURL(join(dir, 'agents.ts')).href)) as { returns: Agent };
  await using lab = await testAgent(faulty);
  for (let customer = 1; customer < RUNS; customer++) {
    const id = `returns-${String(customer).padStart(3, '0')}`;
    const run = await lab.start(mailOf(customer), { id });
    assert.equal((await run.result()).status, 'completed');
    await writeFile(join(dir, 'runs', `${id}.json`), historiesToJson(await run.histories()));
  }
}

/** What the page changes in the agent. */
function theFix(): Change {
  const fix = parts.find((part): part is Change => 'file' in part && part.file === 'agents.ts');
  assert.ok(fix, 'the page shows the fix');
  return fix;
}

const undone = ({ file, removed, added }: Change): Change => ({ file, removed: added, added: removed });

async function change({ file, removed, added }: Change): Promise<void> {
  const path = join(dir, file);
  const text = await readFile(path, 'utf8');
  assert.equal(text.split(removed).length, 2, `${file} has once: ${removed}`);
  await writeFile(
    path,
    text.replace(removed, () => added),
  );
}

function partsOf(page: string): Part[] {
  const section = SECTION.exec(page)?.[0] ?? '';
  return [...section.matchAll(/^```(console|diff)\n([\s\S]*?)^```$/gm)].flatMap(([, kind, text = '']) =>
    kind === 'diff' ? [changeIn(text)] : commandsIn(text),
  );
}

function commandsIn(text: string): Part[] {
  const each = text.split(/^\$ /m).slice(1);
  return each.map((one) => {
    const [command = '', ...shows] = one.trimEnd().split('\n');
    return { command, shows };
  });
}

function changeIn(text: string): Change {
  const of = (mark: RegExp) => [...text.matchAll(mark)].map(([, line = '']) => line).join('\n');
  return { file: of(/^--- (.+)$/gm), removed: of(/^-(?!-- )(.*)$/gm).trim(), added: of(/^\+(?!\+\+ )(.*)$/gm).trim() };
}

function run(command: string): Promise<string> {
  return new Promise((resolve) =>
    execFile('bash', ['-c', `${command} 2>&1`], { cwd: dir, env: env(), timeout: 120_000 }, (_, stdout) =>
      resolve(stdout),
    ),
  );
}

/** Without what differs each time: times, days and how wide a column is. A clone calls the command in another way. */
function comparable(line: string): string {
  return line
    .replaceAll('npm run -s holdfast --', 'npx holdfast')
    .replaceAll(/\d+(?:\.\d+)?ms\b/g, 'TIME')
    .replaceAll(/\d+(?:\.\d+)? (?:ms|s)\b/g, 'TIME')
    .replaceAll(/\d{4}-\d\d-\d\dT?[\d:.]*Z?/g, 'DATE')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** The first line in which the page and the output differ; a line `…` of the page stands for any lines. */
function differing(shows: readonly string[], printed: string): string | undefined {
  const lines = printed
    .split('\n')
    .map(comparable)
    .filter((line) => line !== '');
  let at = 0;
  let anywhere = false;
  for (const line of shows.map(comparable).filter((one) => one !== '')) {
    if (line === '…') {
      anywhere = true;
      continue;
    }
    const found = anywhere ? lines.indexOf(line, at) : lines[at] === line ? at : -1;
    if (found < 0) return line;
    at = found + 1;
    anywhere = false;
  }
  return anywhere || at === lines.length ? undefined : lines[at];
}

/** A fork takes a moment to reach its call: `approvals` is repeated until then. */
async function printedBy(command: string, shows: readonly string[]): Promise<string> {
  if (!command.includes(' approvals ')) return run(command);
  let printed = '';
  await eventually(async () => {
    printed = await run(command);
    return differing(shows, printed) === undefined;
  }).catch(() => undefined);
  return printed;
}

test('prints what the page shows, from the complaint to the test that is kept', async () => {
  assert.ok(parts.length > 10, 'the story is found');
  for (const part of parts) {
    if ('file' in part) {
      await change(part);
      if (part.file !== 'agents.ts') continue;
      await stop(worker);
      await startWorker();
      continue;
    }
    const printed = await printedBy(part.command, part.shows);
    const line = differing(part.shows, printed);
    assert.equal(line, undefined, `$ ${part.command}\ndiffers at: ${line}\n${printed}`);
  }
});

test('the test that is kept fails with the fault', async () => {
  await change(undone(theFix()));
  const printed = await run('node --test returns.test.ts');
  assert.match(printed, /fail 1/);
  assert.match(printed, /turn 5: message 1/);
});
