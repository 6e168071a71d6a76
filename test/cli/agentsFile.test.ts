// `--agents FILE` finds every agent of the module, and reports a problem in one line.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { holdfast, WARD } from './command.ts';

const ENGINE = new URL('../../activities/index.ts', import.meta.url).href;
const agent = (name: string) => `defineAgent({ name: '${name}', model: 'm', instructions: 'i' })`;
const source = (...lines: string[]) => [`import { defineAgent } from '${ENGINE}';`, ...lines].join('\n');
let dir: string;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-agents-'));
});
after(() => rm(dir, { recursive: true }));

test('finds agents exported by name and in a list, once each, with their tools', async () => {
  const { code, stdout } = await holdfast(['agents', '--agents', WARD, '--json']);
  assert.equal(code, 0);
  const agents: { name: string; tools: unknown[] }[] = JSON.parse(stdout);
  const names = 'chief,crook,endless,hostile,liar,payer,payers,porter,sleeper,talker,ward';
  assert.deepEqual(agents.map(({ name }) => name).sort(), names.split(','));
  assert.deepEqual(agents.find(({ name }) => name === 'ward')?.tools[1], {
    name: 'fever',
    description: 'Fails.',
    effect: 'read',
    timeoutMs: 30_000,
    attempts: 1,
  });
});

test('finds agents/index.js of the current folder without --agents', async () => {
  await mkdir(join(dir, 'agents'));
  await writeFile(join(dir, 'agents', 'package.json'), '{"type":"module"}');
  await writeFile(join(dir, 'agents', 'index.js'), source(`export default [${agent('here')}];`));
  const { code, stdout } = await holdfast(['agents'], { cwd: dir });
  assert.equal(code, 0);
  assert.match(stdout, /^here \(m; 10 turns at most, 5 calls at once\)$/m);
  await rm(join(dir, 'agents'), { recursive: true });
});

test('reports a problem of the file in one line, with exit code 2', async () => {
  const files: [string, string, RegExp][] = [
    ['syntax.ts', 'export const a = ;', /syntax\.ts cannot be loaded: SyntaxError: .* \(syntax\.ts:1\)/],
    ['throws.ts', source(`export const a = ${agent('1')};`), /throws\.ts cannot be loaded: TypeError: Agent "1"/],
    ['missing.ts', `import './nowhere.ts';`, /missing\.ts cannot be loaded: Error: Cannot find module/],
    ['none.ts', 'export const a = 1;', /none\.ts exports no agent\. Export one/],
    ['two.ts', source(`export const a = ${agent('x')}, b = ${agent('x')};`), /two agents named x\. Rename one/],
  ];
  await writeFile(join(dir, 'package.json'), '{"type":"module"}');
  for (const [name, text, says] of files) {
    await writeFile(join(dir, name), text);
    const { code, stdout, stderr } = await holdfast(['worker', '--agents', name], { cwd: dir });
    assert.deepEqual({ name, code, stdout }, { name, code: 2, stdout: '' });
    assert.match(stderr, says);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  }
  await writeFile(join(dir, 'package.json'), '{"type":"commonjs"}');
  const commonJs = await holdfast(['agents', '--agents', 'none.ts'], { cwd: dir });
  assert.match(
    commonJs.stderr,
    /^The agents file none\.ts cannot be loaded: Node treats it as CommonJS\. Add "type": "module".*\n$/,
  );
  assert.match((await holdfast(['dev'], { cwd: dir })).stderr, /There is no agents file here \(agents\.ts,/);
  assert.match((await holdfast(['agents', '--agents', 'x.ts'], { cwd: dir })).stderr, /There is no agents file x\.ts/);
});
