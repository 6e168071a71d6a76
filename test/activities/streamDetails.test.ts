// The heartbeat details of a streamed answer stay small, and have its end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildAnswer } from '../../activities/model/answer.ts';
import { streamDetails } from '../../activities/model/streamDetails.ts';

const BYTES_MAX = 9_000;

function answerOf(content: string, calls: readonly string[]) {
  const answer = buildAnswer();
  const tool_calls = calls.map((written, index) => ({
    index,
    id: `c${index}`,
    function: { name: 'x'.repeat(500), arguments: written },
  }));
  answer.add({ choices: [{ index: 0, delta: { content, tool_calls } }] });
  return answer;
}

test('keeps all of a short answer', () => {
  const answer = answerOf('Hello.', ['{"a":1}', '']);
  assert.deepEqual(streamDetails(answer, 3), {
    attempt: 3,
    offset: 0,
    text: 'Hello.',
    calls: [
      { slot: 0, tool: 'x'.repeat(64), offset: 0, arguments: '{"a":1}' },
      { slot: 1, tool: 'x'.repeat(64), offset: 0, arguments: '' },
    ],
  });
});

test('keeps the end of a long answer, with its offset', () => {
  const text = Array.from({ length: 9_000 }, (_, i) => i % 10).join('');
  for (const calls of [[text], Array<string>(2_000).fill(text), Array<string>(2_000).fill('{}')]) {
    const details = streamDetails(answerOf(text, calls), 1);
    assert.ok(JSON.stringify(details).length < BYTES_MAX);
    assert.equal(details.offset + details.text.length, text.length);
    assert.ok(text.endsWith(details.text) && details.text.length > 1_000);
    assert.equal(details.calls.at(-1)?.slot, calls.length - 1);
    for (const { slot, offset, arguments: end } of details.calls) {
      assert.equal(offset + end.length, calls[slot]?.length);
      assert.ok(calls[slot]?.endsWith(end));
    }
    const newest = details.calls.at(-1)!;
    assert.ok(newest.arguments.length >= Math.min(calls.at(-1)!.length, 1_000), 'the newest has room');
  }
});
