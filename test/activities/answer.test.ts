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

test('continues the last call with pieces that have no index', () => {
  const answer = buildAnswer();
  const piece = (name: string | null, args: string) => ({ tool_calls: [{ function: { name, arguments: args } }] });
  for (const delta of [piece('a', '{"x"'), piece(null, ':1}'), piece('b', '{}')])
    answer.add({ choices: [{ index: 0, delta }] });
  assert.deepEqual(
    answer.build().calls.map(({ name, arguments: args }) => [name, args]),
    [
      ['a', '{"x":1}'],
      ['b', '{}'],
    ],
  );
});

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
    { tool_calls: [{ id: 'c', function: { name: 'pay', arguments: { amount: 1 } } }] },
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

test('keeps the index of a choice or call that is none out of the answer', () => {
  const answer = buildAnswer();
  for (const index of [{}, 'x', -1, 0.5]) answer.add({ choices: [{ index, delta: { content: 'a' } }] });
  assert.equal(answer.build().content, 'aaaa');
});
