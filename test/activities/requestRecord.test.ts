// The record of a request: what makes the messages that were sent out of what history has, and no more than that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRequestRecords, type RecordOptions } from '../../activities/model/requestRecord.ts';
import { secretsOf } from '../../activities/model/secrets.ts';
import type { Message, RequestMark, RequestRecord } from '../../core/types.ts';
import { difference, joinParts, textParts } from '../../core/wire/difference.ts';

const form = { api: 'chat', from: 'here', model: 'm', refused: [] } as const;

/** The records of a conversation that grows by two messages a turn, of which a guardrail masks each third. */
function records(turns: number, cacheBytes?: number, change: Partial<RecordOptions> = {}): RequestRecord[] {
  const requests = createRequestRecords(cacheBytes);
  const messages: Message[] = [{ role: 'system', content: 'Be brief.' }];
  let last: RequestMark | undefined;
  return Array.from({ length: turns }, (_, turn) => {
    messages.push({ role: 'user', content: `Question ${turn}.` }, { role: 'assistant', content: `Answer ${turn}.` });
    const sent = messages.map((message, i) => (i % 3 === 2 ? { ...message, content: 'masked' } : message));
    const record = requests.record({
      workflowId: 'w',
      last,
      sent: { body: { model: 'm', messages: sent, stream: true }, form },
      messages: [...messages],
      mayDiffer: true,
      attachments: new Map(),
      secrets: secretsOf([]),
      room: 1_000_000,
      ...change,
    });
    last = record;
    return record;
  });
}

const bytes = (record: RequestRecord) => JSON.stringify({ ...record, framed: undefined }).length;

test('adds the same for each turn, where the request before is known', () => {
  const [early, late] = [records(10).at(-1)!, records(100).at(-1)!];
  assert.ok(bytes(late) < bytes(early) + 20, `${bytes(early)} and ${bytes(late)} bytes`);
  assert.ok(late.pieces?.some((piece) => 'before' in piece));
});

test('needs no request before, where this worker has not made it', () => {
  for (const record of records(20, 0)) {
    assert.ok(record.pieces);
    assert.ok(!record.pieces.some((piece) => 'before' in piece));
  }
  // Another worker has recorded the last one.
  assert.ok(
    !records(3, undefined, { last: { frame: 'f', messages: 'others' } }).some(({ pieces }) =>
      pieces?.some((piece) => 'before' in piece),
    ),
  );
});

test('has of a changed message what is other in it', () => {
  const long = (name: string) =>
    `The account of ${name} is 4711.\n${'All is well, '.repeat(400)}so far. ${name} says hello.`;
  const messages: Message[] = [{ role: 'user', content: long('Ann') }];
  const sent = { body: { model: 'm', messages: [{ role: 'user', content: long('[name]') }] }, form };
  const requests = createRequestRecords(0);
  const record = requests.record({
    workflowId: 'w',
    last: undefined,
    sent,
    messages,
    mayDiffer: true,
    attachments: new Map(),
    secrets: secretsOf([]),
    room: 1_000_000,
  });
  assert.ok(JSON.stringify(record.pieces).length < 120, JSON.stringify(record.pieces));
});

test('leaves out what has no room', () => {
  for (const { framed, pieces } of records(3, undefined, { room: 0, last: undefined })) {
    assert.deepEqual(framed, { form, body: null, left: 'too_large' });
    assert.equal(pieces, null);
  }
});

test('hides secrets in what it records', () => {
  const secret = 'a-very-secret-key';
  const sent = { body: { model: 'm', key: secret, messages: [{ role: 'user', content: `Use ${secret}.` }] }, form };
  const [record] = records(1, undefined, { sent, secrets: secretsOf([secret]) });
  assert.doesNotMatch(JSON.stringify(record), /very-secret/);
  assert.match(JSON.stringify(record), /Use \[hidden\]\./);
});

test('makes a text of its parts, whatever it is', () => {
  const texts = fc
    .array(fc.constantFrom('a', ' ', 'b', '\\n', 'c', '  '), { maxLength: 20 })
    .map((all) => all.join(''));
  fc.assert(fc.property(texts, texts, (text, other) => assert.equal(joinParts(textParts(text, other), other), text)));
});

test('makes what was sent of its pieces, whatever was sent', () => {
  const texts = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 12 });
  fc.assert(
    fc.property(texts, texts, texts, (sent, expected, before) => {
      const made = difference(sent, expected, before).flatMap((piece) => {
        if ('put' in piece) return piece.put;
        const [at, count] = 'kept' in piece ? piece.kept : piece.before;
        return ('kept' in piece ? expected : before).slice(at, at + count);
      });
      assert.deepEqual(made, sent);
    }),
  );
});
