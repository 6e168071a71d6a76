// `holdfast dev`: it keeps server and worker up, restarts the worker when a file changes, and leaves nothing behind.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { holdfast, type Started, start, stop } from './command.ts';

const ENGINE = new URL('../../activities/index.ts', import.meta.url).href;
/** Not the default: without the option, nobody would serve these runs. */
const QUEUE = ['--task-queue', 'nurses'];
let dir: string;
let dev: Started;
let address: string;

const agentSaying = (expression: string) =>
  `import { defineAgent } from ${JSON.stringify(ENGINE)};
   export const nurse = defineAgent({ name: 'nurse', model: 'none', instructions: 'x', offline: () => ${expression} });`;
const write = (text: string) => writeFile(join(dir, 'agents.ts'), text);
const asked = async (id: string) => {
  const { stdout } = await holdfast(['run', 'nurse', 'x', '--id', id, '--address', address, ...QUEUE]);
  return stdout.trim();
};
async function up(): Promise<void> {
  dev = start(['dev', '--port', '0', '--ui-port', '0', ...QUEUE], { cwd: dir });
  await dev.line(/^Ready in/);
  const line = await dev.line(/^ {2}server/);
  address = /127\.0\.0\.1:\d+/.exec(line)?.[0] ?? '';
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-dev-'));
  await write(agentSaying(`'One, ' + process.pid`));
  await up();
});
after(async () => {
  await stop(dev);
  await rm(dir, { recursive: true });
});

test('prints a next command that works', async () => {
  assert.match(await dev.line(/ run nurse/), new RegExp(`run nurse "…" --address ${address} --task-queue nurses$`));
  assert.match(await asked('first'), /^One, \d+$/);
});

test('restarts a worker that is killed', async () => {
  const seen = dev.lines.length;
  const [, pid] = (await asked('before-kill')).split(', ');
  process.kill(Number(pid), 'SIGKILL');
  await dev.line(/ended unexpectedly \(SIGKILL\)/, seen);
  await dev.line(/^Worker ready/, seen);
  assert.notEqual((await asked('after-kill')).split(', ')[1], pid);
});

test('restarts the worker when a file changes, and waits if one has an error', async () => {
  let seen = dev.lines.length;
  await write(agentSaying(`'Two.'`));
  await dev.line(/^agents\.ts has changed/, seen);
  await dev.line(/^Worker ready/, seen);
  assert.equal(await asked('second'), 'Two.');

  seen = dev.lines.length;
  await write('export const nurse = ;');
  await dev.line(/agents\.ts cannot be loaded: SyntaxError.*\(agents\.ts:1\)/, seen);
  await dev.line(/^Waiting for the next change/, seen);

  seen = dev.lines.length;
  await write(agentSaying(`'Three.'`));
  await dev.line(/^Worker ready/, seen);
  assert.equal(await asked('third'), 'Three.');
});

test('restarts the worker for what the agents import, and for nothing else', async () => {
  const file = (name: string, text: string) => writeFile(join(dir, name), text);
  await file('said.json', '"Four."');
  await file('say.ts', `import said from './said.json' with { type: 'json' };\nexport const say = () => said;`);
  let seen = dev.lines.length;
  await write(`import { say } from './say.ts';\n${agentSaying('say()')}`);
  await dev.line(/^Worker ready/, seen);
  assert.equal(await asked('fourth'), 'Four.');

  seen = dev.lines.length;
  await file('package.json', '{ "type": "module" }');
  await file('say.test.ts', 'throw new Error();');
  await file('result.json', '{}');
  // A run takes longer than a report of a change.
  assert.equal(await asked('fourth-again'), 'Four.');
  await file('said.json', '"Five."');
  await dev.line(/^Worker ready/, seen);
  const changed = dev.lines.slice(seen).filter((line) => / has changed/.test(line));
  assert.deepEqual(changed, ['said.json has changed: restarting the worker …']);
  assert.equal(await asked('fifth'), 'Five.');

  // Also a file that it could not find.
  seen = dev.lines.length;
  await write(`import { shout } from './shout.ts';\n${agentSaying('shout()')}`);
  await dev.line(/^Waiting for the next change/, seen);
  seen = dev.lines.length;
  await file('shout.ts', `export const shout = () => 'SIX.';`);
  await dev.line(/^Worker ready/, seen);
  assert.equal(await asked('sixth'), 'SIX.');
});

test('rejects a second dev on the same database', async () => {
  const { code, stderr } = await holdfast(['dev', '--port', '0', '--ui-port', '0'], { cwd: dir });
  assert.equal(code, 2);
  assert.match(stderr, /Another holdfast dev \(process \d+\).*--db FILE/);
});

test('ends everything on Ctrl-C, and keeps the runs', async () => {
  const before = address;
  dev.child.kill('SIGINT');
  assert.equal((await dev.ended).code, 0);
  assert.equal((await holdfast(['list', '--address', before])).code, 3);
  await up();
  assert.match((await holdfast(['show', 'third', '--address', address])).stdout, /Three\./);
});
