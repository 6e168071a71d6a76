// A compacted transcript is always valid for the model API: every call has its result, and only what the note counts is
// missing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutConversation, fitMessages } from '../../activities/compact/compactCut.ts';
import { countReplaced, noteOf, readNote, tokensOf } from '../../core/compaction.ts';
import { transcriptProblem } from '../../core/transcript.ts';
import type { Message } from '../../core/types.ts';

const text = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ minLength: 400, maxLength: 3_000, unit: 'grapheme' }));
const user = text.map((content): Message[] => [{ role: 'user', content }]);
const note = fc
  .record({ messages: fc.nat(5_000), turns: fc.nat(2_000), times: fc.nat(10_000) })
  .map(({ messages, turns, times }): Message[] => [noteOf({ messages, turns, calls: { look_up: times } }, 'Gone.')]);
const said = text.map((content): Message[] => [{ role: 'assistant', content }]);

/** A turn with calls and all their answers. */
const called = fc.array(fc.record({ args: text, result: text }), { minLength: 1, maxLength: 5 }).map((calls) => calls);

/** Any conversation that the engine could have: ids are its own over the whole of it. */
const conversation = fc
  .tuple(fc.oneof(user, note), fc.array(fc.oneof(user, said, called), { maxLength: 25 }))
  .map(([first, parts]): Message[] => {
    let id = 0;
    return [
      ...first,
      ...parts.flatMap((part): Message[] => {
        if (isMessages(part)) return part;
        const ids = part.map(() => `call_${id++}`);
        return [
          {
            role: 'assistant',
            content: null,
            tool_calls: part.map(({ args }, i) => ({
              id: ids[i]!,
              type: 'function',
              function: { name: `tool_${i % 3}`, arguments: JSON.stringify({ args }) },
            })),
          },
          ...part.map(({ result }, i): Message => ({ role: 'tool', tool_call_id: ids[i]!, content: result })),
        ];
      }),
    ];
  })
  // Two assistants' texts without calls may follow each other; an empty one says nothing.
  .filter((messages) => transcriptProblem(messages) === null);

function isMessages(part: readonly object[]): part is Message[] {
  return part.every((one) => 'role' in one);
}

/** A conversation, how many turns are to be kept, and the tokens that these may have. */
const cuts = [conversation, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5_000 })] as const;

const runs = Number(process.env['HOLDFAST_FUZZ'] ?? 2_000);

test('cuts whole turns, and keeps the task and the last turn', () => {
  fc.assert(
    fc.property(...cuts, (messages, keep, max) => {
      const { task, older, recent } = cutConversation(messages, keep, max);
      assert.deepEqual([...task, ...older, ...recent], messages);
      for (const part of [task, older, recent]) assert.equal(transcriptProblem(part), null);
      const turns = (part: readonly Message[]) => part.filter(({ role }) => role === 'assistant').length;
      if (older.length > 0) {
        assert.ok(turns(recent) >= 1 && turns(recent) <= keep);
        assert.ok(tokensOf(recent) <= max || turns(recent) === 1);
        assert.ok(older.some((message) => readNote(message) === null));
      }
      const first = messages[0]!;
      assert.deepEqual(task, first.role === 'user' && readNote(first) === null ? [first] : []);
    }),
    { numRuns: runs },
  );
});

test('replaces the cut messages by a note that counts them all', () => {
  fc.assert(
    fc.property(...cuts, (messages, keep, max) => {
      const { task, older, recent } = cutConversation(messages, keep, max);
      if (older.length === 0) return;
      const standsFor = noteOf(countReplaced(older), 'Gone.');
      const compacted = [...task, standsFor, ...fitMessages(recent, max)];
      assert.equal(transcriptProblem(compacted), null);
      assert.deepEqual(readNote(standsFor), countReplaced(older));
      // Counted again with the note, it is what it was.
      const { messages: gone, turns } = countReplaced(compacted);
      const before = countReplaced(messages);
      assert.deepEqual({ gone, turns }, { gone: before.messages, turns: before.turns });
    }),
    { numRuns: runs },
  );
});

test('shortens messages until they fit, in the same order', () => {
  fc.assert(
    fc.property(conversation, fc.integer({ min: 1, max: 20_000 }), (messages, max) => {
      const fitted = fitMessages(messages, max);
      assert.equal(transcriptProblem(fitted), null);
      assert.deepEqual(fitted.map(shape), messages.map(shape));
      if (tokensOf(messages) <= max) assert.equal(fitted, messages);
      // A text of 200 characters stays of each, with a note and its frame, in bytes that its letters may take.
      const least =
        messages.length * 400 + messages.flatMap(({ role }) => (role === 'assistant' ? [1] : [])).length * 2_500;
      if (least <= max) assert.ok(tokensOf(fitted) <= max, `${tokensOf(fitted)} of ${max}`);
    }),
    { numRuns: runs },
  );
});

function shape(message: Message): unknown {
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
  return [message.role, calls.map(({ id, function: called }) => [id, called.name])];
}

test('cuts tool results before messages of people', () => {
  const messages: Message[] = [
    { role: 'user', content: 'u'.repeat(3_000) },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'x', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'a', content: 't'.repeat(30_000) },
  ];
  const [said, , result] = fitMessages(messages, 2_000);
  assert.equal(said, messages[0]);
  assert.match(result?.content ?? '', /^t+… \[cut: the first [\d,]+ of 30,000 characters\]$/);
  assert.ok(tokensOf(fitMessages(messages, 500)) <= 500);
});

test('reads notes from any source, and no other message as a note', () => {
  assert.equal(readNote({ role: 'user', content: '[3 earlier messages stood here.]\nx' }), null);
  assert.equal(readNote({ role: 'assistant', content: '[3 earlier messages (1 turn) stood here.]\nx' }), null);
  assert.deepEqual(readNote({ role: 'user', content: '[1,234 earlier messages (1 turn) stood here.]\nx' }), {
    messages: 1_234,
    turns: 1,
    calls: {},
  });
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`tool_${i}`, i + 1]));
  assert.ok((noteOf({ messages: 1, turns: 1, calls: many }, '').content ?? '').length < 1_000);
});
