// A failed tool costs only its own call: the model reads results and errors in the order of its calls.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool, ToolError } from '../../../activities/index.ts';
import type { Script, ScriptedCall } from '../../../activities/testing/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';
import { gate, tally } from '../../support/waits.ts';

const work = defineTool({
  name: 'work',
  description: 'Works, or fails when told so.',
  input: z.object({ fail: z.string().optional(), n: z.number().optional() }),
  effect: 'read',
  run: ({ fail }) => {
    if (fail) throw new ToolError(fail);
    return { ok: true };
  },
});

const call = (fail?: string): ScriptedCall => ({ tool: 'work', arguments: fail === undefined ? {} : { fail } });
const bad: ScriptedCall = { tool: 'work', arguments: '{' };
const unknown: ScriptedCall = { tool: 'rest' };
const always =
  (...calls: ScriptedCall[]): Script =>
  (request) =>
    request.turn <= 8 ? { text: `Turn ${request.turn}.`, calls } : 'Done.';

endToEnd('partial failure', (bench) => {
  const order: string[] = [];
  const gates = [gate(), gate(), gate(), gate()];
  gates[3]!.open();
  const reversed = defineTool({
    name: 'reversed',
    description: 'Ends after the one behind it.',
    input: z.object({ n: z.number() }),
    effect: 'read',
    run: async ({ n }) => {
      await gates[n]!.opened;
      order.push(`${n}`);
      gates[n - 1]?.open();
      if (n === 1) throw new ToolError('number one is broken');
      return { n };
    },
  });
  const four = bench.agent({
    tools: [reversed],
    script: [{ calls: [0, 1, 2, 3].map((n) => ({ tool: 'reversed', arguments: { n } })) }, 'Done.'],
  });
  test('returns three results and one error in order, with a warning', async () => {
    const { result, run } = await bench.run(four, 'Go.', golden(bench.cached, 'one-of-four-fails'));
    assert.deepEqual(order, ['3', '2', '1', '0']);
    assert.deepEqual(toolTexts(run), [
      '{"n":0}',
      '{"error":"number one is broken","tool":"reversed","kind":"failed"}',
      '{"n":2}',
      '{"n":3}',
    ]);
    assert.deepEqual(
      { status: result.status, calls: result.calls, failedCalls: result.failedCalls },
      { status: 'completed', calls: 4, failedCalls: 1 },
    );
    assert.deepEqual(
      result.warnings.map(({ text }) => text),
      ['Turn 1: 1 of 4 calls failed:\n- reversed: number one is broken'],
    );
  });

  const recovers = bench.agent({
    tools: [work],
    script: [
      { calls: [call('no disk'), call('no net')] },
      { calls: [call(), call('x')] },
      { calls: [call('a'), call('b')] },
      'Done.',
    ],
  });
  test('warns about a wholly failed batch, and counts anew after a success', async () => {
    const { result } = await bench.run(recovers, 'Go.', golden(bench.cached, 'all-fail-once'));
    assert.equal(result.status, 'completed');
    assert.equal(result.warnings[0]?.text, 'Turn 1: Multiple errors occurred:\n- work: no disk\n- work: no net');
    assert.equal(result.warnings.length, 3);
  });

  const told = bench.agent({ tools: [work], script: always(call('no disk'), call('no net')) });
  test('tell: ends the run at the second wholly failed batch in a row', async () => {
    const { result } = await bench.run(told, 'Go.', golden(bench.cached, 'all-tools-failed'));
    assert.deepEqual(
      { status: result.status, turns: result.turns, output: result.output },
      { status: 'all_tools_failed', turns: 2, output: 'Turn 2.' },
    );
    assert.match(result.reason ?? '', /2 batches in a row/);
  });

  const aborts = bench.agent({ tools: [work], script: always(call('a'), call('b')), whenAllToolsFail: 'abort' });
  test('abort: ends the run at the first wholly failed batch', async () => {
    const { result } = await bench.run(aborts);
    assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'all_tools_failed', turns: 1 });
  });

  const goesOn = bench.agent({ tools: [work], script: always(call('a'), call('b')), whenAllToolsFail: 'continue' });
  test('continue: never ends the run for failed batches', async () => {
    const { result } = await bench.run(goesOn);
    assert.deepEqual(
      { status: result.status, turns: result.turns, failedCalls: result.failedCalls },
      { status: 'completed', turns: 9, failedCalls: 16 },
    );
  });

  const refused = bench.agent({ tools: [work], script: always(bad, unknown, call('a')), whenAllToolsFail: 'abort' });
  const oneGood = bench.agent({ tools: [work], script: always(bad, unknown, call()), whenAllToolsFail: 'abort' });
  test('does not count invalid arguments and unknown tools', async () => {
    for (const agent of [refused, oneGood]) assert.equal((await bench.run(agent)).result.status, 'completed');
  });

  const twoRan = bench.agent({ tools: [work], script: always(bad, call('a'), call('b')), whenAllToolsFail: 'abort' });
  test('counts two failed calls as a wholly failed batch despite rejected ones', async () => {
    assert.equal((await bench.run(twoRan)).result.status, 'all_tools_failed');
  });

  const same = bench.agent({ tools: [work], script: always(call('closed')) });
  const sameBad = bench.agent({ tools: [work], script: always(bad) });
  const sameUnknown = bench.agent({ tools: [work], script: always(unknown) });
  test('ends the run after the same single call fails three times in the same way', async () => {
    const { result } = await bench.run(same, 'Go.', golden(bench.cached, 'same-failure'));
    assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'all_tools_failed', turns: 3 });
    assert.equal(result.reason, 'work failed 3 times in a row in the same way: closed');
    for (const agent of [sameBad, sameUnknown])
      assert.deepEqual((({ status, turns }) => [status, turns])((await bench.run(agent)).result), [
        'all_tools_failed',
        3,
      ]);
  });

  const differs = bench.agent({
    tools: [work],
    script: ({ turn }) => (turn <= 6 ? { calls: [call(`failure ${turn}`)] } : 'Done.'),
  });
  const betweens = bench.agent({
    tools: [work],
    script: ({ turn }) => (turn <= 6 ? { calls: [turn % 3 === 0 ? call() : call('closed')] } : 'Done.'),
  });
  test('does not end it after different failures, or successes between them', async () => {
    for (const agent of [differs, betweens])
      assert.deepEqual((({ status, turns }) => [status, turns])((await bench.run(agent)).result), ['completed', 7]);
  });

  const counts = tally();
  const silent = defineTool({
    name: 'silent',
    description: 'Fails without a word.',
    input: z.object({ how: z.string() }),
    effect: 'once',
    run: ({ how }) => {
      counts.add(how);
      if (how === 'undefined') throw undefined;
      if (how === 'string') throw 'out of paper';
      if (how === 'object') throw { code: 7 };
      if (how === 'null') throw null;
      return Promise.reject();
    },
  });
  const throws = bench.agent({
    tools: [silent],
    whenAllToolsFail: 'continue',
    script: [
      {
        calls: ['undefined', 'string', 'object', 'null', 'reject'].map((how) => ({
          tool: 'silent',
          arguments: { how },
        })),
      },
      'Done.',
    ],
  });
  test('makes a text of anything that is thrown', async () => {
    const { run } = await bench.run(throws);
    assert.deepEqual(
      toolTexts(run).map((text) => JSON.parse(text).error),
      ['the tool failed without a message', 'out of paper', '{"code":7}', 'null', 'the tool failed without a message'],
    );
    assert.equal(counts.of('undefined'), 1);
  });
});
