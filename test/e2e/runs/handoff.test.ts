// After a handoff, the next turn is another agent's, with its instructions, tools and rules.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { asTool, defineAgent, defineTool, handoff } from '../../../activities/index.ts';
import { offlineModel } from '../../../activities/testing/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { createWorker } from '../../../worker/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';

const description = 'Another agent.';

endToEnd('handoff', (bench) => {
  const lookUp = defineTool({
    name: 'look_up',
    description: 'Looks up.',
    input: z.object({}),
    effect: 'read',
    run: () => 'looked',
  });

  /** What the model was sent, by agent. */
  const seen = (agent: string) =>
    bench.model.requests
      .filter((request) => request.agent === agent)
      .map(
        ({ body }) =>
          body as { messages: { role: string; content: string }[]; tools?: { function: { name: string } }[] },
      );

  const billing = bench.agent({
    tools: [lookUp],
    script: ({ turn }) => (turn === 2 ? { calls: [{ tool: 'look_up' }] } : 'Your invoice is paid.'),
  });
  const desk = bench.agent({
    tools: [handoff(billing, { description })],
    script: [{ text: 'One moment.', calls: [{ tool: `hand_off_to_${billing.name}` }] }],
  });
  test('passes on the whole transcript, and continues the turns', async () => {
    const { run, result } = await bench.run(desk, 'Is my invoice paid?', golden(bench.cached, 'handoff'));
    assert.deepEqual(
      { status: result.status, output: result.output, turns: result.turns },
      { status: 'completed', output: 'Your invoice is paid.', turns: 3 },
    );
    assert.deepEqual(
      run.turns.map(({ turn, agent }) => [turn, agent]),
      [
        [1, desk.name],
        [2, billing.name],
        [3, billing.name],
      ],
    );
    assert.deepEqual(toolTexts(run), [`The conversation is now with ${billing.name}.`, 'looked']);
    const [first] = seen(billing.name);
    assert.deepEqual(
      first?.messages.map(({ role }) => role),
      ['system', 'user', 'assistant', 'tool'],
    );
    assert.equal(first?.messages[0]?.content, `You are ${billing.name}.`);
    assert.equal(first?.messages[1]?.content, 'Is my invoice paid?');
    assert.deepEqual(
      first?.tools?.map((tool) => tool.function.name),
      ['look_up'],
    );
    // It runs nothing, and asks nobody.
    assert.deepEqual({ calls: result.calls, toolCalls: result.spend.toolCalls }, { calls: 2, toolCalls: 1 });
    assert.deepEqual(run.spend, result.spend);
  });

  const [left, right] = ['left', 'right'];
  const sideways = bench.agent({ name: left, script: ({ turn }) => `left at ${turn}` });
  const other = bench.agent({ name: right, script: () => 'right' });
  const torn = bench.agent({
    tools: [lookUp, handoff(sideways, { description }), handoff(other, { description })],
    script: [
      {
        calls: [{ tool: 'look_up' }, { tool: 'hand_off_to_left' }, { tool: 'hand_off_to_right' }, { tool: 'look_up' }],
      },
    ],
  });
  test('settles the first of two handoffs in a batch, and runs the other calls', async () => {
    const { run, result } = await bench.run(torn);
    assert.deepEqual({ status: result.status, output: result.output }, { status: 'completed', output: 'left at 2' });
    const calls = toolCalls(run);
    assert.deepEqual(
      calls.map(({ ok, kind }) => [ok, kind]),
      [
        [true, null],
        [true, null],
        [false, 'rejected'],
        [true, null],
      ],
    );
    assert.match(calls[2]!.text!, /not done: the conversation was handed off to left already/);
  });

  for (const [name, peer] of [
    ['ping', 'pong'],
    ['pong', 'ping'],
  ] as const)
    bench.agent({
      name,
      maxTurns: 100,
      tools: [handoff(peer, { description })],
      script: ({ turn, input }) =>
        turn > Number(input) ? `${name} at turn ${turn}` : { calls: [{ tool: `hand_off_to_${peer}` }] },
    });
  test('goes back and forth at most ten times in a run', async () => {
    const there = await bench.holdfast.start('ping', '10');
    const { result, run } = await bench.finished(there.workflowId);
    assert.deepEqual(
      { status: result.status, output: result.output },
      { status: 'completed', output: 'ping at turn 11' },
    );
    assert.deepEqual(
      run.turns.map(({ agent }) => agent),
      Array.from({ length: 11 }, (_, at) => (at % 2 === 0 ? 'ping' : 'pong')),
    );
    const endless = await bench.holdfast.start('ping', '99', golden(bench.cached, 'handoff-for-ever'));
    const ended = await bench.finished(endless.workflowId);
    assert.deepEqual({ status: ended.result.status, turns: ended.result.turns }, { status: 'max_turns', turns: 11 });
    assert.match(ended.result.reason!, /handed off more than 10 times/);
  });

  const specialist = bench.agent({
    script: ({ messages, input }) =>
      `${messages.filter(({ role }) => role === 'user').length} messages, the last: ${input}`,
  });
  const reception = bench.agent({
    tools: [handoff(specialist, { description })],
    script: [{ calls: [{ tool: `hand_off_to_${specialist.name}` }] }],
  });
  test('stays in a session, which may have more than ten over its messages', async () => {
    const session = await bench.holdfast.start(reception.name, '', { session: true });
    assert.equal((await session.ask('Hello?')).output, '1 messages, the last: Hello?');
    assert.equal((await session.ask('And now?')).output, '2 messages, the last: And now?');
    await session.close();
    const { run, result } = await bench.finished(session.workflowId);
    assert.equal(result.status, 'completed');
    assert.deepEqual(
      run.turns.map(({ agent }) => agent),
      [reception.name, specialist.name, specialist.name],
    );

    const table = await bench.holdfast.start('ping', '', { session: true });
    // Each message is passed on until the turn that it names.
    assert.equal((await table.ask('8')).output, 'ping at turn 9');
    assert.equal((await table.ask('16')).output, 'pong at turn 17');
    await table.close();
    assert.equal((await bench.finished(table.workflowId)).result.status, 'completed');
  });

  const careful = bench.agent({ script: () => 'carefully' });
  const asking = bench.agent({
    approvals: { [`hand_off_to_${careful.name}`]: 'always' },
    tools: [handoff(careful, { description })],
    script: ({ turn, results }) =>
      turn === 1 ? { calls: [{ tool: `hand_off_to_${careful.name}` }] } : JSON.stringify(results),
  });
  test('can need an approval, and is not done if rejected', async () => {
    const yes = await bench.holdfast.start(asking.name, 'Go.');
    for await (const event of yes.events()) if (event.type === 'question') await yes.approve();
    assert.equal((await bench.finished(yes.workflowId)).result.output, 'carefully');
    const no = await bench.holdfast.start(asking.name, 'Go.');
    for await (const event of no.events()) if (event.type === 'question') await no.reject(undefined, { why: 'stay' });
    const { run } = await bench.finished(no.workflowId);
    assert.match(run.output!, /rejected by a person: stay/);
    assert.deepEqual(
      run.turns.map(({ agent }) => agent),
      [asking.name, asking.name],
    );
  });

  test('rejects an unknown target when the worker starts', async () => {
    const options = { name: 'lost', model: offlineModel('lost'), instructions: 'You are lost.' };
    const { address } = bench;
    for (const tool of [handoff('nobody', { description }), asTool('nobody', { description })])
      await assert.rejects(
        createWorker({ agents: [defineAgent({ ...options, tools: [tool] })], address, namespace: 'default' }),
        /Agent lost has the tool \w+ for agent nobody, which this worker does not serve. Export it as well./,
      );
  });
});
