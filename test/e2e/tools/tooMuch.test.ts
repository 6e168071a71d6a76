// A turn that exceeds its limits gets what fits, and a result for each call beyond.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { toolValues } from '../../support/toolTexts.ts';
import { tally } from '../../support/waits.ts';

const effects = tally();

const keep = defineTool({
  name: 'keep',
  description: 'Keeps a text.',
  input: z.object({ key: z.string().default(''), text: z.string().default('') }),
  effect: 'read',
  run: ({ key, text }) => {
    effects.add(key);
    return text.length;
  },
});

const times = <T>(n: number, make: (i: number) => T) => Array.from({ length: n }, (_, i) => make(i));

endToEnd('too much at once', (bench) => {
  const calls = (n: number) => [{ calls: times(n, () => ({ tool: 'keep' })) }, 'Done.'];

  // Calls to no tool: what is looked at is which of them the plan refuses for their number.
  const crowd = bench.agent({
    tools: [keep],
    script: [
      {
        calls: times(2_001, (i) => ({
          tool: i % 1_000 === 0 ? 'keep' : 'none',
          arguments: { key: `${bench.mode}` },
        })),
      },
      'Done.',
    ],
  });
  test('answers calls beyond 1,000 of 2,001 with too_large, each once', async () => {
    const { result, run } = await bench.run(crowd);
    assert.deepEqual(
      { status: result.status, calls: result.calls, failedCalls: result.failedCalls },
      { status: 'completed', calls: 2_001, failedCalls: 2_000 },
    );
    const kinds = toolCalls(run).map(({ kind }) => kind);
    assert.deepEqual(
      kinds,
      times(2_001, (i) => (i === 0 ? null : i < 1_000 ? 'unknown_tool' : 'too_large')),
    );
    assert.equal(effects.of(`${bench.mode}`), 1);
  });

  const endless = bench.agent({ tools: [keep], script: calls(20_000), maxTurns: 1 });
  test('fails the model call for 20,000 calls, and not the workflow', async () => {
    const handle = await bench.holdfast.start(endless.name, 'Go.');
    await bench.model.until((requests) =>
      requests.some(({ agent, attempt }) => agent === endless.name && attempt === 2),
    );
    await handle.cancel();
    assert.equal((await handle.result()).calls, 0);
  });

  const heavy = bench.agent({
    tools: [keep],
    script: [
      { calls: times(8, (i) => ({ tool: 'keep', arguments: { key: `${i}`, text: 'x'.repeat(200_000) } })) },
      'Done.',
    ],
  });
  test('answers calls beyond 1 MB of 1.6 MB of arguments with too_large', async () => {
    const { result, run } = await bench.run(heavy);
    assert.equal(result.status, 'completed');
    assert.deepEqual(
      toolCalls(run).map(({ kind }) => kind),
      [...times(5, () => null), ...times(3, () => 'too_large')],
    );
    assert.deepEqual(
      toolValues(run).slice(0, 5),
      times(5, () => 200_000),
    );
  });

  // Each quote and backslash is two bytes once it is JSON in JSON.
  const quotes = bench.agent({
    tools: [keep],
    script: [
      {
        text: '"'.repeat(400_000),
        calls: times(5, () => ({ tool: 'keep', arguments: { text: '"'.repeat(100_000) } })),
      },
      'Done.',
    ],
  });
  test('counts arguments as they are sent, including escapes', async () => {
    const { result } = await bench.run(quotes);
    assert.deepEqual(
      { status: result.status, turns: result.turns, calls: result.calls },
      { status: 'completed', turns: 2, calls: 5 },
    );
  });

  const manyTools = times(100, (i) =>
    defineTool({
      ...({ name: `tool_with_a_rather_long_name_so_that_the_list_is_long_${i}` } as const),
      description: 'One of many.',
      input: z.object({}),
      effect: 'read',
      run: () => 1,
    }),
  );
  const lost = bench.agent({
    tools: manyTools,
    script: [{ calls: times(1_000, () => ({ tool: 'keep' })) }, 'Done.'],
  });
  test('fits 1,000 unknown calls and long lists of tools into a payload', async () => {
    const { result } = await bench.run(lost);
    assert.deepEqual(
      { status: result.status, failedCalls: result.failedCalls },
      { status: 'completed', failedCalls: 1_000 },
    );
  });
});
