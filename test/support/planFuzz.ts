// Random answers of a model, and what must be true of their plans.
import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import fc from 'fast-check';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import type { RawAnswer } from '../../activities/model/answer.ts';
import { planBatch } from '../../activities/plan/plan.ts';
import type { Planned } from '../../activities/plan/types.ts';
import { PLAN_BYTES_MAX } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { transcriptProblem } from '../../core/transcript.ts';
import type { Message } from '../../core/types.ts';
import { NO_USAGE } from '../../core/usage.ts';

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
export const answers: fc.Arbitrary<RawAnswer> = fc.record({
  content: fc.oneof(fc.constant(''), wild),
  refusal: fc.oneof({ weight: 5, arbitrary: fc.constant('') }, { weight: 1, arbitrary: wild }),
  calls: fc.array(call, { maxLength: 8 }),
  finishReasons: fc.array(fc.constantFrom('stop', 'tool_calls', 'length', 'content_filter', 'other'), { maxLength: 2 }),
  model: wild,
  usage: fc.constant(NO_USAGE),
});

const { signal } = new AbortController();

/** The plan of an answer; null where it is none that can be carried out. */
export async function planned(answer: RawAnswer): Promise<Planned | null> {
  try {
    return await planBatch(agent, { agent: 'planner', workflowId: 'w', turn: 2, context: {}, signal }, before, {
      ...answer,
      from: 'a',
      asked: 'm',
    });
  } catch (error) {
    assert.ok(error instanceof ApplicationFailure && error.type === FAILURE.model && !error.nonRetryable);
    return null;
  }
}

/** Throws where the plan of this answer breaks one of the planner's promises. */
export async function checkPlan(answer: RawAnswer): Promise<void> {
  const plan = await planned(answer);
  if (!plan) return assert.equal(answer.content + answer.refusal + answer.calls.length, '0');
  const calls = plan.message.tool_calls ?? [];
  const told = calls.map(({ id }): Message => ({ role: 'tool', tool_call_id: id, content: '' }));
  assert.equal(transcriptProblem([...before, plan.message, ...told]), null);
  assert.equal(plan.plan.length, calls.length);
  const json = JSON.stringify(plan);
  assert.ok(json.isWellFormed());
  assert.ok(Buffer.byteLength(json) <= 2 * PLAN_BYTES_MAX, `${json.length} characters`);
  for (const { id, function: asked } of calls) {
    assert.match(id, /^[!-~]{1,44}$/);
    assert.match(asked.name, /^[a-zA-Z0-9_-]{1,64}$/);
    const args: unknown = JSON.parse(asked.arguments);
    assert.ok(typeof args === 'object' && args !== null && !Array.isArray(args));
  }
  const runs = plan.plan.flatMap((entry, slot) => ('digest' in entry ? [slot] : []));
  if (plan.kind !== 'calls') assert.deepEqual(runs, []);
  for (const slot of runs) {
    assert.equal(answer.calls[slot]?.name, 'note');
    assert.ok((await note.input.check(JSON.parse(calls[slot]!.function.arguments))).ok);
  }
}
