// A tool in a thread can only harm its thread: its own call fails, and everything else continues.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { Duration } from '../../../core/duration.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { endToEnd } from '../../support/bench.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';

const misbehave = (attempts = 1, module = 'misbehave', timeout: Duration = '30 s') =>
  defineTool({
    name: 'misbehave',
    description: 'Misbehaves.',
    input: z.object({ how: z.string() }),
    effect: 'read',
    timeout,
    retry: { attempts, initial: '1 ms' },
    thread: new URL(`../../support/threads/${module}.ts`, import.meta.url),
  });
const calls = (...hows: string[]) => hows.map((how) => ({ tool: 'misbehave', arguments: { how } }));

endToEnd('a tool in a thread', (bench) => {
  const spins = bench.agent({
    tools: [misbehave(1, 'misbehave', '4 s')],
    script: [{ calls: calls('spin', 'spin') }, 'Done.'],
  });
  const well = bench.agent({
    tools: [
      defineTool({ name: 'well', description: 'Is well.', input: z.object({}), effect: 'read', run: () => 'well' }),
    ],
    script: [{ calls: [{ tool: 'well' }] }, 'Done.'],
  });
  test('is ended at its timeout while it spins, and other runs continue', async () => {
    const order: string[] = [];
    const [{ run }] = await Promise.all([
      bench.run(spins, 'Go.', golden(bench.cached, 'spinning-thread')).finally(() => order.push('spins')),
      bench.run(well).finally(() => order.push('well')),
    ]);
    assert.deepEqual(order, ['well', 'spins']);
    const told = '{"error":"timed out after 4 seconds","tool":"misbehave","kind":"timeout"}';
    assert.deepEqual(toolTexts(run), [told, told]);
  });

  const rest = ['exit', 'fill the memory', 'reject outside', 'return a function', 'return a map', 'be good'];
  const each = bench.agent({ tools: [misbehave()], parallel: 1, script: [{ calls: calls(...rest) }, 'Done.'] });
  test('fails only its own call on exit, lack of memory or an uncloneable result', async () => {
    const { result, run } = await bench.run(each);
    const [exit, memory, outside, fn, map, good] = toolTexts(run);
    assert.equal(JSON.parse(exit!).kind, 'failed');
    assert.match(JSON.parse(memory!).error, /memory/);
    assert.equal(JSON.parse(outside!).kind, 'failed');
    assert.equal(fn, '{"how":"return a function","run":"[function run]"}');
    assert.equal(map, '{"return a map":"1"}');
    assert.equal(good, 'be good');
    assert.equal(result.status, 'completed');
  });

  const throws = bench.agent({ tools: [misbehave(3)], script: [{ calls: calls('throw', 'throw status') }, 'Done.'] });
  test('throws like any other tool', async () => {
    const { run } = await bench.run(throws);
    assert.deepEqual(toolTexts(run), [
      '{"error":"closed","tool":"misbehave","kind":"failed"}',
      '{"error":"not found","tool":"misbehave","kind":"failed"}',
    ]);
    assert.deepEqual(
      toolCalls(run).map(({ attempts }) => attempts),
      [1, 1],
    );
  });

  const absent = bench.agent({ tools: [misbehave(1, 'absent')], script: [{ calls: calls('run') }, 'Done.'] });
  test('reports a module that does not exist', async () => {
    const { result, run } = await bench.run(absent);
    assert.match(JSON.parse(toolTexts(run)[0]!).error, /Cannot find module .*absent\.ts/);
    assert.equal(result.status, 'completed');
  });
});
