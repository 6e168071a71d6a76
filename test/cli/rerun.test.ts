// `rerun` and `record-test`: on files, without a server, a model or a network.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { historiesToJson } from '../../worker/historyJson.ts';
import { playRecording, testAgent } from '../../worker/testing/index.ts';
import { GOLDEN_FOLDER } from '../support/histories.ts';
import { quietLogs } from '../support/quiet.ts';
import { clerk } from './clerk.ts';
import { holdfast } from './command.ts';
import { dated } from './dated.ts';

quietLogs();

const AGENTS = fileURLToPath(new URL('./clerk.ts', import.meta.url));
const DATED = fileURLToPath(new URL('./dated.ts', import.meta.url));
const TESTING = new URL('../../worker/testing/index.ts', import.meta.url).href;
let dir: string;
const rerun = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  holdfast(['rerun', '--agents', AGENTS, ...args], { cwd: dir, env });

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-rerun-'));
  await mkdir(join(dir, 'runs'));
  await using lab = await testAgent(clerk);
  for (const order of [1, 2, 3]) {
    const run = await lab.start(`Refund ${order}.`, { id: `order-${order}` });
    await run.result();
    await writeFile(join(dir, 'runs', `order-${order}.json`), historiesToJson(await run.histories()));
  }
});
after(() => rm(dir, { recursive: true }));

/** Returns a function that runs a written test in a process of its own. */
async function runnable(file: string) {
  // There is no package `holdfast` here; the test of the package has it.
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace("'holdfast/testing'", JSON.stringify(TESTING)));
  // Without it, Node takes the test for a part of this one.
  const { NODE_TEST_CONTEXT: _, ...own } = process.env;
  return (env: Readonly<Record<string, string>> = {}) =>
    promisify(execFile)(process.execPath, ['--test', file], { env: { ...own, ...env } }).then(
      ({ stdout }) => ({ ok: true, stdout }),
      ({ stdout }: { stdout: string }) => ({ ok: false, stdout }),
    );
}

async function happenedIn(name: string): Promise<string[]> {
  const text = await readFile(join(dir, name), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

test('reruns a folder from its record, and no tool is called', async () => {
  const { code, stdout } = await rerun(['runs', '--model', 'recorded', '-n', '2'], { HAPPENED: join(dir, 'none') });
  assert.deepEqual({ code, happened: await happenedIn('none') }, { code: 0, happened: [] });
  assert.match(stdout, /order-1 .*completed +completed +3 /);
  assert.match(stdout, /6 of 6 came out as before\.\n$/);
});

test('calls what only reads, or what is named', async () => {
  const only = 'runs/order-1.json';
  await rerun([only, '--model', 'recorded', '--tools', 'live-reads'], { HAPPENED: join(dir, 'reads') });
  assert.deepEqual(await happenedIn('reads'), ['get_order 1']);
  await rerun([only, '--model', 'recorded', '--tools', 'live=refund'], { HAPPENED: join(dir, 'live') });
  assert.deepEqual(await happenedIn('live'), ['get_order 1', 'refund 1']);
});

test('stops a run whose model calls what the record does not have, and names the nearest call', async () => {
  const env = { GREEDY: '1', HAPPENED: join(dir, 'greedy') };
  const { code, stdout } = await rerun(['runs/order-2.json'], env);
  assert.deepEqual({ code, happened: await happenedIn('greedy') }, { code: 1, happened: [] });
  assert.match(
    stdout,
    /no call of refund with \{"order":2,"amount":200\}, which is call 2\.0 now\. The nearest is 2\.0, with \{"order":2,"amount":20\}/,
  );
  assert.match(stdout, /0 of 1 came out as before/);
  assert.equal((await rerun(['runs/order-2.json', '--fail-under', '0'], env)).code, 0);
});

test('prints the results as JSON', async () => {
  const { stdout } = await rerun(['runs', '--model', 'recorded', '--json']);
  const results = JSON.parse(stdout);
  assert.deepEqual(
    results.map((one: { workflowId: string; ok: boolean }) => [one.workflowId, one.ok]),
    [1, 2, 3].map((order) => [`order-${order}`, true]),
  );
});

test('refuses what cannot be played, each with what to do', async () => {
  const wrong = [
    [['runs', '--tools', 'live'], /Name the tools that may have them/],
    [['runs', '--tools', 'live=pay'], /No agent has a tool "pay"\. There are: get_order/],
    [['runs', '--tools', 'all'], /Choose recorded, live-reads, or live=NAMES/],
    [['runs', '--fail-under', '2'], /number from 0 to 1/],
    [['runs', '--fail-under', ''], /number from 0 to 1/],
    [['nowhere.json'], /There is no file or folder nowhere\.json/],
    [[], /Name what to play/],
    [
      [fileURLToPath(new URL('images.json', GOLDEN_FOLDER))],
      /is not played: It is a run of agent ".*", which .*clerk\.ts does not have/,
    ],
  ] as const;
  for (const [args, message] of wrong) {
    const { code, stderr } = await rerun([...args]);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, message);
  }
});

test('writes a run as a test that passes, and that fails when the agent changes', async () => {
  const written = await holdfast(
    ['record-test', 'runs/order-3.json', '--agents', AGENTS, '--to', 'test/order.test.ts'],
    { cwd: dir },
  );
  assert.deepEqual({ code: written.code, stdout: written.stdout }, { code: 0, stdout: '' });
  assert.match(
    written.stderr,
    /Wrote test\/order\.test\.ts and test\/order\.recording\.json\.\nRecorded: 3 answers, 0 decisions, results of get_order, refund\.\nNot called in this run, and not in the test: send_letter\./,
  );
  const recording = JSON.parse(await readFile(join(dir, 'test/order.recording.json'), 'utf8'));
  assert.deepEqual(recording.manifest, {
    clock: recording.startedAt,
    requests: { turns: 3, unstable: [] },
    recorded: { answers: 3, decisions: 0, messages: 0, results: { get_order: 1, refund: 1 } },
    stubbed: ['get_order', 'refund'],
    unseen: ['send_letter'],
  });
  const file = join(dir, 'test/order.test.ts');
  const text = await readFile(file, 'utf8');
  assert.match(text, /import \* as agents from "\.\..*clerk\.ts";/);
  const runTest = await runnable(file);
  const env = { HAPPENED: join(dir, 'tested') };
  const passed = await runTest(env);
  assert.ok(passed.ok, passed.stdout);
  assert.match(passed.stdout, /pass 1/);
  assert.deepEqual(await happenedIn('tested'), []);
  const failed = await runTest({ ...env, STRICT: '1' });
  assert.equal(failed.ok, false);
  assert.match(failed.stdout, /no decision about 2\.0, a call of refund/);
});

test('refuses a test that would expect another outcome than that of the record, or writes it if asked', async () => {
  const write = (...args: string[]) =>
    holdfast(
      [
        'record-test',
        'runs/order-2.json',
        '--agents',
        AGENTS,
        '--to',
        'test/changed.test.ts',
        ...args,
        '--framework',
        'node',
      ],
      { cwd: dir, env: { DENIED: '1' } },
    );
  const refused = await write();
  assert.deepEqual(
    { code: refused.code, files: await readFile(join(dir, 'test/changed.test.ts')).catch(() => null) },
    { code: 2, files: null },
  );
  assert.match(
    refused.stderr,
    /comes out otherwise now than in its record: first difference, the result of 1\.0: .* → .*--allow-difference/,
  );
  const written = await write('--allow-difference');
  assert.equal(written.code, 0, written.stderr);
});

test('writes tests that pass as written, whatever their names, and as ES modules', async () => {
  const odd = join(dir, 'an odd#folder');
  await mkdir(odd);
  await writeFile(join(odd, 'agents?.ts'), `export * from ${JSON.stringify(pathToFileURL(AGENTS).href)};\n`);
  const written = await holdfast(
    [
      'record-test',
      'runs/order-1.json',
      '--agents',
      join(odd, 'agents?.ts'),
      '--to',
      'test/a: #1? ö%3A.test.ts',
      '--framework',
      'node',
    ],
    { cwd: dir },
  );
  assert.equal(written.code, 0, written.stderr);
  const passed = await (await runnable(join(dir, 'test/a: #1? ö%3A.test.ts')))();
  assert.ok(passed.ok, passed.stdout);
  for (const file of ['a.test.cts', 'a.test.cjs', 'a.json']) {
    const { code, stderr } = await holdfast(['record-test', 'runs/order-1.json', '--agents', AGENTS, '--to', file], {
      cwd: dir,
    });
    assert.equal(code, 2);
    assert.match(stderr, /is no file of a test, which is an ES module/);
  }
});

test('does not replace a test, and masks a recording', async () => {
  const again = await holdfast(['record-test', 'runs/order-3.json', '--agents', AGENTS, '--to', 'test/order.test.ts'], {
    cwd: dir,
  });
  assert.equal(again.code, 2);
  assert.match(again.stderr, /test\/order\.test\.ts is there already/);
  await writeFile(join(dir, 'rules.json'), JSON.stringify([{ match: 'refunded', with: 'done {n}' }]));
  const masked = await holdfast(
    ['record-test', 'runs/order-1.json', '--agents', AGENTS, '--to', 'test/masked.test.ts', '--mask', 'rules.json'],
    { cwd: dir },
  );
  assert.equal(masked.code, 0, masked.stderr);
  const text = await readFile(join(dir, 'test/masked.test.ts'), 'utf8');
  assert.match(text, /Order 1 is done 1\./);
});

test('says whose agents a test lacks', async () => {
  await writeFile(
    join(dir, 'other.ts'),
    `import { defineAgent } from ${JSON.stringify(pathToFileURL(fileURLToPath(new URL('../../activities/index.ts', import.meta.url))).href)};\nexport const other = defineAgent({ name: 'other', model: 'm', instructions: 'x' });\n`,
  );
  const { code, stderr } = await holdfast(['record-test', 'runs/order-1.json', '--agents', 'other.ts'], { cwd: dir });
  assert.equal(code, 2);
  assert.match(stderr, /of agent "clerk", and there is none of this name among: other/);
});

test('writes a test that notices what the agent asks its model otherwise', async () => {
  await using lab = await testAgent(dated);
  const run = await lab.start('Look twice.', { id: 'dated-1' });
  await run.result();
  await writeFile(join(dir, 'dated.json'), historiesToJson(await run.histories()));
  const written = await holdfast(
    ['record-test', 'dated.json', '--agents', DATED, '--to', 'test/dated.test.ts', '--framework', 'node'],
    { cwd: dir },
  );
  assert.equal(written.code, 0, written.stderr);
  const { manifest, startedAt } = JSON.parse(await readFile(join(dir, 'test/dated.recording.json'), 'utf8'));
  assert.deepEqual([manifest.clock, manifest.requests], [startedAt, { turns: 3, unstable: ['message 1'] }]);
  assert.match(written.stderr, /Other each time, and not compared in requests: message 1\./);

  const runTest = await runnable(join(dir, 'test/dated.test.ts'));
  // Later than it was written, and with other chance.
  const passed = await runTest();
  assert.ok(passed.ok, passed.stdout);
  const changes = [
    [{ WORDS: 'Be short.' }, "'turn 1: instructions'"],
    [{ DESCRIPTION: 'Looks up an account.', TEMPERATURE: '0.9' }, "'turn 1: tool look_up, temperature'"],
    [{ NOTE: 'remark' }, "'turn 2: message 3'"],
  ] as const;
  for (const [env, names] of changes) {
    const failed = await runTest(env);
    assert.equal(failed.ok, false, names);
    assert.ok(failed.stdout.includes(names), failed.stdout);
  }
});

test('leaves the clock alone but for the functions of agents', async () => {
  const recording = JSON.parse(await readFile(join(dir, 'test/dated.recording.json'), 'utf8'));
  const RealDate = Date;
  const playing = playRecording([dated], { ...recording, startedAt: '2001-02-03T04:05:06.000Z' });
  const before = Date.now();
  const { run, changedRequests } = await playing;
  assert.ok(before > RealDate.UTC(2_020, 0), String(before));
  assert.equal(Date, RealDate);
  assert.match(run.transcript[0]?.content ?? '', /It is 2001-02-03T04:05:06\.000Z, or 981173106000\./);
  assert.ok(changedRequests.includes('turn 1: instructions'), changedRequests.join());
  await assert.rejects(
    playRecording([dated], { ...recording, startedAt: 'soon' }),
    /startedAt .* "soon", which is no time/,
  );
});
