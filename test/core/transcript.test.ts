// A transcript is valid if every call is answered once, in order, before the next other message.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { transcriptProblem } from '../../core/transcript.ts';
import type { Message, ToolCall } from '../../core/types.ts';

const callOf = (id: string, args = '{}'): ToolCall => ({
  id,
  type: 'function',
  function: { name: 'f', arguments: args },
});
const answer = (id: string): Message => ({ role: 'tool', tool_call_id: id, content: '' });

/** A valid conversation: its turns make so many calls each. */
function conversation(turns: readonly number[]): Message[] {
  const said = turns.flatMap((calls, turn): Message[] => {
    const ids = Array.from({ length: calls }, (_, slot) => `${turn}.${slot}`);
    if (calls === 0) return [{ role: 'assistant', content: 'text' }];
    return [{ role: 'assistant', content: null, tool_calls: ids.map((id) => callOf(id)) }, ...ids.map(answer)];
  });
  return [{ role: 'system', content: 's' }, { role: 'user', content: 'u' }, ...said];
}

const turns = fc.array(fc.nat(4), { maxLength: 6 });

test('accepts a transcript in which every call is answered', () => {
  fc.assert(fc.property(turns, (calls) => assert.equal(transcriptProblem(conversation(calls)), null)));
});

test('rejects missing, duplicate and misordered answers', () => {
  fc.assert(
    fc.property(turns, fc.nat(), fc.constantFrom('drop', 'double', 'swap'), (calls, pick, what) => {
      const messages = conversation(calls);
      const answers = messages.flatMap(({ role }, i) => (role === 'tool' ? [i] : []));
      const at = answers[pick % Math.max(1, answers.length)];
      fc.pre(at !== undefined && (what !== 'swap' || messages[at + 1]?.role === 'tool'));
      const message = messages[at!]!;
      if (what === 'drop') messages.splice(at!, 1);
      else if (what === 'double') messages.splice(at!, 0, message);
      else messages.splice(at!, 2, messages[at! + 1]!, message);
      assert.notEqual(transcriptProblem(messages), null);
    }),
  );
});

test('names everything else that a strict API refuses', () => {
  const cases: [Message[], RegExp][] = [
    [[{ role: 'assistant', content: null }], /says nothing/],
    [[{ role: 'assistant', content: 'x', tool_calls: [] }], /empty list/],
    [[{ role: 'assistant', content: null, tool_calls: [callOf('')] }, answer('')], /\(empty\)/],
    [[{ role: 'assistant', content: null, tool_calls: [callOf('a'), callOf('a')] }], /the call id a again/],
    [[{ role: 'assistant', content: null, tool_calls: [callOf('a', '{')] }, answer('a')], /not JSON/],
    [[answer('a')], /nobody made/],
  ];
  for (const [messages, says] of cases) assert.match(transcriptProblem(messages) ?? '', says);
});
