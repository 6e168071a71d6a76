// A streamed answer is complete only if every choice with calls has a finish reason.
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
    answer.calls().map(({ name, arguments: args }) => [name, args]),
    [
      ['a', '{"x":1}'],
      ['b', '{}'],
    ],
  );
});
