// A streamed answer is complete only if every choice with calls has a finish reason.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { buildAnswer } from '../../activities/model/answer.ts';

const call = (args: string) => ({ tool_calls: [{ index: 0, id: 'c', function: { name: 'pay', arguments: args } }] });

test('keeps an answer open while any of its choices is cut off in a call', () => {
  const answer = buildAnswer();
  answer.add({ choices: [{ index: 0, delta: { content: 'Paying.' }, finish_reason: 'stop' }] });
  assert.equal(answer.isFinished(), true);
  answer.add({ choices: [{ index: 1, delta: call('') }] });
  assert.equal(answer.isFinished(), false);
  answer.add({ choices: [{ index: 1, delta: call('{}'), finish_reason: 'tool_calls' }] });
  assert.equal(answer.isFinished(), true);
});

/** A piece of a call: index, id, name, arguments. */
type Piece = readonly [number | string | null, string | null, string | null, unknown?];

/** Each in a list of its own, as one chunk. */
function joined(pieces: readonly (readonly Piece[])[]) {
  const answer = buildAnswer(new Set(['pay', 'look', 'get', 'get_weather']));
  for (const list of pieces) {
    const tool_calls = list.map(([index, id, name, args = null]) => ({
      ...(index !== null && { index }),
      ...(id !== null && { id }),
      function: { ...(name !== null && { name }), ...(args !== null && { arguments: args }) },
    }));
    answer.add({ choices: [{ index: 0, delta: { tool_calls } }] });
  }
  return answer.build().calls.map(({ id, name, arguments: args }) => [id, name, args]);
}

const each = (...pieces: Piece[]) => pieces.map((piece) => [piece]);

const WIRES: Readonly<
  Record<string, { pieces: readonly (readonly Piece[])[]; calls: readonly (readonly string[])[] }>
> = {
  'numbers, as in OpenAI': {
    pieces: each([0, 'a', 'pay', ''], [0, null, null, '{"x"'], [0, null, null, ':1}'], [1, 'b', 'look', '{}']),
    calls: [
      ['a', 'pay', '{"x":1}'],
      ['b', 'look', '{}'],
    ],
  },
  'numbers that are texts': {
    pieces: each(['0', 'a', 'pay', '{'], ['1', 'b', 'look', '{'], ['0', null, null, '}'], ['1', null, null, '}']),
    calls: [
      ['a', 'pay', '{}'],
      ['b', 'look', '{}'],
    ],
  },
  'one number and one name, without arguments, in one list': {
    pieces: [
      [
        [0, 'a', 'pay', ''],
        [0, 'b', 'pay', ''],
      ],
    ],
    calls: [
      ['a', 'pay', ''],
      ['b', 'pay', ''],
    ],
  },
  'ids alone, in turns': {
    pieces: [
      [
        [null, 'a', 'pay', '{"x"'],
        [null, 'b', 'look', '{"y"'],
      ],
      [
        [null, 'a', null, ':1}'],
        [null, 'b', null, ':2}'],
      ],
    ],
    calls: [
      ['a', 'pay', '{"x":1}'],
      ['b', 'look', '{"y":2}'],
    ],
  },
  'ids alone, in turns, with the name in each piece': {
    pieces: each(
      [null, 'a', 'pay', '{"x"'],
      [null, 'b', 'pay', '{"y"'],
      [null, 'a', 'pay', ':1}'],
      [null, 'b', 'pay', ':2}'],
    ),
    calls: [
      ['a', 'pay', '{"x":1}'],
      ['b', 'pay', '{"y":2}'],
    ],
  },
  'numbers out of order': {
    pieces: each([1, 'b', 'look', '{'], [0, 'a', 'pay', '{}'], [1, null, null, '}']),
    calls: [
      ['a', 'pay', '{}'],
      ['b', 'look', '{}'],
    ],
  },
  'no number and no id': {
    pieces: each([null, null, 'a', '{"x"'], [null, null, null, ':1}'], [null, null, 'b', '{}']),
    calls: [
      ['', 'a', '{"x":1}'],
      ['', 'b', '{}'],
    ],
  },
  'several calls with number 0 (Gemini, Ollama)': {
    pieces: each([0, 'a', 'pay', '{"x":1}'], [0, 'b', 'pay', '{"x":2}']),
    calls: [
      ['a', 'pay', '{"x":1}'],
      ['b', 'pay', '{"x":2}'],
    ],
  },
  'several calls with number 0 in one list, in pieces': {
    pieces: [
      [
        [0, 'a', 'pay', '{"x":1}'],
        [0, 'b', 'pay', '{"x"'],
      ],
      [[0, null, null, ':2}']],
    ],
    calls: [
      ['a', 'pay', '{"x":1}'],
      ['b', 'pay', '{"x":2}'],
    ],
  },
  'several calls with number 0 and no ids': {
    pieces: each([0, null, 'pay', '{"x":1}'], [0, null, 'pay', '{"x":2}'], [0, null, 'look', '{}']),
    calls: [
      ['', 'pay', '{"x":1}'],
      ['', 'pay', '{"x":2}'],
      ['', 'look', '{}'],
    ],
  },
  'a list of calls without numbers': {
    pieces: [
      [
        [null, 'a', 'pay', '{"x":1}'],
        [null, 'b', 'look', '{}'],
      ],
    ],
    calls: [
      ['a', 'pay', '{"x":1}'],
      ['b', 'look', '{}'],
    ],
  },
  'the name in each piece (vLLM, llama.cpp)': {
    pieces: each(
      [0, 'a', 'pay', ''],
      [0, 'a', 'pay', '{"x":'],
      [0, null, 'pay', '"}"'],
      [0, null, 'pay', '}'],
      [0, 'a', 'pay', ''],
    ),
    calls: [['a', 'pay', '{"x":"}"}']],
  },
  'the name in pieces': {
    pieces: each([0, 'a', 'get_', null], [0, null, 'weather', ''], [0, null, '', '{}']),
    calls: [['a', 'get_weather', '{}']],
  },
  'empty names under new ids (LM Studio)': {
    pieces: each([0, 'a', 'pay', '{"x"'], [0, 'b', '', ':1'], [0, 'c', '', '}'], [1, 'd', 'look', '{}']),
    calls: [
      ['a', 'pay', '{"x":1}'],
      ['d', 'look', '{}'],
    ],
  },
  'arguments as an object (Ollama)': {
    pieces: each([0, 'a', 'pay', { x: 1 }], [0, 'b', 'pay', { x: 2 }]),
    calls: [
      ['a', 'pay', '{"x":1}'],
      ['b', 'pay', '{"x":2}'],
    ],
  },
  'white space after a call whose name is repeated': {
    pieces: each([0, 'a', 'pay', '{"x":1}'], [0, 'a', 'pay', '\n']),
    calls: [['a', 'pay', '{"x":1}\n']],
  },
  'a new id and the name in each piece': {
    pieces: each([0, 'a', 'pay', ''], [0, 'b', 'pay', '{"x":'], [0, 'c', 'pay', '1}']),
    calls: [['a', 'pay', '{"x":1}']],
  },
  'the whole call again at its end': {
    pieces: each([0, 'a', 'pay', ''], [0, null, null, '{"x":1}'], [0, 'a', 'pay', '{"x":1}']),
    calls: [['a', 'pay', '{"x":1}']],
  },
  'number 0 for two calls that grow side by side': {
    pieces: each([0, 'a', 'pay', ''], [0, 'b', 'look', ''], [0, 'a', '', '{"x":1}'], [0, 'b', '', '{}']),
    calls: [
      ['a', 'pay', '{"x":1}'],
      ['b', 'look', '{}'],
    ],
  },
  'number 0 for two calls without ids, the first without arguments': {
    pieces: each([0, null, 'look', ''], [0, null, 'pay', '{"x":1}']),
    calls: [
      ['', 'look', ''],
      ['', 'pay', '{"x":1}'],
    ],
  },
  'a name that grows from piece to piece': {
    pieces: each([0, 'a', 'get_', ''], [0, 'a', 'get_weather', ''], [0, 'a', 'get_weather', '{}']),
    calls: [['a', 'get_weather', '{}']],
  },
  'one id for two calls': {
    pieces: each([0, 'a', 'pay', '{}'], [1, 'a', 'look', '{}']),
    calls: [
      ['a', 'pay', '{}'],
      ['a', 'look', '{}'],
    ],
  },
};
for (const [wire, { pieces, calls }] of Object.entries(WIRES))
  test(`joins the pieces of calls with ${wire}`, () => assert.deepEqual(joined(pieces), calls));

const whole = (message: object, more: object = {}) => {
  const answer = buildAnswer();
  answer.add({ choices: [{ index: 0, message, finish_reason: 'stop' }], ...more });
  return answer.build();
};

test('takes the text of content that is a list of parts', () => {
  const parts = [
    { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
    { type: 'text', text: 'All ' },
    { type: 'text', text: 'well.' },
  ];
  assert.equal(whole({ content: parts }).content, 'All well.');
});

test('refuses an answer whose texts are something else', () => {
  const odd: object[] = [
    { content: { text: 'a' } },
    { content: 7 },
    { content: ['a'] },
    { content: [{ type: 'text', text: { value: 'a' } }] },
    { refusal: ['no'] },
    { tool_calls: { name: 'pay' } },
    { tool_calls: [{ id: {}, function: { name: 'pay' } }] },
    { tool_calls: [{ id: 'c', function: { name: ['pay'] } }] },
    { tool_calls: [{ id: 'c', function: { name: 'pay', arguments: [1] } }] },
    { function_call: { name: {}, arguments: '{}' } },
    { function_call: { name: 'pay', arguments: [] } },
  ];
  for (const message of odd)
    assert.throws(
      () => whole(message),
      (error) =>
        error instanceof ApplicationFailure && !error.nonRetryable && /^The model's answer has /.test(error.message),
      JSON.stringify(message),
    );
  assert.throws(() => buildAnswer().add({ choices: 'none' }), /choices that are not a list/);
  for (const part of [null, 7, 'text', [], { choices: [null, 'a', 7] }]) buildAnswer().add(part);
});

test('counts only tokens that can be', () => {
  const usageOf = (usage: unknown) => whole({ content: 'a' }, { usage }).usage;
  const none = { inputTokens: 0, outputTokens: 0, cachedTokens: 0 };
  for (const odd of ['12', -1, 1.5, 1e300, Number.NaN, {}, [7], { valueOf: 7 }, true, null])
    assert.deepEqual(
      usageOf({ prompt_tokens: odd, completion_tokens: odd, prompt_tokens_details: { cached_tokens: odd } }),
      none,
      JSON.stringify(odd),
    );
  for (const odd of ['many', 7, [], true]) assert.deepEqual(usageOf(odd), none);
  assert.deepEqual(
    usageOf({ prompt_tokens: 10, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 99 } }),
    { inputTokens: 10, outputTokens: 2, cachedTokens: 10 },
    'no more from the cache than there were',
  );
});

test('counts the tokens of reasoning as a part of the output', () => {
  const usageOf = (reasoning: unknown) =>
    whole(
      { content: 'a' },
      { usage: { prompt_tokens: 1, completion_tokens: 9, completion_tokens_details: { reasoning_tokens: reasoning } } },
    ).usage.reasoningTokens;
  assert.deepEqual([4, 99, 0, null, 'many', -1].map(usageOf), [4, 9, undefined, undefined, undefined, undefined]);
});

test('keeps the index of a choice or call that is none out of the answer', () => {
  const answer = buildAnswer();
  for (const index of [{}, 'x', -1, 0.5]) answer.add({ choices: [{ index, delta: { content: 'a' } }] });
  assert.equal(answer.build().content, 'aaaa');
});
