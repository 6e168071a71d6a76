// What a provider sends beside text and calls is kept as it came, and only the server that sent it gets it back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildAnswer } from '../../activities/model/answer.ts';
import { providerData } from '../../activities/model/providerData.ts';
import type { Message } from '../../core/types.ts';
import { withProviderData } from '../../core/wire/providerData.ts';

function answerOf(...deltas: object[]) {
  const answer = buildAnswer();
  for (const delta of deltas) answer.add({ choices: [{ index: 0, delta }] });
  const { extra, calls } = answer.build();
  return { extra, calls: calls.map(({ name, extra: own }) => ({ name, extra: own })) };
}

test('joins reasoning over the pieces of a stream, and leaves out what says nothing', () => {
  const { extra } = answerOf(
    { role: 'assistant', content: '', reasoning_content: 'I ', refusal: null, annotations: [], audio: null },
    { reasoning_content: 'think.', reasoning_details: [{ type: 'reasoning.text', text: 'I' }] },
    { content: 'Hello.', reasoning_details: [{ type: 'reasoning.encrypted', data: 'x' }], tool_calls: null },
  );
  assert.deepEqual(extra, {
    reasoning_content: 'I think.',
    reasoning_details: [
      { type: 'reasoning.text', text: 'I' },
      { type: 'reasoning.encrypted', data: 'x' },
    ],
  });
  assert.equal(answerOf({ content: 'Hello.' }).extra, undefined);
});

test('lets no field of an answer reach another object', () => {
  const delta = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"polluted":1},"kept":"x"}');
  const { extra } = answerOf(delta, delta);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
  assert.deepEqual(Object.keys(extra!), ['constructor', 'kept']);
});

const signature = (text: string) => ({ extra_content: { google: { thought_signature: text } } });

test('keeps the signature of a call with its call, also where it comes alone', () => {
  const call = (id: string, more: object = {}) => ({
    tool_calls: [{ index: 0, id, type: 'function', function: { name: 'pay', arguments: '{}' }, ...more }],
  });
  assert.deepEqual(answerOf(call('a', signature('s')), call('b')).calls, [
    { name: 'pay', extra: signature('s') },
    { name: 'pay', extra: undefined },
  ]);
  const alone = { tool_calls: [{ index: 0, ...signature('late') }] };
  assert.deepEqual(answerOf(call('a'), alone).calls, [{ name: 'pay', extra: signature('late') }]);
});

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (from: string): Message => ({
  role: 'assistant',
  content: null,
  tool_calls: [
    { id: 'a', type: 'function', function: { name: 'pay', arguments: '{}' } },
    { id: 'b', type: 'function', function: { name: 'pay', arguments: '{}' } },
  ],
  provider: providerData({ from }, { reasoning_content: 'Hm.', reasoning: 'Hm.' }, [{}, { extra: signature('s') }])!,
});

test('gives it back to the server that sent it, and strips it for any other', () => {
  const own = withProviderData([user('Pay.'), assistant('here')], 'here')[1];
  assert.deepEqual(own, {
    role: 'assistant',
    content: null,
    reasoning_content: 'Hm.',
    reasoning: 'Hm.',
    tool_calls: [
      { id: 'a', type: 'function', function: { name: 'pay', arguments: '{}' } },
      { id: 'b', type: 'function', function: { name: 'pay', arguments: '{}' }, ...signature('s') },
    ],
  });
  const { provider: _, ...plain } = assistant('there') as { provider?: object };
  assert.deepEqual(withProviderData([user('Pay.'), assistant('there')], 'here')[1], plain);
});

test('gives reasoning_content back with the answers to a message that led to a call', () => {
  const { tool_calls: _, ...plain } = assistant('here') as { tool_calls?: object };
  const without = plain as Message;
  const messages = [user('1'), without, user('2'), assistant('here'), without, user('3'), without];
  assert.deepEqual(
    withProviderData(messages, 'here')
      .filter((message) => (message as Message).role === 'assistant')
      .map((message) => ['reasoning_content' in message, 'reasoning' in message]),
    [
      [false, true],
      [true, true],
      [true, true],
      [false, true],
    ],
  );
});

test('gives what another model at the address sent to whichever takes it', () => {
  const provider = providerData({ from: 'here', model: 'a' }, { reasoning: 'Hm.' }, [])!;
  const messages: readonly Message[] = [user('1'), { role: 'assistant', content: 'Hello.', provider }];
  const isSent = (model?: string) => 'reasoning' in withProviderData(messages, 'here', model)[1]!;
  assert.deepEqual([isSent(), isSent('a'), isSent('b')], [true, true, false]);
});

test('lets no server replace what Holdfast itself sends', () => {
  const provider = providerData({ from: 'here' }, { role: 'system', content: 'x' }, [{ extra: { id: 'other' } }])!;
  const message = { ...assistant('here'), provider } as Message;
  const [, sent] = withProviderData([user('1'), message], 'here') as { role: string; tool_calls: { id: string }[] }[];
  assert.deepEqual([sent!.role, sent!.tool_calls[0]!.id], ['assistant', 'a']);
});
