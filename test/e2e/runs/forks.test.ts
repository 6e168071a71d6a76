// A fork begins with the conversation of another run, up to one of its turns, and with something changed.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { asTool, defineTool, handoff } from '../../../activities/index.ts';
import { offlineModel } from '../../../activities/testing/index.ts';
import { diffRuns, HoldfastError, type RunHandle } from '../../../client/index.ts';
import { WORKFLOW_TYPE } from '../../../core/names.ts';
import { forkPoint } from '../../../core/read/forkedState.ts';
import { countsOf } from '../../../core/read/run.ts';
import type { Message } from '../../../core/types.ts';
import { endToEnd } from '../../support/bench.ts';
import { reset, resetPoints } from '../../support/resets.ts';
import { sentTo } from '../../support/sent.ts';
import { conversation, toolTexts } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

endToEnd('forks', (bench) => {
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    input: z.object({ at: z.string() }),
    effect: 'read',
    run: ({ at }) => `saw ${at}`,
  });
  const weigh = defineTool({
    name: 'weigh',
    description: 'Weighs.',
    input: z.object({}),
    effect: 'read',
    run: () => 7,
  });
  const looks = (...at: string[]) => ({ calls: at.map((one) => ({ tool: 'look', arguments: { at: one } })) });
  const toolsOf = (messages: readonly Message[]) =>
    messages.flatMap((one) => (one.role === 'tool' ? [one.content] : []));
  const looker = bench.agent({
    tools: [look, weigh],
    script: ({ turn, messages, tools }) =>
      turn === 1
        ? looks('a', 'b')
        : turn === 2
          ? looks('c')
          : `${toolsOf(messages).join(', ')} with ${tools.join(' and ')}: ${messages.at(-1)?.content}`,
  });
  const other = bench.agent({ script: () => 'The other model.' });

  const refusedAs = (code: string, says: RegExp) => (error: unknown) => {
    assert.ok(error instanceof HoldfastError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, says);
    return true;
  };

  async function originalOf(agent = looker): Promise<RunHandle> {
    const { run } = await bench.run(agent);
    return bench.holdfast.get(run.workflowId);
  }

  test('begin with the conversation up to the turn, and leave the original as it is', async () => {
    const handle = await originalOf();
    const [before, history] = [await handle.read(), await handle.history()];
    for (const turn of [1, 2, 3]) {
      const fork = await handle.fork({ turn });
      const { run, result } = await bench.finished(fork.workflowId);
      assert.equal(run.output, before.output);
      assert.deepEqual(conversation(run), conversation(before));
      assert.deepEqual(
        run.turns.map((one) => one.turn),
        [1, 2, 3].slice(turn - 1),
      );
      assert.deepEqual({ turns: result.turns, calls: result.calls }, { turns: 3, calls: 3 });
      assert.equal(countsOf(run).turns, 3);
      // Only what the fork itself has asked the model.
      assert.equal(result.spend.modelCalls, 4 - turn);
      assert.deepEqual(run.fork?.of, { workflowId: handle.workflowId, runId: before.runId, turn });
      assert.ok(run.startedAtMs > before.endedAtMs!);
      const { memo } = await fork.describe();
      assert.deepEqual(memo?.['forkOf'], run.fork?.of);
    }
    assert.deepEqual(await handle.history(), history);
    const forks = await eventually(async () => {
      const found = await handle.forks();
      return found.length === 3 && found;
    });
    assert.deepEqual(forks.map(({ turn }) => turn).sort(), [1, 2, 3]);
    const listed = await bench.holdfast.list({ agent: looker.name, limit: 1_000 });
    assert.equal(listed.filter(({ forkOf }) => forkOf?.workflowId === handle.workflowId).length, 3);
  });

  test('have another result, message, model, instructions and fewer tools', async () => {
    const handle = await originalOf();
    const of = async (options: Omit<Parameters<RunHandle['fork']>[0], 'turn'>, turn = 3) => {
      const fork = await handle.fork({ turn, ...options });
      return (await bench.finished(fork.workflowId)).run;
    };
    assert.equal((await of({})).output, 'saw a, saw b, saw c with look and weigh: saw c');
    // What the model has not seen yet, and what it has, by either id.
    assert.match((await of({ results: { '2.0': 'nothing' } })).output!, /^saw a, saw b, nothing with/);
    assert.match((await of({ results: { '1.1': { b: 1 }, call_1_0: 'A' } })).output!, /^A, \{"b":1\}, saw c with/);
    const told = await of({ message: 'Hurry.' });
    assert.match(told.output!, /: Hurry\.$/);
    assert.deepEqual(told.turns[0]?.userMessages, ['Hurry.']);
    assert.equal((await of({ model: offlineModel(other.name) })).output, 'The other model.');
    assert.match((await of({ dropTools: ['weigh'] })).output!, /with look:/);
    const dropped = await of({ dropTools: ['look'] }, 1);
    assert.deepEqual(
      dropped.turns[0]?.calls.map(({ kind }) => kind),
      ['unknown_tool', 'unknown_tool'],
    );
    const instructed = await of({ instructions: 'You hurry.' });
    assert.deepEqual(instructed.transcript[0], { role: 'system', content: 'You hurry.' });
    const systems = sentTo(bench, looker).map(([first]) => first?.content);
    assert.ok(systems.includes('You hurry.'), String(systems));

    const [one, two] = await Promise.all([handle.histories(), bench.holdfast.get(instructed.workflowId).histories()]);
    const { from, difference, runs } = diffRuns(one, two);
    assert.equal(from, 3);
    assert.deepEqual(difference, {
      turn: 3,
      what: 'request',
      field: 'instructions',
      a: `You are ${looker.name}.`,
      b: 'You hurry.',
    });
    assert.deepEqual(
      runs.map(({ turns, since }) => [turns, since?.turns]),
      [
        [3, 1],
        [3, 1],
      ],
    );
    const edited = await of({ results: { '1.0': 'nothing' } });
    const parts = diffRuns(one, await bench.holdfast.get(edited.workflowId).histories()).difference;
    assert.deepEqual([parts?.turn, parts?.field, parts?.index], [3, 'messages', 2]);
  });

  const effect = defineTool({
    name: 'effect',
    description: 'Has an effect.',
    input: z.object({}),
    effect: 'once',
    run: () => 'done',
  });
  const long = bench.agent({
    tools: [look, effect, weigh],
    maxHistoryEvents: 40,
    maxTurns: 30,
    script: ({ turn, tools }) =>
      turn < 8 ? looks(String(turn)) : turn === 8 ? { calls: [{ tool: 'effect' }] } : tools.join(),
  });
  const taker = bench.agent({ tools: [weigh], script: ({ messages }) => String(messages.length) });
  const giver = bench.agent({
    tools: [weigh, handoff(taker, { name: 'give', description: 'Gives it.' })],
    script: () => ({ calls: [{ tool: 'give' }] }),
  });
  test('keep their changes and effects over continue-as-new, and for their agent only', async () => {
    const handle = await originalOf(long);
    assert.ok((await handle.histories()).length > 1);
    for (const turn of [1, 7]) {
      const fork = await handle.fork({ turn, effects: 'block', dropTools: ['weigh'], instructions: 'You hurry.' });
      const { run } = await bench.finished(fork.workflowId);
      assert.equal(run.output, 'look,effect');
      assert.equal(run.transcript[0]?.content, 'You hurry.');
      assert.equal(run.turns.at(-2)?.calls[0]?.reason?.code, 'fork_blocks');
      assert.equal(run.fork?.of.turn, turn);
      if (turn === 1) assert.ok((await fork.histories()).length > 1);
    }
    // A fork of a fork, from a turn of its own.
    const first = await handle.fork({ turn: 3, effects: 'live' });
    await bench.finished(first.workflowId);
    const second = await first.fork({ turn: 5, effects: 'live' });
    const { run } = await bench.finished(second.workflowId);
    assert.deepEqual(conversation(run), conversation(await handle.read()));
    assert.equal(run.fork?.of.workflowId, first.workflowId);
    await assert.rejects(
      first.fork({ turn: 2 }),
      refusedAs('fork_turn_not_found', /turns 3 to 9\. Earlier ones are those of the run/),
    );

    const given = await (await originalOf(giver)).fork({ turn: 1, instructions: 'You give.', dropTools: ['weigh'] });
    const { run: taken } = await bench.finished(given.workflowId);
    assert.equal(taken.transcript[0]?.content, `You are ${taker.name}.`);
    const offered = bench.model.requests.filter(({ agent }) => agent === taker.name).at(-1);
    assert.ok(JSON.stringify(offered).includes('weigh'));
  });

  const talker = bench.agent({
    script: ({ messages }) => messages.flatMap(({ role, content }) => (role === 'user' ? [content] : [])).join(' '),
  });
  const above = bench.agent({
    tools: [asTool(looker, { name: 'ask', description: 'Asks.' })],
    script: ({ turn }) => (turn === 1 ? { calls: [{ tool: 'ask', arguments: { input: 'Go.' } }] } : 'Above is done.'),
  });
  test('are made of sessions, open runs and sub-agents', async () => {
    const session = await bench.holdfast.start(talker.name, 'one', { session: true });
    for (const text of ['two', 'three']) await session.ask(text);
    const fork = await session.fork({ turn: 2, message: 'and a half' });
    const idle = await eventually(async () => {
      const run = await fork.read();
      return run.output === 'one two and a half' && run;
    });
    assert.equal(idle.session, true);
    assert.equal((await fork.ask('four')).output, 'one two and a half four');
    assert.equal((await fork.ask('five')).message, 4);
    assert.equal((await session.ask('four')).output, 'one two three four');
    for (const one of [fork, session]) {
      await one.close();
      await bench.finished(one.workflowId);
    }

    const parent = await originalOf(above);
    const below = bench.holdfast.get(`${parent.workflowId}.1.0`);
    const ofBelow = await below.fork({ turn: 3 });
    assert.deepEqual(toolTexts((await bench.finished(ofBelow.workflowId)).run), ['saw a', 'saw b', 'saw c']);
    const ofAbove = await parent.fork({ turn: 1 });
    assert.equal((await bench.finished(ofAbove.workflowId)).result.spend.modelCalls, 5);
    assert.equal((await bench.finished(`${ofAbove.workflowId}.1.0`)).run.output, (await below.read()).output);
  });

  test('fail with the reason where their model has no server', async () => {
    const handle = await originalOf();
    const fork = await handle.fork({ turn: 2, model: 'nowhere:qwen' });
    const { result } = await bench.finished(fork.workflowId);
    assert.deepEqual([result.status, result.reasonCode], ['model_failed', 'fork_model']);
    assert.match(result.reason!, /there is no provider "nowhere"/);
  });

  test('are refused at once where something is not there', async () => {
    const handle = await originalOf();
    const { workflowId } = handle;
    const refused = (options: Parameters<RunHandle['fork']>[0], code: string, says: RegExp) =>
      assert.rejects(handle.fork(options), refusedAs(code, says));
    await refused({ turn: 9 }, 'fork_turn_not_found', /has no turn 9 in its history, which has turns 1 to 3/);
    await refused({ turn: 0 }, 'fork_invalid', /whole number/);
    await refused({ turn: 2, dropTools: ['wiegh'] }, 'fork_tool_unknown', /Did you mean weigh\?/);
    await refused({ turn: 2, results: { '2.0': 'x' } }, 'fork_call_unknown', /no call 2\.0 before turn 2.* 1\.0, 1\.1/);
    await refused({ turn: 2, results: { '1.0': undefined } }, 'fork_invalid', /no JSON/);
    await refused({ turn: 2, instructions: ' ' }, 'fork_invalid', /instructions is empty/);
    await refused({ turn: 2, effects: 'all' as never }, 'fork_invalid', /one of ask, block, live/);
    await refused({ turn: 2, id: workflowId }, 'fork_id_taken', /Choose another id/);
    await refused({ turn: 2, id: '' }, 'run_id_invalid', /1 to 255/);
    await assert.rejects(bench.holdfast.get('nobody').fork({ turn: 1 }), refusedAs('run_not_found', /no run/));

    const { client } = bench.holdfast;
    const foreign = await client.workflow.start('another', {
      taskQueue: `nobody-${randomUUID()}`,
      workflowId: `foreign-${randomUUID()}`,
    });
    const ofForeign = bench.holdfast.get(foreign.workflowId).fork({ turn: 1 });
    await assert.rejects(ofForeign, refusedAs('history_unreadable', /a workflow "another"/));
    const unserved = await client.workflow.start(WORKFLOW_TYPE, {
      args: [{ agent: looker.name, input: 'Go.' }],
      taskQueue: `nobody-${randomUUID()}`,
      workflowId: `unserved-${randomUUID()}`,
    });
    const ofUnserved = bench.holdfast.get(unserved.workflowId).fork({ turn: 1 });
    await assert.rejects(ofUnserved, refusedAs('run_without_turns', /has no turn yet/));
    for (const one of [foreign, unserved]) await one.terminate();

    // Nobody else may begin a run in the middle of a batch.
    const point = forkPoint(await handle.histories(), 2);
    assert.ok(point.kind === 'point');
    const batch = {
      answer: { kind: 'calls' },
      calls: [],
      plan: [],
      outcomes: [],
      decisions: [],
      cancelled: [],
      askedAtMs: 0,
      isExpired: false,
    };
    const forged = await client.workflow.start(WORKFLOW_TYPE, {
      args: [
        point.input,
        { fork: { of: { workflowId, runId: 'r', turn: 2 }, effects: 'live' }, handOver: { ...point.state, batch } },
      ],
      taskQueue: bench.taskQueue,
      workflowId: `forged-${randomUUID()}`,
    });
    await assert.rejects(forged.result(), ({ cause }: { cause?: Error }) =>
      /between two turns/.test(cause?.message ?? ''),
    );
  });

  // A reset is an operation of the server.
  bench.onServer('are told apart from resets', async () => {
    const handle = await originalOf();
    const points = resetPoints(await handle.history());
    const { runId } = await handle.read();
    await reset(bench.holdfast, { workflowId: handle.workflowId, runId }, points[points.length - 2]!);
    const { run } = await bench.finished(handle.workflowId);
    assert.equal(run.fork, undefined);
    assert.deepEqual(
      run.resets?.map(({ from, turn }) => [from, turn]),
      [[runId, 2]],
    );
    const fork = await handle.fork({ turn: 2 });
    assert.equal((await bench.finished(fork.workflowId)).run.output, run.output);
  });
});
