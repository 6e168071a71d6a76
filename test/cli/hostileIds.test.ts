// Ids, names and errors from outside are printed by every command: none of them reaches a terminal as it is, and JSON keeps them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect, type Holdfast } from '../../client/index.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { asked } from '../support/people.ts';
import { eventually } from '../support/waits.ts';
import { type CommandOptions, type Ended, holdfast, type Started, start, stop, WARD } from './command.ts';
import { HOSTILE } from './hostile.ts';
import { onTerminal } from './terminal.ts';

/** No argument of a process may have the character 0. */
const TEXT = `${HOSTILE.replace('\0', '')}\x7f\x85`;
/** With a line that looks like one of ours. */
const EVIL = `${TEXT}\nFORGED`;
const RAN = `ran ${EVIL}`;
const WAITS = `waits ${EVIL}`;
const MISSING = `missing ${EVIL}`;
const SCHEDULE = `nightly ${EVIL}`;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
const RAW = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]/;

let server: DevServer;
let worker: Started;
let client: Holdfast;
let dir: string;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-hostile-'));
  server = await startDevServer();
  client = await connect({ address: server.address });
  worker = start(['worker', '--agents', WARD, '--address', server.address]);
  await worker.line(/^Polling after/);
  await (await client.start('ward', TEXT, { id: RAN })).result();
  const waiting = await client.start('payer', TEXT, { id: WAITS });
  await asked(waiting, 1);
  await eventually(async () => (await client.list()).length === 2 && (await client.inbox()).total === 1);
});
after(async () => {
  await client.close();
  await stop(worker);
  await server.kill();
  await rm(dir, { recursive: true });
});

async function said(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  const ended = await holdfast([...args, '--address', server.address], {
    ...options,
    env: { USER: `ann ${EVIL}`, ...options.env },
  });
  for (const [name, text] of [
    ['stdout', ended.stdout],
    ['stderr', ended.stderr],
  ] as const)
    assert.doesNotMatch(text, RAW, `${name} of ${JSON.stringify(args)}: ${JSON.stringify(text)}`);
  assert.notEqual(ended.stdout + ended.stderr, '', JSON.stringify(args));
  if (!args.includes('--json') && !args.includes('export'))
    assert.doesNotMatch(ended.stdout + ended.stderr, /^FORGED/m, `${JSON.stringify(args)} prints no line of others`);
  return ended;
}

/** Runs some at a time: most of each is the start of a process. */
async function sayAll(commands: readonly (readonly string[])[]): Promise<void> {
  for (let i = 0; i < commands.length; i += 4) await Promise.all(commands.slice(i, i + 4).map((args) => said(args)));
}

test('prints the id of a run inert, in every command', async () => {
  await sayAll([
    ['show', RAN],
    ['show', RAN, '--transcript'],
    ['watch', RAN],
    ['run', 'ward', TEXT, '--id', RAN],
    ['list'],
    ['list', '--agent', EVIL],
    ['approvals'],
    ['approvals', RAN],
    ['approvals', WAITS],
    ['show', WAITS],
    ['cancel', RAN],
    ['replay', RAN],
    ['debug', RAN],
    ['export', RAN],
    ['export', RAN, '-o', join(dir, 'ran.json')],
    ['pause', WAITS],
    ['resume', WAITS],
    ['steer', WAITS, EVIL],
    ['approve', WAITS, EVIL],
    ['run', 'payer', 'Pay.', '--id', `detached ${EVIL}`, '--detach'],
    ['setup'],
  ]);
  assert.doesNotMatch(await readFile(join(dir, 'ran.json'), 'utf8'), RAW);
});

test('prints an error about an id inert, in every command', async () => {
  await sayAll([
    ...['show', 'watch', 'cancel', 'export', 'debug', 'pause', 'stop', 'approve', 'close'].map((name) => [
      name,
      MISSING,
    ]),
    ['approvals', MISSING],
    ['send', MISSING, 'Hello.'],
    ['send', RAN, 'Hello.'],
    ['steer', RAN, 'Hello.'],
    ['approve', RAN],
    ['chat', 'talker', '--id', RAN],
    ['replay', `${dir}/${TEXT}.json`],
    ['export', RAN, '-o', `${dir}/${TEXT}/x`],
    ['show', RAN, `--${TEXT}`],
    [TEXT],
    ['agents', '--agents', `./${TEXT}.ts`],
  ]);
  const { stderr } = await said(['show', MISSING], { env: { HOLDFAST_DEBUG: '1' } });
  assert.match(stderr, /at /, 'with its stack');
});

test('prints the id of a schedule inert', async () => {
  for (const args of [
    ['add', SCHEDULE, 'ward', EVIL, '--cron', '0 3 * * *', '--note', EVIL],
    ['add', SCHEDULE, 'ward', EVIL, '--every', EVIL],
    ['pause', SCHEDULE, '--note', EVIL],
    ['list'],
    ['list', '--json'],
    ['resume', SCHEDULE],
    ['trigger', SCHEDULE],
    ['remove', SCHEDULE],
    ['remove', SCHEDULE],
  ])
    await said(['schedule', ...args]);
});

test('escapes JSON, which keeps its value', async () => {
  const json = async (...args: string[]) => JSON.parse((await said([...args, '--json'])).stdout);
  const [shown, listed, waiting, transcript, missing, watched] = await Promise.all([
    json('show', RAN),
    json('list'),
    json('approvals'),
    json('show', RAN, '--transcript'),
    said(['show', MISSING, '--json']),
    said(['watch', RAN, '--json']),
  ]);
  assert.deepEqual(
    {
      shown: shown.workflowId,
      listed: listed.some(({ workflowId }: { workflowId: string }) => workflowId === RAN),
      waiting: waiting.waiting[0].workflowId,
      input: transcript.find(({ role }: { role: string }) => role === 'user').content,
      missing: JSON.parse(missing.stderr).error.facts.workflowId,
      watched: JSON.parse(watched.stdout.split('\n')[0] ?? '').input,
    },
    { shown: RAN, listed: true, waiting: WAITS, input: TEXT, missing: MISSING, watched: TEXT },
  );
});

test('suggests a command that a shell reads back as the same id', async () => {
  const { stderr } = await said(['approvals', WAITS]);
  const [, id] = /approve (\$'.*') 1\.1 /.exec(stderr) ?? [];
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  const echoed = execFileSync('bash', ['-c', `printf %s ${id}`], { encoding: 'utf8', env });
  assert.equal(echoed, WAITS);
});

test('shows the id inert on a terminal, in colours of its own', async () => {
  for (const args of [
    ['watch', RAN],
    ['show', RAN],
    ['approvals', WAITS],
  ]) {
    const screen = onTerminal([...args, '--address', server.address]);
    await screen.ended;
    assert.match(screen.raw, /FORGED/);
    for (const part of ['\x1b[2J', '\x1b]', '\x9b', '\x7f', '\x85', '\u202e']) {
      assert.ok(EVIL.includes(part));
      assert.ok(!screen.raw.includes(part), `${args[0]} writes ${JSON.stringify(part)}`);
    }
    if (args[0] !== 'approvals') assert.ok(screen.raw.includes('\x1b[3'), `${args[0]} has colours`);
  }
});
