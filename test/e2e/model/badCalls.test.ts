// A call that cannot run costs the model one error message: the other calls run, and the next request is valid. The scripted
// model refuses an invalid request as OpenAI does, and such a run would not complete.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import type { ScriptedCall } from '../../../activities/testing/index.ts';
import type { Run } from '../../../client/index.ts';
import { toolCalls } from '../../../core/read/run.ts';
import { type Bench, endToEnd } from '../../support/bench.ts';
import { toolValues } from '../../support/toolTexts.ts';
import { tally } from '../../support/waits.ts';

const effects = tally();

const note = defineTool({
  name: 'note',
  description: 'Writes a note down.',
  input: z.object({ key: z.string(), pages: z.number().int().default(1), tags: z.array(z.string()).optional() }),
  effect: 'idempotent',
  run: ({ key }) => ({ noted: key, times: effects.add(key) }),
});
const listNotes = defineTool({
  name: 'list_notes',
  description: 'All notes.',
  input: z.object({}),
  effect: 'read',
  run: () => ({ notes: 0 }),
});
const secret = defineTool({
  name: 'secret',
  description: 'Of another agent.',
  input: z.object({}),
  effect: 'once',
  run: () => ({ times: effects.add('secret') }),
});

/** The bad calls, with a good one before and after them. */
function withSiblings(bad: readonly ScriptedCall[], name: string): ScriptedCall[] {
  const good = (place: string) => ({ tool: 'note', arguments: { key: `${name} ${place}` } });
  return [good('before'), ...bad, good('after')];
}

const deep = (levels: number) => `{"key":${'['.repeat(levels)}${']'.repeat(levels)}}`;

interface Told {
  readonly error: string;
  readonly tool: string;
  readonly kind: string;
}

/** What the model was told of the bad calls, once it is known that the good ones ran and the run completed. */
async function toldOfBad(bench: Bench, agent: Parameters<Bench['run']>[0]): Promise<{ told: Told[]; run: Run }> {
  const { result, run } = await bench.run(agent);
  assert.deepEqual({ status: result.status, output: result.output }, { status: 'completed', output: 'Done.' });
  const told = toolValues(run);
  const bad = told.slice(1, -1) as Told[];
  for (const good of [told[0], told.at(-1)]) assert.deepEqual(Object.keys(good as object), ['noted', 'times']);
  assert.equal(result.failedCalls, bad.length);
  for (const call of toolCalls(run).slice(1, -1))
    assert.deepEqual({ attempts: call.attempts, ok: call.ok }, { attempts: 0, ok: false });
  return { told: bad, run };
}

endToEnd('a bad call', (bench) => {
  const agentWith = (name: string, bad: readonly ScriptedCall[]) =>
    bench.agent({ endsVary: true, tools: [note, listNotes], script: [{ calls: withSiblings(bad, name) }, 'Done.'] });
  bench.agent({ tools: [secret], script: ['Nothing.'] });

  const unknown = agentWith('unknown', [
    { tool: 'burn_notes' },
    { tool: 'Note', arguments: { key: 'case' } },
    { tool: 'secret' },
    { tool: 'no such tool!', arguments: 'nor JSON' },
    { tool: '' },
    { tool: 'x'.repeat(500) },
    { tool: '__proto__' },
    { tool: 'callModel' },
  ]);
  test('lists the tools to a model that calls an unknown one', async () => {
    const { told } = await toldOfBad(bench, unknown);
    for (const { error, kind } of told) {
      assert.equal(kind, 'unknown_tool');
      assert.match(error, /^unknown tool ".*Available tools: note, list_notes\.$/);
    }
    assert.match(told[1]!.error, /Did you mean note\?/);
    assert.equal(effects.of('case'), 0);
    assert.equal(effects.of('secret'), 0);
  });

  const malformed = agentWith('malformed', [
    { tool: 'note', arguments: 'key: one' },
    { tool: 'note', arguments: '{"key":"one","pa' },
    { tool: 'note', arguments: '["one"]' },
    { tool: 'note', arguments: 'null' },
    { tool: 'note', arguments: '42' },
    { tool: 'note', arguments: '{"key":"one","__proto__":{"polluted":true}}' },
    { tool: 'note', arguments: '{"key":"two","key":"one"}' },
    { tool: 'note', arguments: '{"key":"one","tags":[],"t\\u0061gs":["one"]}' },
    { tool: 'note', arguments: deep(10_000) },
    { tool: 'note', arguments: deep(70) },
  ]);
  test('explains arguments that are not a JSON object', async () => {
    const { told } = await toldOfBad(bench, malformed);
    assert.deepEqual(
      told.map(({ kind }) => kind),
      told.map(() => 'invalid_arguments'),
    );
    const says = [
      /not valid JSON/,
      /not valid JSON/,
      /an array/,
      /null/,
      /a number/,
      /__proto__/,
      /"key" is there twice/,
      /"tags" is there twice/,
      /deeper/,
      /deeper/,
    ];
    for (const [i, pattern] of says.entries()) assert.match(told[i]!.error, pattern);
    assert.equal(effects.of('one'), 0);
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  const misfit = agentWith('misfit', [
    { tool: 'note', arguments: { key: 7 } },
    { tool: 'note', arguments: { pages: 2 } },
    { tool: 'note', arguments: { key: 'one', pages: 1.5 } },
    { tool: 'note', arguments: { key: 'one', tags: ['a', null] } },
    { tool: 'note', arguments: { key: 'one', colour: 'red' } },
    { tool: 'note', arguments: '' },
    { tool: 'note', arguments: { key: null, pages: 'many', tags: 'none', colour: 'red' } },
  ]);
  test('names each field that does not match the schema', async () => {
    const { told } = await toldOfBad(bench, misfit);
    const fields = [/key: /, /key: /, /pages: /, /tags\.1: /, /colour/, /key: /, /key: .*pages: .*tags: .*colour/];
    for (const [i, pattern] of fields.entries()) {
      assert.equal(told[i]!.kind, 'invalid_arguments');
      assert.match(told[i]!.error, pattern);
    }
    assert.equal(effects.of('one'), 0);
  });

  const nothing = agentWith('nothing', []);
  const without = bench.agent({
    tools: [listNotes],
    script: [{ calls: [{ tool: 'list_notes', arguments: '' }] }, 'Done.'],
  });
  test('accepts empty arguments for a tool that takes none', async () => {
    await toldOfBad(bench, nothing);
    assert.deepEqual(toolValues((await bench.run(without)).run), [{ notes: 0 }]);
  });

  const large = agentWith('large', [{ tool: 'note', arguments: { key: 'x'.repeat(1024 * 1024) } }]);
  test('reports the limit for 1 MB of arguments, and does not pass them on', async () => {
    const { told, run } = await toldOfBad(bench, large);
    assert.equal(told[0]!.kind, 'too_large');
    assert.match(told[0]!.error, /262,144 are allowed/);
    assert.ok(JSON.stringify(run.transcript).length < 10_000);
  });

  const id500 = 'i'.repeat(500);
  const odd: (string | null)[] = [null, '', 'kept', 'kept', id500, 'with space', 'ünï', 'call_1_7', 'call_1_0'];
  const oddIds = bench.agent({
    tools: [note],
    script: [
      { calls: odd.map((id, i) => ({ tool: 'note', arguments: { key: `odd${i}` }, id })) },
      { calls: [{ tool: 'note', arguments: { key: 'again' }, id: 'kept' }] },
      'Done.',
    ],
  });
  test('replaces a missing, empty, duplicate, long or reused id', async () => {
    const { result, run } = await bench.run(oddIds);
    assert.equal(result.status, 'completed');
    const ids = toolCalls(run).map(({ callId }) => callId);
    assert.equal(new Set(ids).size, 10);
    assert.deepEqual(ids.slice(0, 4), ['call_1_0', 'call_1_1', 'kept', 'call_1_3']);
    assert.deepEqual(
      toolValues(run).map((told) => (told as { noted: string }).noted),
      [...odd.map((_, i) => `odd${i}`), 'again'],
    );
  });
});
