// `holdfast chat` through pipes and on a terminal, including leaving a session and returning to it.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, type Holdfast } from '../../client/index.ts';
import { toolCalls } from '../../core/read/run.ts';
import { type DevServer, startDevServer } from '../../worker/dev/devServer.ts';
import { holdfast, type Started, start, stop } from './command.ts';
import { HOSTILE } from './hostile.ts';
import { CTRL_C, CTRL_D, onTerminal } from './terminal.ts';

const TALKER = fileURLToPath(new URL('./talker.ts', import.meta.url));

let server: DevServer;
let worker: Started;
let client: Holdfast;
let dir: string;
const at = () => ['--address', server.address];
const chat = (input: string, ...args: string[]) => holdfast(['chat', 'talker', ...args, ...at()], { input });
const terminal = (id: string, columns = 80) =>
  onTerminal(['chat', 'talker', '--id', id, '--by', 'ann', ...at()], { columns });
const paid = () => readFile(join(dir, 'paid'), 'utf8').catch(() => '');

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-chat-'));
  server = await startDevServer();
  client = await connect({ address: server.address });
  worker = start(['worker', '--agents', TALKER, '--stream-interval', '100ms', ...at()], {
    env: { TALKER_PAID: join(dir, 'paid') },
  });
  await worker.line(/^Polling after/);
});
after(async () => {
  await client.close();
  await stop(worker);
  await server.kill();
  await rm(dir, { recursive: true });
});

// Side by side: most of each is waiting for processes to start.
describe('holdfast chat', { concurrency: 4 }, () => {
  test('reads messages from a pipe, and prints only their replies to stdout in order', async () => {
    const session = await client.start('talker', '', { id: 'piped', session: true });
    await session.pause();
    const input = 'one\n\ntwo\\\nlines\n/stop\nlast';
    const piped = start(['chat', 'talker', '--id', 'piped', ...at()], { input });
    await piped.line(/^Paused: messages are answered after .* resume piped --address/);
    await session.resume();
    const { code, stdout, stderr } = await piped.ended;
    assert.equal(stdout, '1. You said: one\n2. You said: two\nlines\n3. You said: /stop\n4. You said: last\n');
    assert.match(stderr, /^Session piped\. Return with: .* chat talker --id piped --address/);
    assert.equal(code, 0);
    const run = await client.get('piped').read();
    assert.equal(run.status, 'running', 'the session stays, and a line that looks like a command was a message');
  });

  test('ends at once without input', async () => {
    for (const nothing of ['', '\n', '\n\n']) {
      const { code, stdout, stderr } = await chat(nothing);
      assert.deepEqual({ code, stdout }, { code: 0, stdout: '' }, stderr);
    }
  });

  test('continues a session in another process, with --json and --close', async () => {
    assert.equal((await chat('one\n', '--id', 'again')).code, 0);
    const { code, stdout, stderr } = await chat('two\nthree\n', '--id', 'again', '--json', '--close');
    assert.equal(code, 0);
    assert.equal(stderr, '');
    const reply = (message: number, output: string) => ({
      workflowId: 'again',
      message,
      status: 'completed',
      output,
      reason: null,
      reasonCode: null,
      reasonParameters: null,
    });
    const lines = stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      [reply(2, '2. You said: two'), reply(3, '3. You said: three')],
    );
    assert.equal((await client.get('again').result()).status, 'completed');

    const over = await chat('four\n', '--id', 'again');
    assert.deepEqual({ code: over.code, stdout: over.stdout }, { code: 2, stdout: '' });
    assert.match(over.stderr, /The session again is over: completed\. Show it: .* show again --transcript/);
  });

  test('exits with 1 after a failed message, and still answers the next', async () => {
    const { code, stdout, stderr } = await chat('fail\nwell\n');
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '2. You said: well\n' });
    assert.match(stderr, /^Message 1: model_failed: /m);
  });

  test("rejects a run that is no session, another agent's id and a missing server", async () => {
    await (await client.start('talker', 'Hello.', { id: 'plain' })).result();
    const plain = await chat('x\n', '--id', 'plain');
    assert.deepEqual({ code: plain.code, stdout: plain.stdout }, { code: 2, stdout: '' });
    assert.match(plain.stderr, /plain is a run, not a session/);
    await chat('one\n', '--id', 'others');
    const other = await holdfast(['chat', 'ward', '--id', 'others', ...at()], { input: 'x\n' });
    assert.equal(other.code, 2);
    assert.match(other.stderr, /The id others is already used by agent talker/);
    assert.equal((await holdfast(['chat', 'talker', '--address', '127.0.0.1:1'], { input: 'x\n' })).code, 3);
  });

  test('prints a question to stderr without a terminal, and continues once it is decided', async () => {
    const piped = start(['chat', 'talker', '--id', 'asks', ...at()], { input: 'pay 41\n' });
    await piped.line(/Waits for a person: 1\.0 pay .*approve asks 1\.0/);
    assert.doesNotMatch(await paid(), /^41$/m, 'nothing is paid before it is approved');
    await client.get('asks').approve('1.0', { by: 'ben' });
    const { code, stdout } = await piped.ended;
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'Done: paid 41\n' });
    assert.equal((await paid()).match(/^41$/gm)?.length, 1);
  });

  test('streams the answer on a terminal, and interrupts it on Ctrl-C', async () => {
    const screen = terminal('streams');
    await screen.sees(/session streams\n.*Return with: .* chat talker --id streams/);
    screen.type('story\r');
    await screen.sees(/word1 word2/);
    assert.equal((await client.get('streams').read()).turns[0]?.answeredAtMs, null, 'it is shown before it is whole');
    screen.type(CTRL_C);
    await screen.sees(/· interrupted\n/);
    await screen.sees(/× stopped: interrupted/);
    screen.type('and now\r');
    await screen.sees(/2\. You said: and now/);
    screen.type(CTRL_C);
    await screen.sees(/Left streams, which stays open\. Return with: .* --id streams/);
    assert.deepEqual(await screen.ended, { code: 0 });
    assert.doesNotMatch(screen.text, /word60/);
  });

  test('aborts a tool and the answer on Ctrl-C, and tells the model next time', async () => {
    const screen = terminal('tools');
    await screen.sees(/\/help/);
    screen.type('rest\r');
    await screen.sees(/runs rest/);
    screen.type(CTRL_C);
    await screen.sees(/✗ rest cancelled/);
    await screen.sees(/× stopped: interrupted/);
    screen.type('and now\r');
    await screen.sees(/2\. You said: and now/);
    screen.type(CTRL_D);
    assert.deepEqual(await screen.ended, { code: 0 });
  });

  test('queues what is typed during a turn, and prints each answer below its message', async () => {
    const screen = terminal('queues', 40);
    await screen.sees(/\/help/);
    screen.type('story\r');
    await screen.sees(/word3/);
    screen.type('second\r');
    await screen.sees(/queued: second/);
    screen.type('third\r');
    await screen.sees(/queued: third/);
    const sent: string[] = [];
    for await (const event of client.get('queues').events()) {
      if (event.type === 'message') sent.push(`${event.text} by ${event.by}`);
      if (sent.length === 3) break;
    }
    assert.deepEqual(sent, ['story by ann', 'second by ann', 'third by ann'], 'sent at once, in order');
    await screen.sees(/word60.*> second\n.*2\. You said: second.*> third\n.*3\. You said: third/s);
    screen.type('/close\r');
    await screen.sees(/The session queues is over: completed/);
    assert.deepEqual(await screen.ended, { code: 0 });
  });

  test('says that an answer starts again', async () => {
    const screen = terminal('breaks');
    await screen.sees(/\/help/);
    screen.type('break\r');
    await screen.sees(/word5.*· the answer starts again \(attempt 2\).*Whole at last\./s);
    screen.type('/quit\r');
    assert.deepEqual(await screen.ended, { code: 0 });
  });

  test('asks about a pending approval, even after leaving, and approves it', async () => {
    const first = terminal('pays');
    await first.sees(/\/help/);
    first.type('pay 500\r');
    await first.sees(/\? waits for you.*1\.0 pay.*500.*\/approve 1\.0, \/reject 1\.0 WHY/s);
    first.type(CTRL_D);
    await first.sees(/Left pays, which continues to answer/);
    await first.ended;

    const second = terminal('pays', 160);
    await second.sees(/> pay 500\n.*I pay\..*\? waits for you.*1\.0 pay/s);
    second.type('/approve 9.9\r');
    await second.sees(/> \/approve 9\.9\n.*9\.9/s);
    assert.doesNotMatch(await paid(), /^500$/m);
    second.type('/approve known customer\r');
    await second.sees(/! 1\.0 approved by ann: known customer.*✓ pay.*Done: paid 500/s);
    assert.equal((await paid()).match(/^500$/gm)?.length, 1);
    second.type('/nonsense\r');
    await second.sees(/Unknown command \/nonsense/);
    second.type('/cost\r');
    await second.sees(/2 turns, .*1 tool call/);
    second.type('/stop enough\r');
    await second.sees(/The session pays is over: stopped/);
    assert.deepEqual(await second.ended, { code: 1 });
    const [call] = toolCalls(await client.get('pays').read());
    assert.deepEqual({ by: call?.decision?.by, why: call?.decision?.why }, { by: 'ann', why: 'known customer' });
  });

  test('joins pasted and continued lines, and renders hostile text inert', async () => {
    const screen = terminal('lines');
    await screen.sees(/\/help/);
    screen.type('\x1b[200~one\rtwo\x1b[201~\r');
    await screen.sees(/1\. You said: one\ntwo/);
    screen.type('three\\\rfour\r');
    await screen.sees(/2\. You said: three\nfour/);
    screen.type('hostile\r');
    await screen.sees(/before .*after/);
    screen.type(CTRL_D);
    await screen.ended;
    for (const part of ['\x1b]0;owned', '\x1b[2J', '\x9b', '\u202e']) {
      assert.ok(HOSTILE.includes(part));
      assert.ok(!screen.raw.includes(part));
    }
  });

  test('exits with 3 if the server goes away, and says how to come back', async () => {
    const own = await startDevServer();
    const hands = start(['worker', '--agents', TALKER, '--address', own.address]);
    try {
      await hands.line(/^Polling after/);
      const screen = onTerminal(['chat', 'talker', '--id', 'lost', '--address', own.address]);
      await screen.sees(/\/help/);
      screen.type('hello\r');
      await screen.sees(/1\. You said: hello/);
      await own.kill();
      await screen.sees(/No Temporal server answers at .* Return with: .* chat talker --id lost/);
      assert.deepEqual(await screen.ended, { code: 3 }, screen.text);
    } finally {
      hands.child.kill('SIGKILL');
    }
  });

  test('exits with 4 if no worker takes the session, which waits', async () => {
    const empty = await startDevServer();
    try {
      const { code, stderr } = await holdfast(['chat', 'talker', '--id', 'lonely', '--address', empty.address], {
        input: 'x\n',
      });
      assert.equal(code, 4);
      assert.match(stderr, /No worker picked up lonely .* Return with: .* chat talker --id lonely/);
    } finally {
      await empty.kill();
    }
  });
});
