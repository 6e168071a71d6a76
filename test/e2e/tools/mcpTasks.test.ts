// Calls with which an MCP server goes on as a task: the official example server, of the older protocol, and one of the newer protocol,
// each over both transports.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type McpOptions, mcp } from '../../../activities/index.ts';
import type { RunHandle } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import {
  everything,
  everythingOverHttp,
  programOverHttp,
  type ServerOverHttp,
} from '../../support/everythingServer.ts';
import { asked } from '../../support/people.ts';
import { TOKEN, TOOLS } from '../../support/taskServer.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

const tasks = fileURLToPath(new URL('../../support/taskServer.ts', import.meta.url));
const older = fileURLToPath(new URL('../../support/olderTaskServer.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'holdfast-tasks-'));
/** What the servers of the newer protocol did, a line each. */
const log = async () => (await readFile(join(folder, 'log'), 'utf8')).split('\n');

let http: ServerOverHttp;
let modern: ServerOverHttp;
before(async () => {
  http = await everythingOverHttp();
  modern = await programOverHttp((port) => ({ args: [tasks], env: { FOLDER: folder, PORT: String(port) } }));
});
after(async () => {
  await http.close();
  await modern.close();
  await rm(folder, { recursive: true });
});

/** Its address is known once it has started. */
function later(options: () => McpOptions): ReturnType<typeof mcp> {
  return { kind: 'source', name: 'everything', open: () => mcp(options()).open() };
}

endToEnd('tasks of the older protocol', (bench) => {
  const common = { name: 'everything', effect: 'once', tools: ['simulate-research-query'] } as const;
  const transports = {
    stdio: mcp({ ...common, command: process.execPath, args: [everything] }),
    http: later(() => ({ ...common, url: http.url })),
  };
  for (const [transport, tools] of Object.entries(transports)) {
    const research = (ambiguous: boolean) =>
      bench.agent({
        tools: [tools],
        script: [{ calls: [{ tool: 'simulate-research-query', arguments: { topic: 'python', ambiguous } }] }, 'Done.'],
      });
    const plain = research(false);
    test(`over ${transport}, a task is looked at until it is over`, async () => {
      const { run, history } = await bench.run(plain);
      assert.match(toolTexts(run)[0]!, /^# Research Report: python\n/);
      const [call] = toolCalls(run);
      assert.deepEqual({ attempts: call!.attempts, ok: call!.ok }, { attempts: 1, ok: true });
      const scheduled = history.events?.flatMap(({ activityTaskScheduledEventAttributes: one }) =>
        one ? [one.activityId] : [],
      );
      assert.deepEqual(scheduled, ['1.model', '1.0', '1.0', '2.model']);
    });

    const ambiguous = research(true);
    test(`over ${transport}, a task asks a person, and goes on with the answer`, async () => {
      const handle: RunHandle = await bench.holdfast.start(ambiguous.name, 'Go.');
      const [open] = await asked(handle);
      assert.match(open!.question!, /The research query "python" could have multiple interpretations/);
      await handle.decide({
        call: open!.call,
        digest: open!.digest,
        verdict: 'respond',
        text: '{"interpretation":"snake"}',
      });
      const { run } = await bench.finished(handle.workflowId);
      assert.match(toolTexts(run)[0]!, /^# Research Report: python \(snake\)\n/);
    });
  }
});

endToEnd('a program of the older protocol', (bench) => {
  const program = mcp({ name: 'older', command: process.execPath, args: [older], effect: 'read' });
  const both = bench.agent({
    tools: [program],
    script: [{ calls: ['breaks', 'may_be'].map((tool) => ({ tool, arguments: {} })) }, 'Done.'],
  });
  test('says why its task has failed, and is called without a task where it may be', async () => {
    const { run, history } = await bench.run(both);
    const [breaks, mayBe] = toolTexts(run);
    assert.match(breaks!, /"the task of this call has failed: It is broken\."/);
    assert.equal(mayBe, 'It worked.');
    const scheduled = history.events?.flatMap(({ activityTaskScheduledEventAttributes: one }) => one?.activityId ?? []);
    assert.deepEqual(scheduled, ['1.model', '1.0', '1.1', '1.0', '2.model']);
  });
});

endToEnd('tasks of the newer protocol', (bench) => {
  const common = { name: 'tasks', effect: 'once', tools: TOOLS } as const;
  const overHttp = (more: object = {}) =>
    later(() => ({ ...common, ...more, url: modern.url, headers: { authorization: `Bearer ${TOKEN}` } }));
  const transports = {
    stdio: mcp({ ...common, command: process.execPath, args: [tasks], env: { FOLDER: folder } }),
    http: overHttp(),
  };
  const calls = (...asked: [string, object?][]) => [
    { calls: asked.map(([tool, args = {}]) => ({ tool, arguments: args })) },
    'Done.',
  ];
  const linesOf = async (id: string, what: string) =>
    (await log()).filter((line) => line.startsWith(`${what} `) && line.includes(id));

  for (const [transport, source] of Object.entries(transports)) {
    const each = bench.agent({
      tools: [source],
      script: calls(['work', { ms: 3_000 }], ['fail'], ['err'], ['vanish'], ['give_up'], ['plain']),
    });
    test(`over ${transport}, each end of a task is told to the model`, async () => {
      const { run } = await bench.run(each);
      const [work, fail, err, vanish, giveUp, plain] = toolTexts(run);
      assert.equal(work, 'Over: "work"');
      assert.match(fail!, /There is no bed 7/);
      assert.match(err!, /the task of this call has failed: The disk is full/);
      assert.match(vanish!, /no longer knows the task of this call: .*There is no task vanish-/);
      assert.match(giveUp!, /has cancelled the task of this call: Nobody is there/);
      assert.equal(plain, 'At once.');
      assert.deepEqual(
        toolCalls(run).map(({ kind }) => kind),
        [null, 'failed', 'failed', 'outcome_unknown', 'failed', null],
      );
    });
  }

  const asks = bench.agent({ tools: [transports.http], script: calls(['ask']) });
  test('a task asks a person, and goes on with the answer', async () => {
    const handle = await bench.holdfast.start(asks.name, 'Go.', golden(bench.cached, 'mcp-task-asks'));
    const [open] = await asked(handle);
    assert.match(open!.question!, /^the MCP server "tasks" asks: Sure\?/);
    const { call, digest } = open!;
    await handle.decide({ call, digest, verdict: 'respond', text: '{"sure":true}' });
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), ['Over: {"action":"accept","content":{"sure":true}}']);
    assert.equal((await linesOf(`${handle.workflowId}/`, 'call')).length, 1);
  });

  const carried = bench.agent({ tools: [transports.http], script: calls(['ask']), maxHistoryEvents: 15 });
  test('continues with the answer in a new history', async () => {
    const handle = await bench.holdfast.start(carried.name, 'Go.');
    const [open] = await asked(handle);
    for (let i = 0; i < 4; i += 1) await handle.steer(`Note ${i}.`);
    const { call, digest } = open!;
    await handle.decide({ call, digest, verdict: 'respond', text: '{"sure":false}' });
    const { run } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), ['Over: {"action":"accept","content":{"sure":false}}']);
    assert.equal((await linesOf(`${handle.workflowId}/`, 'call')).length, 1);
  });

  for (const [command, send] of [
    ['reject', (handle: RunHandle) => handle.reject('1.0', { why: 'No.' })],
    ['stop', (handle: RunHandle) => handle.stop()],
    ['cancel', (handle: RunHandle) => handle.cancel()],
  ] as const)
    test(`${command} cancels a task that waits for an answer`, async () => {
      const handle = await bench.holdfast.start(asks.name, 'Go.');
      await asked(handle);
      await send(handle);
      const { run } = await bench.finished(handle.workflowId);
      assert.match(toolTexts(run)[0]!, /asked a person for input before its end, and was not answered/);
      const [line] = await linesOf(`${handle.workflowId}/`, 'call');
      assert.equal((await linesOf(line!.split(' ')[1]!, 'cancel')).length, 1);
    });

  const works = bench.agent({ tools: [transports.http], script: calls(['work', { ms: 6_000 }]) });
  test('is called once, and looks do not make the history longer', async () => {
    const handle = await bench.holdfast.start(works.name, 'Go.', golden(bench.cached, 'mcp-task'));
    const progress: unknown[] = [];
    const attempts: number[] = [];
    for await (const event of handle.events()) {
      if (event.type === 'progress') progress.push(event.progress);
      if (event.type === 'attempt' && event.slot === 0) attempts.push(event.attempt);
    }
    const { run, history } = await bench.finished(handle.workflowId);
    assert.deepEqual(toolTexts(run), ['Over: "work"']);
    assert.equal((await linesOf(`${handle.workflowId}/`, 'call')).length, 1);
    const looks = history.events?.flatMap(({ activityTaskStartedEventAttributes: one }) => one?.attempt ?? []);
    assert.ok(Math.max(...looks!) >= 5, `${looks} looks`);
    assert.deepEqual(progress, [
      'waits for its task at the MCP server "tasks"',
      'waits for its task at the MCP server "tasks": Half of it is done.',
    ]);
    assert.ok(
      attempts.every((attempt) => attempt === 1),
      `attempts ${attempts}`,
    );
    assert.equal(history.events?.filter((event) => event.activityTaskScheduledEventAttributes).length, 4);
  });

  const slow = bench.agent({ tools: [overHttp({ taskTimeout: '3 s' })], script: calls(['work', { ms: 60_000 }]) });
  test('one that takes too long is cancelled', async () => {
    const { run } = await bench.run(slow);
    assert.match(toolTexts(run)[0]!, /timed out after 3 seconds/);
    assert.equal(toolCalls(run)[0]!.kind, 'outcome_unknown');
  });

  const long = bench.agent({ tools: [overHttp({ effect: 'read' })], script: calls(['work', { ms: 60_000 }]) });
  for (const [command, send, status] of [
    ['cancelCall', (handle: RunHandle) => handle.cancelCall('1.0'), 'completed'],
    ['interrupt', (handle: RunHandle) => handle.interrupt(), 'completed'],
    ['cancel', (handle: RunHandle) => handle.cancel(), 'cancelled'],
  ] as const)
    test(`${command} cancels the task at the server`, async () => {
      const handle = await bench.holdfast.start(
        long.name,
        'Go.',
        command === 'cancelCall' ? golden(bench.cached, 'mcp-task-cancelled') : {},
      );
      const isLooking = async () => {
        const { raw } = await bench.holdfast.client.workflow.getHandle(handle.workflowId).describe();
        return raw.pendingActivities?.some(({ attempt }) => (attempt ?? 0) >= 2);
      };
      await eventually(isLooking);
      await send(handle);
      const { run } = await bench.finished(handle.workflowId);
      assert.equal(run.status, status);
      assert.equal(toolCalls(run)[0]!.kind, 'cancelled');
      const [line] = await linesOf(`${handle.workflowId}/`, 'call');
      const [, id] = line!.split(' ');
      assert.equal((await linesOf(id!, 'cancel')).length, 1);
    });
});
