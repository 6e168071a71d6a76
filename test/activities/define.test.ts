// A mistake in a definition is told when it is made, with what to write instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';

const tool = (options: object) => () =>
  defineTool({
    name: 'look',
    description: 'Looks.',
    input: z.object({}),
    effect: 'read',
    run: () => 1,
    ...options,
  } as Parameters<typeof defineTool>[0]);
const agent = (options: object) => () => defineAgent({ name: 'a', model: 'm', instructions: 'Do.', ...options });

test('tools: names, effects, timeouts and limits', () => {
  const table: readonly (readonly [object, RegExp])[] = [
    [{ name: 'has space' }, /a name is a letter/],
    [{ name: 'callModel' }, /engine's own/],
    [{ name: 'default' }, /engine's own/],
    [{ effect: undefined }, /effect: 'read'/],
    [{ input: z.string() }, /z\.object/],
    [{ input: z.object({ when: z.date() }) }, /JSON Schema/],
    [{ timeout: 'soon' }, /'10 s'/],
    [{ timeout: '30 d' }, /24 days/],
    [{ run: undefined }, /either run or thread/],
    [{ thread: new URL('file:///x') }, /either run or thread/],
    [{ maxParallel: 0 }, /maxParallel/],
    [{ retry: { attempts: 0 } }, /retry\.attempts/],
    [{ retry: { factor: 0.5 } }, /retry\.factor/],
    [{ retry: { initial: '30 s', max: '10 s' } }, /retry\.max/],
    [{ effect: 'once', retry: { attempts: 2 } }, /one attempt/],
  ];
  for (const [options, says] of table) assert.throws(tool(options), says, JSON.stringify(options));
});

test('a long first delay of a retry raises the longest one with it', () => {
  assert.deepEqual(tool({ retry: { initial: '30 s' } })().policy.backoff, {
    initialMs: 30_000,
    factor: 2,
    maxMs: 30_000,
  });
});

test('agents: names, limits, tools of one name, and what would not fit into history', () => {
  const look = tool({})();
  const table: readonly (readonly [object, RegExp])[] = [
    [{ name: '' }, /a name is a letter/],
    [{ model: '' }, /which model/],
    [{ instructions: '' }, /who it is/],
    [{ instructions: 'x'.repeat(300_000) }, /instructions are over/],
    [{ tools: [look, look] }, /two tools named look/],
    [{ tools: Array.from({ length: 129 }, (_, i) => tool({ name: `t${i}` })()) }, /more than 128/],
    [{ maxTurns: 0 }, /maxTurns/],
    [{ parallel: 1.5 }, /parallel/],
  ];
  for (const [options, says] of table) assert.throws(agent(options), says, JSON.stringify(options).slice(0, 80));
});
