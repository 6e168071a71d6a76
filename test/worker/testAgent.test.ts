// Agents in memory: the workflow and the activities of a worker, in virtual time, with people who are played and faults.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Payload } from '@temporalio/common';
import { z } from 'zod';
import { asTool, defineAgent, defineTool, external } from '../../activities/index.ts';
import type { Script } from '../../activities/testing/index.ts';
import { callTool, matchCalls, recordedTools, scriptFrom, testAgent } from '../../worker/testing/index.ts';
import { quietLogs } from '../support/quiet.ts';

quietLogs();

const paid: number[] = [];

const getOrder = defineTool({
  name: 'get_order',
  description: 'Gets an order.',
  input: z.object({ order: z.number() }),
  effect: 'read',
  run: ({ order }) => ({ order, total: 20 }),
});

const pay = defineTool({
  name: 'pay',
  description: 'Pays an amount.',
  input: z.object({ amount: z.number() }),
  effect: 'idempotent',
  run: ({ amount }) => {
    paid.push(amount);
    return { paid: amount };
  },
});

const script: Script = [
  { calls: [{ tool: 'get_order', arguments: { order: 4711 } }] },
  { calls: [{ tool: 'pay', arguments: { amount: 20 } }] },
  ({ results }) => `Result: ${JSON.stringify(results[0]?.result)}`,
];

const refunds = (options: object = {}) =>
  defineAgent({ name: 'refunds', model: 'gpt-5', instructions: 'Refund.', tools: [getOrder, pay], ...options });

describe('testAgent', () => {
  test('runs a real agent with its own model name, and names its calls', async () => {
    await using lab = await testAgent(refunds(), { script });
    const { result, run, calls, transcript } = await lab.run('Refund order 4711');
    assert.deepEqual(
      { status: result.status, output: result.output, model: run.turns[0]?.model, turns: run.turns.length },
      { status: 'completed', output: 'Result: {"paid":20}', model: 'gpt-5', turns: 3 },
    );
    assert.equal(matchCalls(calls, ['get_order', { tool: 'pay', arguments: { amount: 20 }, ok: true }]), null);
    assert.match(
      matchCalls(calls, ['get_order', { tool: 'pay', arguments: { amount: 21 } }]) ?? '',
      /^Call 2 is .*expected: .*21/,
    );
    assert.match(matchCalls(calls, ['get_order']) ?? '', /There are 2 calls; expected 1/);
    assert.deepEqual(
      transcript.map(({ role }) => role),
      ['user', 'assistant', 'tool', 'assistant', 'tool', 'assistant'],
    );
  });

  test('runs what a test puts in place of a tool, under the rules of the tool', async () => {
    paid.length = 0;
    await using lab = await testAgent(refunds(), { script, tools: { pay: () => 'nothing was paid' } });
    const { result } = await lab.run('Refund order 4711');
    assert.deepEqual({ output: result.output, paid }, { output: 'Result: "nothing was paid"', paid: [] });
  });

  test('starts the runs of a schedule as time is advanced, and only then', async () => {
    await using lab = await testAgent(refunds(), { script, now: new Date('2026-03-28T22:30:00Z') });
    const { schedules } = lab.holdfast;
    await schedules.add('hourly', { agent: 'refunds', input: 'Refund.', every: '1h' });
    await schedules.add('nightly', {
      agent: 'refunds',
      input: 'Refund.',
      cron: '30 2,3 * * *',
      timezone: 'Europe/Berlin',
    });
    await lab.run('Refund order 4711');
    assert.equal((await schedules.get('hourly')).runs, 0);
    await lab.advance('3 hours');
    const [hourly, nightly] = [await schedules.get('hourly'), await schedules.get('nightly')];
    assert.deepEqual({ runs: hourly.runs, skipped: hourly.skipped }, { runs: 3, skipped: 0 });
    // There is no half past two in this night.
    assert.deepEqual(
      { runs: nightly.runs, last: nightly.lastRun?.workflowId, next: nightly.nextRunAtMs },
      { runs: 1, last: 'nightly-2026-03-29T01:30:00Z', next: Date.parse('2026-03-30T00:30:00Z') },
    );
    const started = await lab.holdfast.list({ agent: 'refunds' });
    assert.deepEqual(
      started.map(({ status }) => status),
      Array(5).fill('completed'),
    );
  });

  test('does with the open run of a schedule what its overlap policy says', async () => {
    const agent = refunds({ approvals: { pay: 'always' } });
    const after: Record<string, unknown> = {};
    for (const overlap of [
      'skip',
      'buffer-one',
      'buffer-all',
      'cancel-other',
      'terminate-other',
      'allow-all',
    ] as const) {
      await using lab = await testAgent(agent, { script, now: new Date('2026-01-08T02:30:00Z') });
      const { schedules } = lab.holdfast;
      await schedules.add('hourly', { agent: 'refunds', input: 'Refund.', every: '1h', overlap });
      await lab.advance('3 hours');
      const { runs, skipped } = await schedules.get('hourly');
      const first = lab.holdfast.get('hourly-2026-01-08T03:00:00Z');
      const { status } = await first.read();
      if (status === 'running') {
        await first.reject('2.0');
        await first.result();
      }
      const { runs: runsAfter } = await schedules.get('hourly');
      after[overlap] = { runs, skipped, status, runsAfter };
    }
    assert.deepEqual(after, {
      skip: { runs: 1, skipped: 2, status: 'running', runsAfter: 1 },
      'buffer-one': { runs: 1, skipped: 1, status: 'running', runsAfter: 2 },
      'buffer-all': { runs: 1, skipped: 0, status: 'running', runsAfter: 2 },
      'cancel-other': { runs: 3, skipped: 0, status: 'cancelled', runsAfter: 3 },
      'terminate-other': { runs: 3, skipped: 0, status: 'terminated', runsAfter: 3 },
      'allow-all': { runs: 3, skipped: 0, status: 'running', runsAfter: 3 },
    });
  });

  test('waits for a person who is played, and for no time', async () => {
    const agent = refunds({ approvals: { pay: 'always' }, approvalTimeout: '3 days' });
    await using lab = await testAgent(agent, { script, now: new Date('2026-01-01T00:00:00Z') });
    const run = await lab.start('Refund order 4711');
    const asked = await run.waiting();
    assert.deepEqual(
      asked.map((question) => question.kind !== 'budget' && question.call),
      ['2.0'],
    );
    await run.approve('2.0');
    assert.equal((await run.result()).status, 'completed');
    assert.ok(lab.now().getTime() < Date.parse('2026-01-01T00:01:00Z'), `it is ${lab.now().toISOString()}`);
  });

  test('lets an approval expire when time is advanced, and not before', async () => {
    const agent = refunds({ approvals: { pay: 'always' }, approvalTimeout: '3 days' });
    await using lab = await testAgent(agent, { script });
    const run = await lab.start('Refund order 4711');
    await run.waiting();
    await lab.advance('2 days');
    assert.equal((await run.questions()).length, 1);
    await lab.advance('25 hours');
    const calls = await run.calls();
    assert.equal(matchCalls(calls.slice(1), [{ tool: 'pay', ok: false, kind: 'rejected' }]), null);
  });

  test('says what a run waits for that nobody answers', async () => {
    await using lab = await testAgent(refunds({ approvals: { pay: 'always' } }), { script });
    const run = await lab.start('Refund order 4711');
    await assert.rejects(run.result(), /waits for a decision about 2\.0\. Play the person/);
  });

  const clerk = refunds({ name: 'clerk', approvals: { pay: 'always' } });
  const boss = defineAgent({
    name: 'boss',
    model: 'gpt-5',
    instructions: 'Delegate.',
    tools: [asTool(clerk, { name: 'ask_clerk', description: 'Asks.' })],
  });
  const delegated: Script = [
    { calls: [{ tool: 'ask_clerk', arguments: { input: 'Refund order 4711' } }] },
    ({ results }) => `The clerk: ${results[0]?.result}`,
  ];

  test('finds the questions of sub-agents, and plays people in their runs', async () => {
    await using lab = await testAgent(boss, { script: { boss: delegated, clerk: script } });
    const run = await lab.start('Refund order 4711');
    assert.deepEqual(await run.waiting(), []);
    const waits = `decision about 2.0 of its sub-agent ${run.workflowId}.1.0`;
    await assert.rejects(run.result(), (error: Error) => error.message.includes(waits));
    for (const { workflowId, questions } of await lab.waiting()) {
      assert.deepEqual([workflowId, questions.length], [`${run.workflowId}.1.0`, 1]);
      await lab.get(workflowId).approve();
    }
    assert.equal((await run.result()).output, 'The clerk: Result: {"paid":20}');
    assert.equal(matchCalls(await lab.get(`${run.workflowId}.1.0`).calls(), ['get_order', 'pay']), null);
  });

  test('never passes over a person, also where payloads are encoded', async () => {
    // Each byte of every payload, whose encoding is no longer readable then.
    const flip = (bytes: Uint8Array | null | undefined) => Uint8Array.from(bytes ?? [], (byte) => byte ^ 0xff);
    const changed = async (payloads: Payload[]) =>
      payloads.map(({ metadata, data }) => ({
        metadata: { encoding: flip(metadata?.['encoding']) },
        data: flip(data),
      }));
    const payloads = { codecs: [{ encode: changed, decode: changed }] };
    await using lab = await testAgent(refunds({ approvals: { pay: 'always' } }), { script, payloads });
    const run = await lab.start('Refund order 4711');
    assert.equal((await run.waiting()).length, 1);
    await run.approve();
    assert.equal((await run.result()).output, 'Result: {"paid":20}');
  });

  test('says that a session waits for a message', async () => {
    await using lab = await testAgent(refunds(), { script: () => 'Hello.' });
    const run = await lab.start('', { session: true });
    await assert.rejects(run.result(), /waits for a message, or to be closed\. Play the person/);
  });

  test('runs workflows of the user, with activities of theirs', async () => {
    const greeter = defineAgent({ name: 'greeter', model: 'gpt-5', instructions: 'Greet.' });
    await using lab = await testAgent([greeter, boss], {
      script: { greeter: ({ input }) => `Hello, ${input}.`, boss: delegated, clerk: script },
      workflowsPath: fileURLToPath(new URL('../support/userWorkflows.ts', import.meta.url)),
      temporal: { activities: { shout: (text: string) => text.toUpperCase() } },
    });
    const { workflow } = lab.holdfast.client;
    const at = { taskQueue: lab.holdfast.taskQueue, workflowId: 'own' };
    // Agents on another task queue than the workflow's are those of the test as well.
    const greetings = await workflow.execute('greetBoth', { ...at, args: ['Ada', 'Grace', 'agents'] });
    assert.deepEqual(greetings, ['Hello, Ada.', 'Hello, Grace.']);
    assert.equal(await workflow.execute('shouted', { ...at, args: ['greeter'] }), 'HELLO, GO..');

    const delegating = await workflow.start('outputFor', { ...at, args: ['boss', 'acme', at.taskQueue] });
    const [asked] = await lab.waiting();
    await lab.get(asked!.workflowId).approve('2.0');
    assert.equal(await delegating.result(), 'The clerk: Result: {"paid":20}');
    await assert.rejects(workflow.execute('misspelt', { ...at, args: [] }), (error: Error) =>
      /The workflow task of own fails: .*'misspelt'/.test(String(error.cause)),
    );
  });

  const onGpu = defineTool({
    name: 'render',
    description: 'Renders.',
    input: z.object({ scene: z.string() }),
    effect: 'idempotent',
    queue: 'gpu',
  });
  const artist = refunds({ name: 'artist', tools: [onGpu] });
  const rendering: Script = [
    { calls: [{ tool: 'render', arguments: { scene: 'sea' } }] },
    ({ results }) => JSON.stringify(results[0]?.result),
  ];

  test('serves the task queue of a tool, and loses its worker', async () => {
    const keys: string[] = [];
    const render = async ({ scene }: { scene: string }, { idempotencyKey }: { idempotencyKey: string }) => {
      keys.push(idempotencyKey);
      return `the ${scene}, painted`;
    };
    await using lab = await testAgent(artist, { script: rendering, queues: { gpu: { render } } });
    lab.failTool('render', 'lost');
    assert.equal((await lab.run('Paint.')).result.output, '"the sea, painted"');
    assert.equal(keys.length, 2);
    assert.equal(new Set(keys).size, 1);
    assert.throws(() => lab.failTool('render', 'timeout'), /runs on another task queue/);
  });

  test('says that nobody serves the task queue of a tool', async () => {
    await using lab = await testAgent(artist, { script: rendering });
    await assert.rejects(lab.run('Paint.'), /"render" of .* runs on the task queue "gpu", which nobody serves/);
    const [{ workflowId } = { workflowId: '' }] = await lab.holdfast.list();
    const [call] = await lab.get(workflowId).calls();
    assert.match(JSON.stringify(call?.result), /no worker started the call within 24 hours/);
    await using replaced = await testAgent(artist, { script: rendering, tools: { render: () => 'a sketch' } });
    assert.equal((await replaced.run('Paint.')).result.output, '"a sketch"');
  });

  test('ends an idle session when its time has passed', async () => {
    const agent = refunds({ idleTimeout: '4 hours' });
    await using lab = await testAgent(agent, { script: ({ input }) => `Heard: ${input}` });
    const run = await lab.start('one', { session: true });
    await run.waiting();
    const reply = await run.ask('two');
    await lab.advance('5 hours');
    const result = await run.result();
    assert.deepEqual(
      { reply: reply.status === 'completed' && reply.output, reason: result.reasonCode },
      { reply: 'Heard: two', reason: 'idle_timeout' },
    );
  });

  test('retries a tool that fails, without waiting for its back-off', async () => {
    paid.length = 0;
    const slow = defineTool({ ...toolOptions(pay), retry: { attempts: 3, initial: '1 hour', max: '1 hour' } });
    await using lab = await testAgent(refunds({ tools: [getOrder, slow] }), { script });
    lab.failTool('pay', 'no connection', { times: 2 });
    const { result, run } = await lab.run('Refund order 4711');
    assert.deepEqual(
      { status: result.status, attempts: run.turns[1]?.calls[0]?.attempts, paid },
      { status: 'completed', attempts: 3, paid: [20] },
    );
  });

  test('plays a tool that does not answer, to its timeout', async () => {
    await using lab = await testAgent(refunds(), { script });
    lab.failTool('pay', 'timeout', { times: 10 });
    const { calls } = await lab.run('Refund order 4711');
    assert.equal(matchCalls(calls, ['get_order', { tool: 'pay', ok: false, kind: 'timeout' }]), null);
  });

  test('loses the worker in a call: the next attempt has the same key', async () => {
    const keys: string[] = [];
    const tools = { pay: (_: unknown, ctx: { idempotencyKey: string }) => keys.push(ctx.idempotencyKey) };
    await using lab = await testAgent(refunds(), { script, tools });
    lab.kill('2.0');
    const { result, run } = await lab.run('Refund order 4711');
    assert.deepEqual(
      {
        status: result.status,
        attempts: run.turns[1]?.calls[0]?.attempts,
        keys: keys.length,
        different: new Set(keys).size,
      },
      { status: 'completed', attempts: 2, keys: 2, different: 1 },
    );
  });

  test('waits out an hour of a model that is away, in no time', async () => {
    await using lab = await testAgent(refunds(), { script });
    lab.model.fault(503, { times: 8 });
    const { result } = await lab.run('Refund order 4711');
    assert.equal(result.status, 'completed');
  });

  test('runs sub-agents and agents with one model, each with its script', async () => {
    const clerk = defineAgent({ name: 'clerk', model: 'gpt-5', instructions: 'Look it up.', tools: [getOrder] });
    const boss = defineAgent({
      name: 'boss',
      model: 'openai:gpt-5',
      instructions: 'Ask the clerk.',
      tools: [asTool(clerk, { name: 'ask_clerk', description: 'Asks the clerk.' })],
    });
    await using lab = await testAgent(boss, {
      script: {
        boss: [
          { calls: [{ tool: 'ask_clerk', arguments: { input: 'What is the total?' } }] },
          ({ results }) => `Boss: ${JSON.stringify(results[0]?.result)}`,
        ],
        clerk: [{ calls: [{ tool: 'get_order', arguments: { order: 1 } }] }, 'It is 20.'],
      },
    });
    const { result } = await lab.run('What is the total?');
    assert.match(result.output ?? '', /^Boss: .*It is 20\./);
  });

  test('plays a recorded run again, and stops at a call that it does not have', async () => {
    paid.length = 0;
    await using first = await testAgent(refunds(), { script });
    const { run, transcript } = await first.run('Refund order 4711');
    paid.length = 0;
    await using again = await testAgent(refunds(), { script: scriptFrom(run), tools: recordedTools(run) });
    const played = await again.run('Refund order 4711');
    assert.deepEqual({ transcript: played.transcript, paid }, { transcript, paid: [] });

    const other: Script = [{ calls: [{ tool: 'get_order', arguments: { order: 4712 } }] }, 'Done.'];
    await using changed = await testAgent(refunds(), { script: other, tools: recordedTools(run) });
    const { calls } = await changed.run('Refund order 4712');
    assert.match(JSON.stringify(calls[0]?.result), /no call of get_order with .*4712.*The nearest is 1\.0 with .*4711/);
  });

  test('closes at once while a tool runs that would never end', async () => {
    let started = () => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const lab = await testAgent(refunds(), {
      script,
      tools: {
        get_order: () => {
          started();
          return new Promise(() => {});
        },
      },
    });
    await lab.start('Refund order 4711');
    await running;
    await lab.close();
  });

  test('takes a status as a numeral, and refuses what is no fault of a model', async () => {
    await using lab = await testAgent(refunds(), { script });
    lab.model.fault('429' as never);
    lab.model.fault({ fault: 'hang' });
    for (const wrong of [
      'hang',
      'so',
      '',
      200,
      4290,
      Number.NaN,
      undefined,
      null,
      {},
      { fault: 'toString' },
      { fault: 'status' },
    ])
      assert.throws(() => lab.model.fault(wrong as never), /is no fault of a model\. Expected a status/, String(wrong));
    const run = await lab.start('Refund order 4711');
    const result = await run.result();
    assert.equal(result.output, 'Result: {"paid":20}');
    assert.deepEqual((await run.read()).turns[0]?.attempts, 3);
  });

  test('refuses a fault that could not happen', async () => {
    const clerk = defineAgent({ name: 'clerk', model: 'gpt-5', instructions: 'Look it up.', offline: ['It is 20.'] });
    const sign = external({ name: 'sign', description: 'Signs.', input: z.object({}) });
    const tools = [getOrder, pay, asTool(clerk, { name: 'ask_clerk', description: 'Asks the clerk.' }), sign];
    const withClerk: Script = [{ calls: [{ tool: 'ask_clerk', arguments: { input: 'Total?' } }] }, 'Done.'];
    const agent = refunds({ tools });
    await using lab = await testAgent(agent, { script: withClerk });
    assert.throws(
      () => lab.failTool('ask_clerk', 'no'),
      /"ask_clerk" is a sub-agent.* Replace it with the option "tools"/,
    );
    assert.throws(() => lab.failTool('sign', 'lost'), /"sign" is answered from outside/);
    for (const wrong of [undefined, null, '', 429])
      assert.throws(() => lab.failTool('pay', wrong as never), /is no fault of tool "pay"\. Expected 'timeout'/);
    for (const times of [-1, 0, 1.5, Number.NaN, '2'])
      assert.throws(
        () => lab.failTool('pay', 'no', { times: times as never }),
        /times is .*whole number of at least 1/,
      );
    assert.throws(() => lab.model.fault(429, { times: -1 }), /times is -1/);
    lab.kill('1.0');
    await assert.rejects(lab.run('Refund order 4711'), /kill\('1\.0'\): call 1\.0 of .* is a sub-agent/);

    await using stubbed = await testAgent(agent, { script: withClerk, tools: { ask_clerk: () => 'It is 20.' } });
    stubbed.failTool('ask_clerk', 'the clerk is away');
    const { calls } = await stubbed.run('Refund order 4711');
    assert.match(JSON.stringify(calls[0]?.result), /the clerk is away/);
  });

  test('reports faults that never happened, once all runs have ended', async () => {
    const lab = await testAgent(refunds(), { script });
    lab.failTool('pay', new Error('no connection'), { times: 9 });
    lab.failTool('get_order', 'timeout');
    lab.failTool('get_order', 'lost', { times: 2 });
    lab.kill('3.0');
    await lab.run('Refund order 4711');
    lab.model.fault('503' as never);
    await assert.rejects(lab.close(), {
      message: /^Never happened in this test: model\.fault\(503\), kill\('3\.0'\)\. Leave it out/,
    });

    const failed = await testAgent(refunds(), { script });
    failed.kill('3.0');
    await failed.start('Refund order 4711');
    await failed.close();
  });

  test('starts and follows no run once it is closed', async () => {
    const lab = await testAgent(refunds(), { script });
    const run = await lab.start('Refund order 4711');
    await run.result();
    await lab.close();
    await lab.close();
    const closed = /The test is closed/;
    await assert.rejects(lab.start('again'), closed);
    await assert.rejects(lab.run('again'), closed);
    await assert.rejects(lab.advance('1 hour'), closed);
    await assert.rejects(run.result(), closed);
    await assert.rejects(run.waiting(), closed);
    await assert.rejects(lab.holdfast.start('refunds', 'again'), { name: 'TemporalUnreachable' });
  });

  test('refuses a beginning of time that is none', async () => {
    for (const now of [new Date('x'), '2026-01-01', 0])
      await assert.rejects(
        testAgent(refunds(), { script, now: now as never }),
        /The option "now" is .*Expected a Date/,
      );
  });

  test('says what a script says, word for word', async () => {
    const agent = refunds({ whenAllToolsFail: 'continue' });
    await using lab = await testAgent(agent, { script: script.slice(0, 1) });
    const { result } = await lab.run('Refund order 4711');
    assert.match(result.reason ?? '', /The script of refunds has no answer for turn 2/);
  });

  test('refuses names of tools, scripts and calls that do not exist', async () => {
    await assert.rejects(
      testAgent(refunds(), { script, tools: { pya: () => 1 } }),
      /no agent of this test has a tool "pya"/i,
    );
    await assert.rejects(testAgent(refunds(), { script: { refund: script } }), /no agent of this name/);
    await using lab = await testAgent(refunds(), { script });
    assert.throws(() => lab.failTool('refund', 'timeout'), /has a tool "refund"/);
    assert.throws(() => lab.kill('pay'), /not the id of a call/);
    await assert.rejects(lab.advance('soon' as never), /Expected a duration/);
  });
});

describe('callTool', () => {
  test('calls a tool with its schema, and returns what a model reads', async () => {
    assert.deepEqual(await callTool(getOrder, { order: 3 }), {
      call: '1.0',
      tool: 'get_order',
      arguments: { order: 3 },
      result: { order: 3, total: 20 },
      ok: true,
      kind: null,
    });
    const sign = external({ name: 'sign', description: 'Signs.', input: z.object({}) });
    await assert.rejects(callTool(sign, {}), /Tool "sign" is answered from outside: there is nothing here to call/);
    const wrong = await callTool(getOrder, { order: 'three' } as never);
    assert.deepEqual({ ok: wrong.ok, kind: wrong.kind }, { ok: false, kind: 'invalid_arguments' });
  });
});

function toolOptions({ name, description }: { readonly name: string; readonly description: string }) {
  return {
    name,
    description,
    input: z.object({ amount: z.number() }),
    effect: 'idempotent' as const,
    run: ({ amount }: { amount: number }) => {
      paid.push(amount);
      return { paid: amount };
    },
  };
}
