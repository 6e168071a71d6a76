// `export` of many runs, masked and with their families, and `replay` of many histories: what is wrong with one does not end
// the others.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openMask } from '../../cli/export/mask.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { historiesFromJson } from '../../worker/historyJson.ts';
import { GOLDEN_FOLDER } from '../support/histories.ts';
import { eventually } from '../support/waits.ts';
import { holdfast, type Started, start, stop, WARD } from './command.ts';

let server: DevServer;
let worker: Started;
let dir: string;
const command = (...args: string[]) => holdfast([...args, '--address', server.address]);
const STRANGE = '../up/Ä id';
const INPUT = 'Ann of ann@example.com asks.';

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-replays-'));
  server = await startDevServer();
  worker = start(['worker', '--agents', WARD, '--address', server.address]);
  await worker.line(/^Polling after/);
  for (const [agent, id] of [
    ['ward', 'first'],
    ['ward', STRANGE],
  ] as const)
    await command('run', agent, INPUT, '--id', id);
  // It waits for a person.
  await command('run', 'chief', INPUT, '--id', 'family', '--detach');
});
after(async () => {
  await stop(worker);
  await server.kill();
  await rm(dir, { recursive: true });
});

/** Visibility lists a run a moment after it has ended. */
async function listed(query: string, count: number): Promise<void> {
  await eventually(async () => {
    const { code, stdout } = await command('replay', '--query', query, '--json');
    return code === 0 && JSON.parse(stdout).length === count;
  });
}

test('exports the runs that a query finds, one file each, with names that stay in the folder', async () => {
  await listed("WorkflowId IN ('first', '../up/Ä id')", 2);
  const to = join(dir, 'queried');
  const exported = await command('export', '--query', "WorkflowId IN ('first', '../up/Ä id')", '--to', to);
  assert.deepEqual({ code: exported.code, stdout: exported.stdout }, { code: 0, stdout: '' });
  assert.match(exported.stderr, /^Wrote 2 files to .*queried\.$/m);
  assert.deepEqual((await readdir(to)).sort(), ['%2E.%2Fup%2F%C3%84%20id.json', 'first.json']);
  assert.equal((await stat(join(to, 'first.json'))).mode & 0o777, 0o600);
  assert.deepEqual(
    JSON.parse(await readFile(join(to, 'first.json'), 'utf8')),
    JSON.parse((await command('export', 'first')).stdout),
  );
  const replayed = await command('replay', to);
  assert.equal(replayed.code, 0);
  assert.match(replayed.stdout, /^2 replayed; all match the workflow code\.$/m);
});

test('does not pass on a query that finds nothing', async () => {
  const nothing = ['--query', "WorkflowId = 'nobody'"];
  for (const args of [
    ['replay', ...nothing],
    ['replay', ...nothing, '--json'],
    ['rerun', ...nothing, '--agents', WARD],
    ['rerun', ...nothing, '--agents', WARD, '--json', '--fail-under', '0'],
  ]) {
    const { code, stdout, stderr } = await command(...args);
    assert.deepEqual({ args, code, stdout }, { args, code: 2, stdout: '' });
    assert.match(stderr, /--query .*WorkflowId = 'nobody'.* finds no run of an agent\./);
  }
});

test('takes a workflow id that looks like a path, wherever it takes a run', async () => {
  const test = join(dir, 'strange.test.ts');
  for (const args of [
    ['replay', STRANGE],
    ['debug', STRANGE],
    ['diff', STRANGE, STRANGE],
    ['rerun', STRANGE, '--agents', WARD, '--model', 'recorded'],
    ['record-test', STRANGE, '--agents', WARD, '--to', test],
  ]) {
    const { code, stderr } = await command(...args);
    assert.equal(code, 0, `${args[0]}: ${stderr}`);
  }
  const none = STRANGE.replace('id', 'none');
  for (const args of [
    ['replay', none],
    ['debug', none],
    ['diff', STRANGE, none],
    ['rerun', none, '--agents', WARD],
    ['record-test', none, '--agents', WARD],
  ]) {
    const { code, stdout, stderr } = await command(...args);
    assert.deepEqual({ args, code, stdout }, { args, code: 2, stdout: '' });
    assert.equal(stderr.trim(), `There is no file or folder ${none}, and no run of this id on the server.`);
  }
  const unasked = await holdfast(['debug', none, '--address', '127.0.0.1:1']);
  assert.equal(unasked.code, 2);
  assert.match(unasked.stderr, /There is no file or folder .* none, and the server cannot be asked .*127\.0\.0\.1:1/);
});

test('writes through no symbolic link in the folder', async () => {
  const to = join(dir, 'linked');
  const other = join(dir, 'other.json');
  await mkdir(to);
  await writeFile(other, "Somebody else's.");
  await symlink(other, join(to, 'first.json'));
  const { code, stderr } = await command('export', 'first', '--to', to);
  assert.equal(code, 2);
  assert.match(stderr, /first\.json cannot be written: it is a symbolic link\. Choose another folder with --to\./);
  assert.equal(await readFile(other, 'utf8'), "Somebody else's.");
});

test('exports the runs of sub-agents with the run, while they run', async () => {
  await eventually(async () => (await command('approvals')).stdout.includes('family.1.0'));
  const to = join(dir, 'family');
  assert.equal((await command('export', 'family', '--family', '--to', to)).code, 0);
  const files = (await readdir(to)).sort();
  assert.deepEqual(files, ['family.1.0.json', 'family.json']);
  assert.equal((await command('replay', to)).code, 0);
});

test('masks what it exports, and the files still replay', async () => {
  const rules = join(dir, 'rules.json');
  await writeFile(rules, JSON.stringify([{ match: '[\\w.]+@[\\w.]+\\w', with: 'person-{n}' }, { key: 'bed' }]));
  const to = join(dir, 'masked');
  const exported = await command('export', 'first', '--to', to, '--mask', rules);
  assert.equal(exported.code, 0, exported.stderr);
  const text = Buffer.from(await readFile(join(to, 'first.json'))).toString();
  const decoded = [...text.matchAll(/"data": "([^"]*)"/g)].map(([, data = '']) =>
    Buffer.from(data, 'base64').toString(),
  );
  assert.ok(decoded.some((data) => data.includes('person-1')));
  assert.ok(!decoded.some((data) => data.includes('ann@example.com')));
  assert.ok(
    decoded.some((data) => data.includes('[masked')),
    'the bed',
  );
  assert.equal((await command('replay', to)).code, 0);
});

test('says which history does not replay with a mask', async () => {
  const rules = join(dir, 'short.json');
  // With texts this short, nothing would have been compacted.
  await writeFile(rules, JSON.stringify([{ match: '[^]+', with: 'x' }]));
  const text = await readFile(new URL('compact-own.json', GOLDEN_FOLDER), 'utf8');
  const mask = await openMask(rules);
  const lines = await mask.apply([{ workflowId: 'compacted', histories: historiesFromJson(text) }]);
  await mask.close();
  assert.match(
    lines.join(),
    /^compacted does not replay with this mask: history has activity compact\.1 \(compact\), and the code wants activity \d\.model \(callModel\)\.$/,
  );
});

test('refuses options that make no sense together, and rules that are none', async () => {
  const bad = join(dir, 'bad.json');
  await writeFile(bad, '[{"match":"("}]');
  for (const [args, why] of [
    [['export'], /Name the run to export by its workflow id, or several with --query/],
    [['export', 'first', '--query', 'x', '--to', dir], /Both "first" and --query/],
    [['export', '--query', 'x'], /Name a folder for their files with --to/],
    [['export', 'first', '--family'], /--family writes a file for each run/],
    [['export', 'first', '--to', dir, '-o', 'x'], /Give one of them/],
    [['export', 'first', '--to', bad], /bad\.json cannot be a folder/],
    [['export', '--query', 'no query', '--to', join(dir, 'none')], /does not understand --query "no query"/],
    [['export', 'first', '--mask', join(dir, 'missing.json')], /The rules of --mask cannot be read/],
    [['export', 'first', '--mask', bad], /bad\.json has no rules for --mask: Rule 1 has a pattern that is not valid/],
    [['replay'], /Name what to replay/],
    [['replay', '--query', 'no query'], /does not understand --query "no query"/],
  ] as const) {
    const { code, stderr, stdout } = await command(...args);
    assert.deepEqual({ args, code, stdout }, { args, code: 2, stdout: '' });
    assert.match(stderr, why);
  }
});

test('replays many histories in several processes, in order, with a verdict about each', async () => {
  const many = join(dir, 'many');
  await mkdir(many);
  const { stdout: good } = await command('export', 'first');
  for (let at = 10; at < 30; at++) await writeFile(join(many, `${at}.json`), good);
  await writeFile(join(many, '15.json'), good.replace('"name": "fever"', '"name": "pulse"'));
  await writeFile(join(many, '16.json'), '{"no":"history"}');
  await writeFile(join(many, '17.json'), good.replace('"name": "agent"', '"name": "payroll"'));
  const verdicts = await command('replay', many, '--processes', '2', '--json');
  assert.equal(verdicts.code, 1);
  const json = JSON.parse(verdicts.stdout) as { name: string; ok: boolean; unreadable?: true; problem?: string }[];
  assert.deepEqual(
    json.map(({ name }) => name),
    Array.from({ length: 20 }, (_, at) => join(many, `${at + 10}.json`)),
  );
  assert.deepEqual(
    json.filter(({ ok }) => !ok).map(({ name, unreadable }) => [name.slice(-7), unreadable]),
    [
      ['15.json', undefined],
      ['16.json', true],
      ['17.json', true],
    ],
  );
  assert.match(json[6]?.problem ?? '', /it is not a Temporal history/);
  assert.match(json[7]?.problem ?? '', /it is the history of another program: its workflow type is "payroll"/);

  await rm(join(many, '15.json'));
  const plain = await command('replay', many);
  assert.equal(plain.code, 2, 'all that can be read match');
  assert.match(plain.stdout, /^17 replayed; all match the workflow code; 2 could not be read\.$/m);
  const missing = await command('replay', 'first', 'no-such-run');
  assert.deepEqual([missing.code, missing.stdout.match(/^[✓✗]/gm)], [2, ['✓', '✗']]);
});
