// Whatever a model answers becomes a valid message with one plan entry a call, or is no answer at all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import fc from 'fast-check';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import type { RawAnswer } from '../../activities/model/answer.ts';
import { type Planned, planBatch } from '../../activities/plan.ts';
import { FAILURE } from '../../core/names.ts';
import { transcriptProblem } from '../../core/transcript.ts';
import type { Message } from '../../core/types.ts';
import { NO_USAGE } from '../../core/usage.ts';

const PAYLOAD_BYTES_MAX = 2 * 1024 * 1024;

const note = defineTool({
  name: 'note',
  description: 'Notes.',
  input: z.object({ key: z.string(), n: z.number().optional() }),
  effect: 'read',
  run: () => 1,
});
const agent = defineAgent({ name: 'writer', model: 'm', instructions: 'Write.', tools: [note] });

const before: Message[] = [
  { role: 'user', content: 'Go.' },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'taken', type: 'function', function: { name: 'note', arguments: '{}' } }],
  },
  { role: 'tool', tool_call_id: 'taken', content: '' },
];

const wild = fc.string({ unit: 'binary', maxLength: 60 });
const call = fc.record({
  id: fc.oneof(fc.constantFrom('', 'taken', 'same', 'call_2_0', 'call_2_1', 'x'.repeat(500)), wild),
  name: fc.oneof(fc.constantFrom('note', 'Note', '', '__proto__', 'constructor', 'toString'), wild),
  arguments: fc.oneof(
    fc.constantFrom(
      '',
      '{}',
      '{"key":"a"}',
      '{"key":1}',
      '{"key":"a","__proto__":{}}',
      '[]',
      'null',
      '"',
      '['.repeat(10_000),
    ),
    fc.json(),
    fc
      .record({ key: fc.oneof(wild, fc.integer()), n: fc.oneof(fc.integer(), wild) })
      .map((value) => JSON.stringify(value)),
    wild,
  ),
});
const answers: fc.Arbitrary<RawAnswer> = fc.record({
  content: fc.oneof(fc.constant(''), wild),
  refusal: fc.oneof({ weight: 5, arbitrary: fc.constant('') }, { weight: 1, arbitrary: wild }),
  calls: fc.array(call, { maxLength: 8 }),
  finishReasons: fc.array(fc.constantFrom('stop', 'tool_calls', 'length', 'content_filter', 'other'), { maxLength: 2 }),
  model: wild,
  usage: fc.constant(NO_USAGE),
});

const { signal } = new AbortController();

async function planned(answer: RawAnswer): Promise<Planned | null> {
  try {
    return await planBatch(agent, { agent: 'planner', workflowId: 'w', turn: 2, signal }, before, answer);
  } catch (error) {
    assert.ok(error instanceof ApplicationFailure && error.type === FAILURE.model && !error.nonRetryable);
    return null;
  }
}

test('the message is valid where it stands, its ids are unique, and its plan has an entry for each call', async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (answer) => {
      const plan = await planned(answer);
      if (!plan) return assert.equal(answer.content + answer.refusal + answer.calls.length, '0');
      const calls = plan.message.tool_calls ?? [];
      const told = calls.map(({ id }): Message => ({ role: 'tool', tool_call_id: id, content: '' }));
      assert.equal(transcriptProblem([...before, plan.message, ...told]), null);
      assert.equal(plan.plan.length, calls.length);
      assert.ok(JSON.stringify(plan.message).isWellFormed());
      for (const { id, function: asked } of calls) {
        assert.match(id, /^[!-~]{1,44}$/);
        assert.match(asked.name, /^[a-zA-Z0-9_-]{1,64}$/);
        const args: unknown = JSON.parse(asked.arguments);
        assert.ok(typeof args === 'object' && args !== null && !Array.isArray(args));
      }
    }),
    { numRuns: 500 },
  );
});

test('nothing runs but a known tool with arguments that fit, and nothing of an answer cut off or withheld', async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (answer) => {
      const plan = await planned(answer);
      const runs = (plan?.plan ?? []).flatMap((entry, slot) => ('digest' in entry ? [slot] : []));
      if (plan?.kind !== 'calls') return assert.deepEqual(runs, []);
      for (const slot of runs) {
        assert.equal(answer.calls[slot]?.name, 'note');
        assert.ok(note.input.safeParse(JSON.parse(plan.message.tool_calls![slot]!.function.arguments)).success);
      }
    }),
    { numRuns: 500 },
  );
});

test('the plan fits its payload, whatever it is full of', async () => {
  const quotes = JSON.stringify({ key: '"\\'.repeat(50_000) });
  const calls = Array.from({ length: 2_500 }, (_, i) => ({
    id: 'i'.repeat(40),
    name: i % 3 ? 'n'.repeat(200) : 'note',
    arguments: i % 2 ? quotes : '{"key":7,"n":"\\u0001"}',
  }));
  const plan = await planned({
    content: '\n'.repeat(300_000),
    refusal: '',
    calls,
    finishReasons: [],
    model: '',
    usage: NO_USAGE,
  });
  assert.ok(Buffer.byteLength(JSON.stringify(plan)) < PAYLOAD_BYTES_MAX * 0.95);
  assert.equal(
    await planned({
      content: '\n'.repeat(600_000),
      refusal: '',
      calls: [],
      finishReasons: [],
      model: '',
      usage: NO_USAGE,
    }),
    null,
  );
});
