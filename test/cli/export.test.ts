// `export`, `replay`, `show`, `debug` and `watch` of a run that continued as new, with all its histories or without the first.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { connect, type Holdfast, type RunHandle } from '../../client/index.ts';
import { readRun } from '../../core/read/readRun.ts';
import { historiesFromJson } from '../../worker/historyJson.ts';
import { createWorker, type HoldfastWorker } from '../../worker/index.ts';
import { quietLogs } from '../support/quiet.ts';
import { ownServer, serverAddress } from '../support/server.ts';
import { eventually } from '../support/waits.ts';
import { holdfast } from './command.ts';

const pulse = defineTool({
  name: 'pulse',
  description: 'Takes the pulse.',
  input: z.object({ bed: z.string() }),
  effect: 'read',
  retry: { attempts: 1 },
  run: ({ bed }) => {
    if (bed === 'empty') throw new Error('nobody is in it');
    return { pulse: 72 };
  },
});
const rounds = defineAgent({
  name: 'rounds',
  model: 'none',
  instructions: 'Look after the ward.',
  tools: [pulse],
  maxHistoryEvents: 30,
  maxTurns: 30,
  offline: ({ results, turn }) =>
    results.length > 0
      ? `All is well, ${turn}.`
      : { calls: ['7', 'empty'].map((bed) => ({ tool: 'pulse', arguments: { bed } })) },
});

// A link is deleted when the server has noted that its closing is through, which it does every half a minute by itself.
ownServer({
  'history.transferProcessorUpdateAckInterval': '100ms',
  'history.visibilityProcessorUpdateAckInterval': '100ms',
});
quietLogs();

const MESSAGES = 6;
const TURNS = 2 * MESSAGES;
let address: string;
let client: Holdfast;
let worker: HoldfastWorker;
let running: Promise<void>;
let dir: string;
let handle: RunHandle;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-export-'));
  address = await serverAddress();
  client = await connect({ address, namespace: 'default' });
  worker = await createWorker({ agents: [rounds], address, namespace: 'default', model: {} });
  running = worker.run();
  handle = await client.start('rounds', 'Bed 1?', { id: 'rounds', session: true });
  for (let n = 2; n <= MESSAGES; n++) await handle.ask(`Bed ${n}?`);
  await handle.close();
  await handle.result();
});
after(async () => {
  worker.shutdown();
  await running;
  await client.close();
  await rm(dir, { recursive: true });
});

const command = (...args: string[]) => holdfast([...args, '--address', address]);

test('exports all histories of a run as one file, which replays and reads as the run', async () => {
  const count = (await handle.histories()).length;
  assert.ok(count >= 3, `${count} histories`);
  const file = join(dir, 'rounds.json');
  const exported = await command('export', 'rounds', '-o', file);
  assert.deepEqual({ code: exported.code, stdout: exported.stdout }, { code: 0, stdout: '' });
  assert.match(
    exported.stderr,
    new RegExp(`^Wrote .*rounds\\.json: \\d+ events of rounds in ${count} histories\\.\\n$`),
  );
  const text = await readFile(file, 'utf8');
  // The server gives the entries of a map in any order.
  assert.deepEqual(JSON.parse((await command('export', 'rounds')).stdout), JSON.parse(text));
  assert.equal(JSON.parse(text).histories.length, count);

  const run = readRun(...historiesFromJson(text));
  assert.deepEqual(run, await handle.read());
  const shown = JSON.parse((await command('show', 'rounds', '--json')).stdout);
  assert.deepEqual(
    { turns: shown.turns, toolCalls: shown.toolCalls.length, earlier: shown.earlier },
    { turns: TURNS, toolCalls: TURNS, earlier: undefined },
  );
  assert.deepEqual(JSON.parse((await command('show', 'rounds', '--transcript', '--json')).stdout), run.transcript);

  const replayed = await command('replay', file);
  assert.equal(replayed.code, 0);
  for (let number = 1; number <= count; number++)
    assert.match(replayed.stdout, new RegExp(`^✓ .*rounds\\.json, history ${number}$`, 'm'));
  assert.match(replayed.stdout, new RegExp(`^${count} replayed; all match`, 'm'));
  assert.deepEqual(
    JSON.parse((await command('replay', 'rounds', '--json')).stdout),
    Array.from({ length: count }, (_, i) => ({ name: 'rounds', historyNumber: i + 1, workflowId: 'rounds', ok: true })),
  );
});

test('leaves a file that only its owner reads, whatever was there', async () => {
  const file = join(dir, 'private.json');
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
  const exportTo = async (path: string) => (await command('export', 'rounds', '-o', path)).code;
  assert.deepEqual({ code: await exportTo(file), mode: await modeOf(file) }, { code: 0, mode: '600' });
  await writeFile(file, 'An older export.');
  await chmod(file, 0o644);
  const open = await readFile(file, 'utf8');
  assert.deepEqual({ code: await exportTo(file), mode: await modeOf(file) }, { code: 0, mode: '600' });
  assert.notEqual(await readFile(file, 'utf8'), open);
  const rest = (await readdir(dir)).filter((name) => name.startsWith('private'));
  assert.deepEqual(rest, ['private.json'], 'and nothing beside it');
});

test('writes through no symbolic link, and to a pipe', async () => {
  const [other, link, folder] = ['other.json', 'link.json', 'folder.json'].map((name) => join(dir, name));
  await writeFile(other!, "Somebody else's.");
  await symlink(other!, link!);
  await mkdir(folder!);
  for (const [path, why] of [
    [link!, /^.*link\.json cannot be written: it is a symbolic link\. Choose another file with --output\.$/m],
    [folder!, /folder\.json cannot be written: it is a folder\. Choose/],
    [join(dir, 'nowhere', 'x.json'), /x\.json cannot be written: ENOENT/],
  ] as const) {
    const { code, stderr } = await command('export', 'rounds', '-o', path);
    assert.equal(code, 2);
    assert.match(stderr, why);
  }
  assert.equal(await readFile(other!, 'utf8'), "Somebody else's.");
  const pipe = join(dir, 'pipe');
  await promisify(execFile)('mkfifo', [pipe]);
  const [{ code }, text] = await Promise.all([command('export', 'rounds', '-o', pipe), readFile(pipe, 'utf8')]);
  assert.deepEqual({ code, fields: Object.keys(JSON.parse(text)) }, { code: 0, fields: ['histories'] });
});

test('names the history that diverges, and replays a history on its own', async () => {
  const { histories } = JSON.parse((await command('export', 'rounds')).stdout) as { histories: object[] };
  const wrong = JSON.stringify(histories[1]).replace('"name":"pulse"', '"name":"other"');
  await writeFile(join(dir, 'wrong.json'), JSON.stringify({ histories: histories.with(1, JSON.parse(wrong)) }));
  const replayed = await command('replay', join(dir, 'wrong.json'));
  assert.equal(replayed.code, 1);
  assert.match(replayed.stdout, /^✗ .*wrong\.json, history 2: turn \d, call \d\.\d \(other\), event \d+/m);
  assert.equal(replayed.stdout.match(/^✓/gm)?.length, histories.length - 1);

  await writeFile(join(dir, 'second.json'), JSON.stringify(histories[1]));
  assert.match((await command('replay', join(dir, 'second.json'))).stdout, /^✓ .*second\.json$/m);
  for (const [name, content, why] of [
    ['none.json', '{"histories":[]}', /it has no events/],
    ['half.json', '{"histories":[{}]}', /it has no events/],
  ] as const) {
    await writeFile(join(dir, name), content);
    const { code, stderr } = await command('replay', join(dir, name));
    assert.equal(code, 2);
    assert.match(stderr, why);
  }
});

test('reports the missing turns if the first history is gone, and shows the rest', async () => {
  const whole = await handle.read();
  const { workflowService } = client.client;
  const [first] = await handle.histories();
  const runId = first?.events?.[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId ?? '';
  const execution = { workflowId: 'rounds', runId };
  await workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution: execution });
  await eventually(() =>
    workflowService.describeWorkflowExecution({ namespace: 'default', execution }).then(
      () => false,
      () => true,
    ),
  );
  const { earlier } = await handle.read();
  assert.ok(earlier && earlier.turns > 1 && earlier.turns < TURNS);
  const gone = new RegExp(
    `^ *turns 1–${earlier.turns} \\(${earlier.calls} calls, ${earlier.failedCalls} failed\\): no longer kept by the server \\(retention\\)$`,
    'm',
  );

  const shown = await command('show', 'rounds');
  assert.match(shown.stdout, gone);
  assert.match(
    shown.stdout,
    new RegExp(`rounds: completed in .*, ${TURNS} turns, ${TURNS} tool calls \\(${MESSAGES} failed\\)`),
  );
  assert.doesNotMatch(shown.stdout, /turn 1, model/);
  assert.match(shown.stdout, new RegExp(`turn ${earlier.turns + 1}, model`));
  const json = JSON.parse((await command('show', 'rounds', '--json')).stdout);
  // Odd turns make the calls. Where the first history ends depends on the events of each task.
  const turn = earlier.turns + 1 + (earlier.turns % 2);
  assert.deepEqual(
    { turns: json.turns, earlier: json.earlier, turn: json.toolCalls[0].turn },
    { turns: TURNS, earlier, turn },
  );
  assert.deepEqual(JSON.parse((await command('show', 'rounds', '--transcript', '--json')).stdout), whole.transcript);

  const watched = await command('watch', 'rounds');
  assert.match(watched.stderr, gone);
  const [started] = (await command('watch', 'rounds', '--json')).stdout.split('\n');
  assert.deepEqual(JSON.parse(started ?? '').earlier, earlier);

  const debugged = await command('debug', 'rounds');
  assert.match(debugged.stdout, new RegExp(`The server no longer keeps turns 1 to ${earlier.turns} \\(retention\\)`));
  assert.match(debugged.stdout, /the run continues as new/);

  const file = join(dir, 'left.json');
  const exported = await command('export', 'rounds', '-o', file);
  assert.match(
    exported.stderr,
    new RegExp(`^The file begins with turn ${earlier.turns + 1}: the server no longer keeps earlier turns`, 'm'),
  );
  assert.deepEqual(readRun(...historiesFromJson(await readFile(file, 'utf8'))), await handle.read());
  assert.equal((await command('replay', file)).code, 0);
});
