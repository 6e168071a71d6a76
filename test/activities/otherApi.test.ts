// A request in the form of the other API, and back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOtherApi } from '../../activities/model/otherApi.ts';

const call = (id: string) => ({ id, type: 'function', function: { name: 'pay', arguments: '{"to":"shop"}' } });
const chat = {
  model: 'gpt-5',
  messages: [
    { role: 'system', content: 'Pay.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'The bill:' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
        { type: 'file', file: { file_data: 'data:application/pdf;base64,AA==', filename: 'bill.pdf' } },
        { type: 'file', file: { file_data: 'https://example.com/bill.pdf', filename: undefined } },
      ],
    },
    { role: 'assistant', content: 'One moment.', tool_calls: [call('a'), call('b')] },
    { role: 'tool', tool_call_id: 'a', content: 'paid' },
    { role: 'tool', tool_call_id: 'b', content: 'paid' },
    { role: 'assistant', content: null, tool_calls: [call('c')] },
    { role: 'tool', tool_call_id: 'c', content: 'paid' },
    { role: 'assistant', content: 'All is paid.' },
    { role: 'user', content: 'Thank you.' },
  ],
  stream: true,
  stream_options: { include_usage: true },
  tools: [{ type: 'function', function: { name: 'pay', description: 'Pays.', parameters: { type: 'object' } } }],
  tool_choice: { type: 'function', function: { name: 'pay' } },
  parallel_tool_calls: false,
  temperature: 0.2,
  max_completion_tokens: 900,
  reasoning_effort: 'low',
  verbosity: 'low',
  response_format: { type: 'json_schema', json_schema: { name: 'output', strict: true, schema: { type: 'object' } } },
};

test('says the same in the other form and back', () => {
  const responses = inOtherApi(chat, 'chat');
  assert.deepEqual(
    [responses['instructions'], responses['max_output_tokens'], responses['text'], responses['stream_options']],
    [
      'Pay.',
      900,
      { verbosity: 'low', format: { type: 'json_schema', ...chat.response_format.json_schema } },
      undefined,
    ],
  );
  assert.deepEqual(inOtherApi(responses, 'responses'), chat);
});

test('leaves out what a server has sent beside text and calls', () => {
  const [first] = chat.messages;
  const answer = { role: 'assistant', content: 'So.', reasoning_content: 'Hm.' };
  assert.doesNotMatch(JSON.stringify(inOtherApi({ ...chat, messages: [first, answer] }, 'chat')), /Hm/);
  const input = [
    { role: 'user', content: 'Go.' },
    { type: 'reasoning', id: 'r', encrypted_content: 'Hm.' },
  ];
  assert.deepEqual(inOtherApi({ model: 'm', input, store: false }, 'responses')['messages'], [
    { role: 'user', content: 'Go.' },
  ]);
});

test('refuses a tool that only one API has', () => {
  assert.throws(() => inOtherApi({ input: [], tools: [{ type: 'web_search' }] }, 'responses'), {
    name: 'TypeError',
    message: /a tool of the type "web_search", which only the API "responses" has/,
  });
});
