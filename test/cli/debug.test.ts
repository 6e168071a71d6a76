// `holdfast debug`: through a run step by step on a terminal, as plain text, and as JSON.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { act, frameOf, HELP, openState, searchFor } from '../../cli/debug/debugState.ts';
import { columnsOf } from '../../cli/terminal/columns.ts';
import { readSteps } from '../../core/read/steps.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { historyFromJson } from '../../worker/historyJson.ts';
import { GOLDEN_FOLDER } from '../support/histories.ts';
import { eventually } from '../support/waits.ts';
import { holdfast, type Started, start, stop, WARD } from './command.ts';
import { CTRL_C, onTerminal } from './terminal.ts';

const ENTER = '\r';
const BACKSPACE = '\x7f';
const RIGHT = '\x1b[C';
const FAILS = fileURLToPath(new URL('one-of-four-fails.json', GOLDEN_FOLDER));

let server: DevServer;
let worker: Started;
let dir: string;
const at = () => ['--address', server.address];

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-debug-'));
  server = await startDevServer();
  worker = start(['worker', '--agents', WARD, ...at()]);
  await worker.line(/^Polling after/);
  await holdfast(['run', 'hostile', 'x', '--id', 'evil', ...at()]);
  await holdfast(['run', 'chief', 'Pay.', '--id', 'paying', '--detach', ...at()]);
});
after(async () => {
  await stop(worker);
  await server.kill();
  await rm(dir, { recursive: true });
});

async function debugged(name: string) {
  return readSteps([historyFromJson(await readFile(new URL(name, GOLDEN_FOLDER), 'utf8'))]);
}

test('goes through a run on a terminal: steps, turns, the first failure, a search, help', async () => {
  const terminal = onTerminal(['debug', FAILS]);
  await terminal.sees(/one-of-four-fails: completed, step 1 of 14/);
  terminal.type(RIGHT);
  await terminal.sees(/step 2 of 14[\s\S]*New in the request/);
  terminal.type('f');
  await terminal.sees(/step 8 of 14[\s\S]*number one is broken/);
  terminal.type('t');
  await terminal.sees(/turn 2: agent1 asks the model[\s\S]*Result of 1\.0 reversed/);
  terminal.type('t');
  await terminal.sees(/There is no later turn/);
  terminal.type(`/NUMBER one${ENTER}`);
  await terminal.sees(/step 14 of 14/);
  terminal.type('n');
  await terminal.sees(/step 8 of 14/);
  terminal.type(`/nowhere to be found${ENTER}`);
  await terminal.sees(/No step has "nowhere to be found"/);
  terminal.type('?');
  await terminal.sees(/first failure/);
  terminal.type('q');
  assert.equal((await terminal.ended).code, 0);
  assert.ok(terminal.raw.endsWith('\x1b[?7h\x1b[?25h\x1b[?1049l'), 'the terminal is as it was');
});

test('enters the run of a sub-agent and goes back, and reads a live run again', async () => {
  await eventually(async () => (await holdfast(['approvals', ...at()])).stdout.includes('paying.1.0'));
  const terminal = onTerminal(['debug', 'paying', ...at()]);
  await terminal.sees(/paying: running, step 1/);
  terminal.type('c');
  await terminal.sees(/Runs as paying\.1\.0\. Enter opens it/);
  terminal.type(ENTER);
  await terminal.sees(/paying > paying\.1\.0: running, step 1/);
  terminal.type('G');
  await terminal.sees(/waits for a person/);
  terminal.type(BACKSPACE);
  await terminal.sees(/paying: running, step \d/);
  terminal.type(BACKSPACE);
  await terminal.sees(/There is no run above this one/);
  await holdfast(['cancel', 'paying', ...at()]);
  terminal.type('r');
  await terminal.sees(/paying: cancelled[\s\S]*Read again: \d+ more/);
  terminal.type(CTRL_C);
  assert.equal((await terminal.ended).code, 130);
});

test('fits every step of every golden history on screens of any size', async () => {
  const plain = (_: unknown, text: string) => text;
  for (const name of (await readdir(GOLDEN_FOLDER)).filter((one) => one.endsWith('.json'))) {
    let state = openState(await debugged(name));
    for (const _ of state.debugged.steps) {
      for (const [columns, rows] of [
        [80, 24],
        [20, 6],
        [200, 50],
      ] as const) {
        const frame = frameOf(state, ['above'], { columns, rows, paint: plain });
        assert.equal(frame.length, rows, name);
        for (const line of frame) assert.ok(columnsOf(line) <= columns, `${name}: ${line}`);
      }
      state = act(state, 'next', 10);
    }
  }
});

test('moves by turn, call, match and failure, and stays where there is none', async () => {
  const first = openState(await debugged('one-of-four-fails.json'));
  const titleAfter = (...actions: Parameters<typeof act>[1][]) => {
    const { at: index, debugged: shown } = actions.reduce((state, action) => act(state, action, 10), first);
    return shown.steps[index]!.event.type;
  };
  assert.equal(titleAfter('nextTurn'), 'model_call_started');
  assert.equal(titleAfter('last'), 'ended');
  assert.equal(titleAfter('last', 'next'), 'ended');
  assert.equal(titleAfter('previous'), 'started');
  assert.equal(titleAfter('nextCall'), 'call_scheduled');
  assert.equal(titleAfter('firstFailure'), 'call_ended');
  assert.equal(titleAfter('last', 'previousTurn'), 'model_call_started');
  assert.equal(act(first, 'nextMatch', 10).notice, 'Search with / first.');
  const found = searchFor(first, 'broken', 10);
  assert.ok(found.at > 0 && act(found, 'nextMatch', 10).at !== found.at);
  assert.ok(HELP.length > 5);
});

test('prints the same as plain text and as JSON where there is no terminal', async () => {
  const plain = await holdfast(['debug', FAILS]);
  assert.equal(plain.code, 0);
  assert.match(plain.stdout, /^1\. the run starts: agent1$/m);
  assert.match(plain.stdout, /^8\. 1\.1 reversed fails: failed ✗$/m);
  assert.match(plain.stdout, /^ {3}Spent so far: 116 tokens, 1 model call/m);
  const steps = JSON.parse((await holdfast(['debug', FAILS, '--json'])).stdout);
  assert.deepEqual([steps.length, steps[0].number, steps.at(-1).event.type], [14, 1, 'ended']);
  assert.deepEqual(
    steps.filter(({ failed }: { failed: boolean }) => failed).map(({ call }: { call: string }) => call),
    ['1.1'],
  );
  assert.equal(steps[1].request.messages[0], steps[0].event.input);
  assert.equal(steps[2].plan.length, 4);
});

test('renders hostile text inert, on a terminal as well', async () => {
  const plain = await holdfast(['debug', 'evil', ...at()]);
  assert.match(plain.stdout, /before .*after/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
  const raw = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066\u200b]/;
  assert.doesNotMatch(plain.stdout, raw);
  assert.doesNotMatch((await holdfast(['debug', 'evil', '--json', ...at()])).stdout, raw);
  const terminal = onTerminal(['debug', 'evil', ...at()]);
  await terminal.sees(/step 1 of/);
  terminal.type(RIGHT + RIGHT);
  await terminal.sees(/before .*after/);
  terminal.type('q');
  await terminal.ended;
  // The program's own sequences move the cursor home, clear, and paint.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
  const known = /\x1b\[(?:H|K|J|\?1049[hl]|\?25[hl]|\?7[hl]|[\d;]*m)/g;
  assert.doesNotMatch(terminal.raw.replaceAll(known, '').replaceAll(/[\r\n]/g, ''), raw);
});

test('says what cannot be shown, and what to do', async () => {
  const bad = join(dir, 'bad.json');
  await writeFile(bad, '{"some":"json"}');
  const other = join(dir, 'other.json');
  await writeFile(other, (await readFile(FAILS, 'utf8')).replace('"name": "agent"', '"name": "payroll"'));
  const encoded = join(dir, 'encoded.json');
  const [plain, secret] = ['json/plain', 'binary/secret'].map((name) => Buffer.from(name).toString('base64'));
  await writeFile(encoded, (await readFile(FAILS, 'utf8')).replaceAll(plain!, secret!));
  for (const [args, why] of [
    [['debug', encoded], /encoded\.json cannot be shown: .*"binary\/secret".* \(docs\/payloads\.md\)\.$/m],
    [['debug', 'no-such-run', ...at()], /There is no run "no-such-run"/],
    [['debug', join(dir, 'none.json')], /There is no file .*none\.json/],
    [['debug', dir], /is a folder/],
    [
      ['debug', bad],
      /bad\.json cannot be shown: it is not a Temporal history: it has no events\. Name a run of an agent, or a file that ".* export" wrote of one\.$/m,
    ],
    [
      ['debug', other],
      /other\.json cannot be shown: it is the history of another program: its workflow type is "payroll", not "agent"\. Name a run of an agent/,
    ],
  ] as const) {
    const { code, stdout, stderr } = await holdfast(args);
    assert.deepEqual({ args, code, stdout }, { args, code: 2, stdout: '' });
    assert.match(stderr, why);
  }
});
