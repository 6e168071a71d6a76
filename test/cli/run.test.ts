// The output and exit codes of `run`, `watch`, `show`, `list`, `cancel`, `export` and `replay`.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { offlineModel, type ScriptedModel, startScriptedModel } from '../../activities/testing/index.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { eventually } from '../support/waits.ts';
import { holdfast, type Started, start, stop, WARD } from './command.ts';
import { HOSTILE } from './hostile.ts';
import * as agents from './ward.ts';

let server: DevServer;
let worker: Started;
let dir: string;
const at = () => ['--address', server.address];
const answer = async (...args: string[]) => {
  const ended = await holdfast([...args, '--json', ...at()]);
  return { ...ended, json: JSON.parse(ended.stdout) };
};

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
  server = await startDevServer();
  worker = start(['worker', '--agents', WARD, ...at()]);
  await worker.line(/^Polling after/);
});
after(async () => {
  assert.equal((await stop(worker)).code, 0, 'a worker that is told to stop ends with 0');
  await server.kill();
  await rm(dir, { recursive: true });
});

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What a terminal would execute, sent by whoever started the run. */
const CONTEXT = ['--context', JSON.stringify({ tenant: HOSTILE })];

test('prints only one object of the documented shape with --json', async () => {
  const { code, json, stderr } = await answer(
    'run',
    'ward',
    'How is bed 7?',
    '--id',
    'shape',
    '--by',
    'ann',
    ...CONTEXT,
  );
  assert.equal(code, 0);
  assert.equal(stderr, '');
  const { runId, startedAt, endedAt, durationMs, toolCalls, usage, spend, ...rest } = json;
  assert.match(runId, /^[0-9a-f-]{36}$/);
  assert.match(startedAt, ISO);
  assert.equal(durationMs, Date.parse(endedAt) - Date.parse(startedAt));
  assert.ok(Object.values(usage).every((tokens) => Number.isInteger(tokens)));
  assert.deepEqual(Object.keys(usage), ['inputTokens', 'outputTokens', 'cachedTokens']);
  assert.deepEqual(rest, {
    workflowId: 'shape',
    agent: 'ward',
    status: 'completed',
    context: { tenant: HOSTILE },
    startedBy: 'ann',
    session: false,
    output: 'All is well.',
    reason: null,
    reasonCode: null,
    reasonParameters: null,
    warnings: rest.warnings,
    turns: 2,
    paused: null,
    questions: [],
    compactions: [],
    budget: null,
  });
  const { activeMs, ...spent } = spend;
  assert.ok(activeMs > 0 && activeMs <= durationMs, `${activeMs} of ${durationMs}`);
  assert.deepEqual(spent, { ...usage, cost: 0, modelCalls: 2, toolCalls: 2 });
  assert.match(rest.warnings[0].text, /2 of 3 calls failed/);
  const [good, failed, never] = toolCalls;
  assert.match(good.startedAt, ISO);
  assert.ok(Number.isInteger(good.durationMs));
  const { startedAt: _, durationMs: __, ...plain } = good;
  assert.deepEqual(plain, { turn: 1, callId: 'call_1_0', tool: 'pulse', ok: true, attempts: 1 });
  assert.equal(failed.kind, 'failed');
  assert.deepEqual(never, {
    turn: 1,
    callId: 'call_1_2',
    tool: 'scan',
    ok: false,
    kind: 'unknown_tool',
    reason: {
      code: 'unknown_tool',
      parameters: { name: 'scan', available: ['pulse', 'fever'] },
      text: 'unknown tool "scan". Available tools: pulse, fever.',
    },
    attempts: 0,
    startedAt: null,
    durationMs: 0,
  });
  const { time, criticalPath, costs, failure, ...same } = (await answer('show', 'shape')).json;
  assert.deepEqual(same, json, 'show has the same object, and where its time and money went');
  assert.equal(time.totalMs, durationMs);
  assert.ok(criticalPath.length > 0 && costs.byTurn.length === rest.turns);
  assert.match(failure.sentence, /^Turn 1: call 1\.1 of .* failed/);
});

test('shows the context of a run, inert', async () => {
  for (const command of ['show', 'watch']) {
    const { stdout, stderr } = await holdfast([command, 'shape', ...at()]);
    const [line = ''] = (stdout + stderr).split('\n').filter((text) => text.startsWith('Context: '));
    assert.match(line, /^Context: \{"tenant":"before \\u001b\[2J/);
    assert.doesNotMatch(stdout + stderr, /[\p{Cc}--\n]|\p{Bidi_Control}/v);
  }
});

test('starts sessions and scheduled runs with a context', async () => {
  const context = ['--context', '{"tenant":"acme"}'];
  const chat = ['chat', 'ward', '--id', 'chat-context', '--close', '--json', ...context, ...at()];
  assert.equal((await holdfast(chat, { input: 'How is bed 7?\n' })).code, 0);
  assert.deepEqual((await answer('show', 'chat-context')).json.context, { tenant: 'acme' });
  const add = ['schedule', 'add', 'with-context', 'ward', 'How?', '--every', '1h', '--paused', ...context];
  assert.equal((await answer(...add)).code, 0);
  const { workflowId } = (await answer('schedule', 'trigger', 'with-context')).json;
  assert.deepEqual((await answer('show', workflowId)).json.context, { tenant: 'acme' });
  for (const [text, problem] of [
    ['{', /It is not JSON/],
    ['[1]', /It is not an object/],
  ] as const) {
    const { code, stderr } = await holdfast(['chat', 'ward', '--context', text, ...at()]);
    assert.equal(code, 2);
    assert.match(stderr, problem);
  }
});

test('prints the output alone to stdout, and the timeline to stderr', async () => {
  const { code, stdout, stderr } = await holdfast(['run', 'ward', '-', ...at()], { input: 'How is bed 8?' });
  assert.equal(code, 0);
  assert.equal(stdout, 'All is well.\n');
  assert.match(stderr, /^ward: How is bed 8\?$/m);
  assert.match(stderr, /^ {2}pulse \{"bed":"7"\}$/m);
  assert.match(stderr, /^✓ pulse +█+ +\d\.\d\d s$/m);
  assert.match(stderr, /✗ fever failed: the thermometer is broken/);
  assert.match(stderr, /^Warning: Turn 1: 2 of 3 calls failed/m);
});

test('exits with 1 for a run that does not complete', async () => {
  const { code, json } = await answer('run', 'endless', 'x', '--max-turns', '2', '--id', 'endless-1');
  assert.equal(code, 1);
  assert.equal(json.status, 'max_turns');
  assert.equal((await holdfast(['watch', 'endless-1', ...at()])).code, 1, 'and so does watching it');
});

test('returns the existing run of an id', async () => {
  const first = await answer('run', 'ward', 'one', '--id', 'twice');
  const again = await holdfast(['run', 'ward', 'two', '--id', 'twice', '--json', ...at()]);
  assert.equal(JSON.parse(again.stdout).runId, first.json.runId);
  assert.match(again.stderr, /already exists, with another input/);
});

test('exits with 2 for invalid input, with a line that says what to do', async () => {
  const wrong: [string[], RegExp][] = [
    [['run', 'ward'], /missing required argument 'input'/],
    [['run', 'ward', 'x', '--parallel', '0'], /whole number of at least 1/],
    [['fly'], /unknown command 'fly'/],
    [['show', 'nobody'], /There is no run "nobody"\. List runs with "npm run -s holdfast -- list"/],
    [['show', 'nobody', '--json'], /^\{"error":\{"code":"run_not_found","message":"There is no run \\"nobody\\"\."/],
    [['watch', 'nobody'], /There is no run "nobody"/],
    [['replay', 'no.json'], /There is no file or folder no\.json/],
    [['list', '--profile', 'nobody'], /Profile 'nobody' not found/],
    [['show', ''], /argument 'id'\. It is empty.*\nTry: npm run -s holdfast -- show --help/],
  ];
  const ends = await Promise.all(wrong.map(([args]) => holdfast([...args, ...at()])));
  for (const [i, [args, says]] of wrong.entries()) {
    const { code, stdout, stderr } = ends[i]!;
    assert.deepEqual({ args, code, stdout }, { args, code: 2, stdout: '' });
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /^ +at /m);
  }
});

test('exits with 3 without a server or namespace', async () => {
  const ends = await Promise.all([
    holdfast(['list', '--json', '--address', '127.0.0.1:1']),
    holdfast(['worker', '--agents', WARD, '--address', '127.0.0.1:1']),
    holdfast(['list', '--namespace', 'nowhere', ...at()]),
  ]);
  assert.deepEqual(
    ends.map(({ code, stdout }) => ({ code, stdout })),
    ends.map(() => ({ code: 3, stdout: '' })),
  );
  assert.match(ends[0].stderr, /No Temporal server answers at 127\.0\.0\.1:1 .* TEMPORAL_ADDRESS/);
  assert.match(ends[2].stderr, /no namespace "nowhere"/);
});

test('exits with 4 if no worker takes the run, which waits', async () => {
  const empty = await startDevServer();
  try {
    const ended = await holdfast(['run', 'ward', 'x', '--id', 'lonely', '--json', '--address', empty.address]);
    assert.equal(ended.code, 4);
    assert.match(ended.stderr, /No worker picked up lonely within 5 seconds.* watch lonely/);
    const { workflowId, status, toolCalls } = JSON.parse(ended.stdout);
    assert.deepEqual({ workflowId, status, toolCalls }, { workflowId: 'lonely', status: 'running', toolCalls: [] });
  } finally {
    await empty.kill();
  }
});

test('prints an event a line with ISO times from the start with watch --json', async () => {
  await answer('run', 'ward', 'x', '--id', 'watched');
  const { code, stdout } = await holdfast(['watch', 'watched', '--json', ...at()]);
  assert.equal(code, 0);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(events.every(({ at }) => ISO.test(at)));
  assert.doesNotMatch(stdout, /AtMs|atMs/);
  const types = events.map(({ type }) => type);
  assert.equal(types[0], 'started');
  assert.equal(types.at(-1), 'ended');
  assert.equal(types.filter((type) => type === 'call_ended').length, 3);
  assert.equal(
    events.find(({ type, call }) => type === 'call_ended' && call.tool === 'scan').call.kind,
    'unknown_tool',
  );
});

test('leaves the run on Ctrl-C, and ends it with cancel', async () => {
  const run = start(['run', 'sleeper', 'x', '--id', 'slept', ...at()]);
  await run.line(/the model asks for 1 call/);
  run.child.kill('SIGINT');
  const { code, stdout, stderr } = await run.ended;
  assert.deepEqual({ code, stdout }, { code: 130, stdout: '' });
  assert.match(stderr, /Left slept, which continues\. Return with: .* watch slept --address/);
  const cancelled = await answer('cancel', 'slept');
  assert.equal(cancelled.code, 0);
  assert.equal(cancelled.json.status, 'cancelled');
  assert.match((await holdfast(['cancel', 'slept', ...at()])).stdout, /was already over: cancelled/);
});

test('prints what the model was sent with show --transcript --json', async () => {
  const own = await startDevServer();
  const model: ScriptedModel = await startScriptedModel({ agents: [agents.ward] });
  const env = { OPENAI_BASE_URL: model.baseURL, OPENAI_MODEL: offlineModel('ward') };
  const real = start(['worker', '--agents', WARD, '--address', own.address], { env });
  try {
    await real.line(/^Polling after/);
    await holdfast(['run', 'ward', 'x', '--id', 'told', '--address', own.address]);
    const shown = await holdfast(['show', 'told', '--transcript', '--json', '--address', own.address]);
    const messages = JSON.parse(shown.stdout);
    const sent = (model.requests.at(-1)!.body as { messages: unknown[] }).messages;
    assert.deepEqual(messages.slice(0, -1), sent);
    assert.deepEqual(messages.at(-1), { role: 'assistant', content: 'All is well.' });
  } finally {
    await stop(real);
    await model.close();
    await own.kill();
  }
});

test('replays an exported history, and names turn and call of a mismatch', async () => {
  await answer('run', 'ward', 'x', '--id', 'kept');
  const file = join(dir, 'kept.json');
  assert.equal((await holdfast(['export', 'kept', '-o', file, ...at()])).code, 0);
  const exported = await readFile(file, 'utf8');
  // The server gives the fields of a memo in any order.
  assert.deepEqual(JSON.parse((await holdfast(['export', 'kept', ...at()])).stdout), JSON.parse(exported));
  assert.match((await holdfast(['replay', file])).stdout, /^✓ .*kept\.json$/m);
  assert.deepEqual((await answer('replay', 'kept')).json, [{ name: 'kept', workflowId: 'kept', ok: true }]);

  // The second call of the turn was recorded under another tool's name, which the first one has as well.
  await writeFile(join(dir, 'other.json'), exported.replace('"name": "fever"', '"name": "pulse"'));
  const both = await holdfast(['replay', dir]);
  assert.equal(both.code, 1);
  assert.match(
    both.stdout,
    /^✗ .*other\.json: turn 1, call 1\.1 \(pulse\), event \d+: .*has activity 1\.1 \(pulse\), and the code wants activity 1\.1 \(fever\)$/m,
  );
  assert.match(both.stdout, /^2 replayed; 1 does not match/m);
  const { json } = await answer('replay', join(dir, 'other.json'));
  const { turn, slot, callId, has, wants, sdk } = json[0];
  assert.deepEqual({ turn, slot, callId }, { turn: 1, slot: 1, callId: 'call_1_1' });
  assert.deepEqual([has.name, wants], ['pulse', { kind: 'activity', id: '1.1', name: 'fever' }]);
  assert.match(sdk, /'pulse'.*'fever'/);
});

test('renders hostile text of a model, tool or name inert everywhere', async () => {
  const run = await holdfast(['run', 'hostile', 'x\x1b[2J', '--id', 'evil', ...at()]);
  const shown = await holdfast(['show', 'evil', ...at()]);
  const transcript = await holdfast(['show', 'evil', '--transcript', ...at()]);
  const watched = await holdfast(['watch', 'evil', ...at()]);
  const text = [run, shown, transcript, watched].map(({ stdout, stderr }) => stdout + stderr).join('');
  assert.match(text, /before .*after/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
  assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066\u200b]/);
});

test('labels a run, lists by label and page, and shows the labels', async () => {
  const labels = ['--label', 'tenant=acme', '--label', 'team=Ost & West'];
  const run = (id: string, ...more: string[]) => holdfast(['run', 'ward', 'Go.', '--id', id, ...more, ...at()]);
  await run('labelled-1', ...labels);
  await run('labelled-2', '--label', 'tenant=acme');
  await run('labelled-3', '--label', 'tenant=other');
  const ids = (json: { workflowId: string }[]) => json.map(({ workflowId }) => workflowId);
  const list = (...args: string[]) => answer('list', '--label', 'tenant=acme', ...args);
  // Temporal's visibility lags by a moment.
  const all = await eventually(async () => {
    const { json } = await list();
    return json.length === 2 && json;
  });
  assert.deepEqual(ids(all), ['labelled-2', 'labelled-1']);
  assert.deepEqual(all[1].labels, { tenant: 'acme', team: 'Ost & West' });
  assert.deepEqual(ids((await answer('list', ...labels)).json), ['labelled-1']);
  const first = await holdfast(['list', '--label', 'tenant=acme', '--limit', '1', ...at()]);
  const [, cursor = ''] = /^For the next runs, add: --after (\S+)$/m.exec(first.stderr) ?? [];
  assert.deepEqual(ids((await list('--limit', '1', '--after', cursor)).json), ['labelled-1']);
  assert.match((await holdfast(['show', 'labelled-1', ...at()])).stdout, /^Labels: team=Ost & West, tenant=acme$/m);
  assert.deepEqual((await answer('show', 'labelled-2')).json.labels, { tenant: 'acme' });
  for (const wrong of [['tenant'], ['=x'], ['tenant=a', '--label', 'tenant=b']])
    assert.equal((await holdfast(['list', '--label', ...wrong, ...at()])).code, 2, wrong.join(' '));
  assert.match((await holdfast(['list', '--label', 'x=y', ...at()])).stderr, /^There are no runs with x=y at/m);
});

test('watches a run from an event on, and its family', async () => {
  await holdfast(['run', 'ward', 'Go.', '--id', 'cursors', ...at()]);
  const watched = async (...args: string[]) => {
    const { code, stdout } = await holdfast(['watch', 'cursors', '--json', ...args, ...at()]);
    assert.equal(code, 0);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  };
  const all = await watched();
  const [first, ...rest] = all;
  assert.deepEqual(await watched('--after', first.id), rest);
  const family = await watched('--family');
  assert.deepEqual(
    family.map(({ id, workflowId, path }) => ({ id, workflowId, path })),
    all.map(({ id }) => ({ id, workflowId: 'cursors', path: [] })),
  );
  assert.deepEqual(await watched('--family', '--after', family[0].cursor), family.slice(1));
  assert.equal((await holdfast(['watch', 'cursors', '--json', '--after', 'x', ...at()])).code, 2);
  assert.equal((await holdfast(['watch', 'cursors', '--family', ...at()])).code, 2);
});

test('watches all runs with a label, and continues after a cursor with those that started meanwhile', async () => {
  const label = ['--label', 'tenant=watched'];
  const run = start(['run', 'sleeper', 'x', '--id', 'open', ...label, ...at()]);
  await run.line(/the model asks for 1 call/);
  run.child.kill('SIGINT');
  await run.ended;
  const watching = start(['watch', '--json', ...label, ...at()]);
  await watching.line(/"type":"call_scheduled".*"workflowId":"open"/);
  for (const [id, tenant] of [
    ['other', 'another'],
    ['first', 'watched'],
  ] as const)
    await holdfast(['run', 'ward', 'Go.', '--id', id, '--label', `tenant=${tenant}`, ...at()]);
  await watching.line(/"type":"ended".*"workflowId":"first"/);
  const { code, stdout, stderr } = await stop(watching);
  assert.deepEqual({ code, stderr }, { code: 130, stderr: '' });
  const linesOf = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const events = linesOf(stdout);
  assert.deepEqual(new Set(events.map(({ workflowId }) => workflowId)), new Set(['open', 'first']));

  await holdfast(['run', 'ward', 'Go.', '--id', 'second', ...label, ...at()]);
  const again = start(['watch', '--json', ...label, '--after', events.at(-1).cursor, ...at()]);
  await again.line(/"type":"ended".*"workflowId":"second"/);
  const more = linesOf((await stop(again)).stdout);
  assert.deepEqual(new Set(more.map(({ workflowId }) => workflowId)), new Set(['second']));
  assert.equal(more[0].type, 'started');
  await holdfast(['cancel', 'open', ...at()]);

  for (const [wrong, problem] of [
    [['--label', 'a=b'], /Add --json, or the id of a run/],
    [['--json', '--family'], /Leave it out/],
    [['--json', '--after', 'x'], /Pass what cursor\(\) of/],
    [['first', '--label', 'a=b'], /Leave out the id/],
  ] as const) {
    const refused = await holdfast(['watch', ...wrong, ...at()]);
    assert.equal(refused.code, 2, wrong.join(' '));
    assert.match(refused.stderr, problem);
  }
});

test('runs and schedules on the task queue that is named, where a worker of it serves them', async () => {
  const queue = ['--task-queue', 'night'];
  const nightly = start(['worker', '--agents', WARD, ...queue, ...at()]);
  await nightly.line(/task queue night$/);
  const ended = await holdfast(['run', 'ward', 'Go.', '--id', 'by-night', ...queue, ...at()]);
  assert.equal(ended.code, 0);
  const { stdout } = await holdfast(['export', 'by-night', ...at()]);
  assert.match(stdout, /"taskQueue":\s*\{\s*"name":\s*"night"/);
  await holdfast(['schedule', 'add', 'nights', 'ward', 'Go.', '--every', '1h', ...queue, ...at()]);
  const triggered = await holdfast(['schedule', 'trigger', 'nights', ...at()]);
  assert.equal((await holdfast(['watch', triggered.stdout.trim(), ...at()])).code, 0);
  assert.equal((await holdfast(['run', 'ward', 'Go.', '--task-queue', ' ', ...at()])).code, 2);
  await stop(nightly);
});
