// The loop recognises calls in every form in which a model can make them, and ends at an answer without any.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { stackAgent } from '../../support/stackAgent.ts';
import { golden } from '../../support/toolTexts.ts';

const add = defineTool({
  name: 'add',
  description: 'Adds two numbers.',
  input: z.object({ a: z.number(), b: z.number() }),
  effect: 'read',
  run: ({ a, b }) => ({ sum: a + b }),
});

endToEnd('the loop', (bench) => {
  const sums = (request: { results: readonly { result: unknown }[] }) =>
    JSON.stringify(request.results.map((r) => r.result));

  const silent = bench.agent({ tools: [add], script: ['Nothing to add.'] });
  test('ends with an answer without calls', async () => {
    const { result, run } = await bench.run(silent);
    assert.deepEqual(
      { status: result.status, output: result.output, turns: result.turns, calls: result.calls },
      { status: 'completed', output: 'Nothing to add.', turns: 1, calls: 0 },
    );
    assert.deepEqual(
      run.transcript.map(({ role }) => role),
      ['system', 'user', 'assistant'],
    );
  });

  const withStack = stackAgent(bench);
  test('collects no stacks, unless its worker is asked to', async () => {
    assert.doesNotMatch((await bench.run(withStack)).result.output ?? '', /runBatch/);
  });

  const one = bench.agent({ tools: [add], script: [{ calls: [{ tool: 'add', arguments: { a: 1, b: 2 } }] }, sums] });
  test('runs one call', async () => {
    assert.equal((await bench.run(one)).result.output, '[{"sum":3}]');
  });

  const many = bench.agent({
    tools: [add],
    script: [{ text: 'Adding.', calls: [1, 2, 3].map((n) => ({ tool: 'add', arguments: { a: n, b: n } })) }, sums],
  });
  test('runs the calls of an answer, and returns results in their order', async () => {
    const { result, run } = await bench.run(many, 'Go.', golden(bench.cached, 'many-calls'));
    assert.equal(result.output, '[{"sum":2},{"sum":4},{"sum":6}]');
    assert.equal(run.turns[0]?.text, 'Adding.');
  });

  const dependent = bench.agent({
    tools: [add],
    script: [
      { calls: [{ tool: 'add', arguments: { a: 1, b: 1 } }] },
      ({ results }) => ({
        calls: [{ tool: 'add', arguments: { a: (results[0]!.result as { sum: number }).sum, b: 40 } }],
      }),
      sums,
    ],
  });
  test('takes another turn for a call that depends on an earlier result', async () => {
    const { result } = await bench.run(dependent);
    assert.deepEqual(
      { output: result.output, turns: result.turns, calls: result.calls },
      { output: '[{"sum":42}]', turns: 3, calls: 2 },
    );
  });

  const spread = bench.agent({
    tools: [add],
    script: [
      { choices: [1, 2].map((n) => ({ calls: [{ tool: 'add', arguments: { a: n, b: 0 }, id: `c${n}` }] })) },
      sums,
    ],
  });
  test('runs the calls of every choice of a response', async () => {
    assert.equal((await bench.run(spread)).result.output, '[{"sum":1},{"sum":2}]');
  });

  const legacy = bench.agent({
    tools: [add],
    script: [{ functionCall: { tool: 'add', arguments: { a: 5, b: 5 } } }, sums],
  });
  test('runs the legacy function_call with an id of its own', async () => {
    const { result, run } = await bench.run(legacy);
    assert.equal(result.output, '[{"sum":10}]');
    assert.equal(run.turns[0]?.calls[0]?.callId, 'call_1_0');
  });

  const whole = bench.agent({
    tools: [add],
    script: [
      { fault: 'notStreamed', calls: [{ tool: 'add', arguments: { a: 2, b: 2 } }] },
      { fault: 'notStreamed', text: 'four' },
    ],
  });
  test('accepts an answer from a server that does not stream', async () => {
    assert.equal((await bench.run(whole)).result.output, 'four');
  });

  const contrary = bench.agent({
    tools: [add],
    script: [
      { calls: [{ tool: 'add', arguments: { a: 1, b: 0 } }], finishReason: 'stop' },
      { text: 'one', finishReason: 'tool_calls' },
    ],
  });
  test('follows the message if finish_reason contradicts it', async () => {
    assert.deepEqual((await bench.run(contrary)).result.output, 'one');
  });

  const asked = bench.agent({
    tools: [add],
    toolChoice: 'required',
    parallelToolCalls: false,
    temperature: 0,
    maxOutputTokens: 99,
    script: ['ok'],
  });
  test('sends tools as JSON Schema, with tool_choice and parallel_tool_calls', async () => {
    await bench.run(asked);
    const request = bench.model.requests.find(({ agent }) => agent === asked.name)?.body as Record<string, unknown>;
    assert.deepEqual(
      {
        tool_choice: request['tool_choice'],
        parallel_tool_calls: request['parallel_tool_calls'],
        temperature: request['temperature'],
        max_completion_tokens: request['max_completion_tokens'],
      },
      { tool_choice: 'required', parallel_tool_calls: false, temperature: 0, max_completion_tokens: 99 },
    );
    assert.deepEqual(request['tools'], [
      {
        type: 'function',
        function: {
          name: 'add',
          description: 'Adds two numbers.',
          parameters: {
            type: 'object',
            properties: { a: { type: 'number' }, b: { type: 'number' } },
            required: ['a', 'b'],
            additionalProperties: false,
          },
        },
      },
    ]);
  });
});
