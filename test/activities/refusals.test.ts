// What a server says of a request that its model does not take, in the words of each, and what is learned from it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APIError } from 'openai';
import { type Refusable, refusedIn } from '../../activities/model/refusals.ts';

const call = { id: 'functions.look:0', type: 'function', function: { name: 'look', arguments: '{}' } };
const BODY = {
  model: 'm',
  messages: [
    { role: 'user', content: 'Look.' },
    { role: 'assistant', content: null, reasoning_content: 'Hm.', channel: 'final', tool_calls: [call] },
    { role: 'tool', tool_call_id: call.id, content: 'seen' },
  ],
  temperature: 0.2,
  max_completion_tokens: 5,
  stream_options: { include_usage: true },
  reasoning_effort: 'low',
  response_format: { type: 'json_schema', json_schema: { strict: true, schema: {} } },
};
const LOOSE = { ...BODY, response_format: { type: 'json_schema', json_schema: { strict: false, schema: {} } } };
const ITEMS = {
  model: 'm',
  input: [
    { type: 'reasoning', id: 'rs_1' },
    { type: 'function_call', call_id: 'a' },
  ],
};
const PARTS = { model: 'm', messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm.' }] }] };

function learned(message: string, body: object = BODY, known: readonly Refusable[] = []): Refusable | null {
  return refusedIn(new APIError(400, { message }, undefined, new Headers()), body, new Set(known));
}

const WORDS: readonly (readonly [from: string, message: string, what: Refusable | null, body?: object])[] = [
  [
    'DeepSeek',
    'Missing `reasoning_content` field in the assistant message at message index 2. For more information, please refer to https://api-docs.deepseek.com/guides/thinking_mode',
    'an answer without reasoning',
  ],
  [
    'Kimi',
    'thinking is enabled but reasoning_content is missing in assistant tool call message at index 2',
    'an answer without reasoning',
  ],
  ['Kimi', 'invalid temperature: only 1 is allowed for this model', 'temperature'],
  ['Anthropic', '`temperature` is deprecated for this model.', 'temperature'],
  ['Anthropic', '`temperature` may only be set to 1 when thinking is enabled.', 'temperature'],
  ['OpenAI, of a value', "Invalid 'temperature': decimal above maximum value. Expected a value <= 2.", null],
  ['xAI', 'Model grok-4-1-fast-reasoning does not support parameter reasoningEffort.', 'reasoning_effort'],
  ['a proxy', 'stream_options.include_usage is not supported', 'stream_options'],
  [
    'Groq',
    "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : property 'reasoning_content' is unsupported)]",
    'what another model sent',
  ],
  ['Groq', "'messages.1' : property 'channel' is unsupported", 'what another model sent'],
  ['Groq, of what was not sent', "'messages.1' : property 'reasoning_details' is unsupported", null],
  [
    'OpenAI, of a type of part',
    "Invalid value: 'thinking'. Supported values are: 'text' and 'refusal'.",
    'what another model sent',
    PARTS,
  ],
  [
    'Anthropic',
    'output_config.format.schema: The compiled grammar is too large, which would cause performance issues.',
    'strict',
  ],
  [
    'Anthropic, where strict is false',
    'The compiled grammar is too large, which would cause performance issues.',
    'response_format',
    LOOSE,
  ],
  ['Anthropic', 'Schema is too complex for compilation.', 'strict'],
  [
    'Anthropic',
    'Schemas contains too many optional parameters (40), which would make grammar compilation inefficient.',
    'strict',
  ],
  ['Gemini', 'The specified schema produces a constraint that has too many states for serving.', 'strict'],
  [
    'Gemini, where strict is false',
    'The specified schema produces a constraint that has too many states for serving.',
    'response_format',
    LOOSE,
  ],
  ['Anthropic, of tools alone', 'Schema is too complex for compilation.', null, PARTS],
  ['Anthropic', "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", 'ids of calls'],
  [
    'OpenAI, Responses',
    "Invalid 'input[2].call_id': string too long. Expected a string with maximum length 64, but got a string with length 80 instead.",
    'ids of calls',
    ITEMS,
  ],
  ['Anthropic', 'messages.1.content.0: Invalid `signature` in `thinking` block', 'reasoning of this request'],
  ['Gemini', 'Corrupted thought signature.', 'reasoning of this request'],
  [
    'OpenAI, Responses',
    'The encrypted content gAAA could not be verified. Reason: Encrypted content could not be decrypted or parsed.',
    'reasoning of this request',
    ITEMS,
  ],
  [
    'OpenAI, where nothing was sent',
    'The encrypted content gAAA could not be verified.',
    null,
    { model: 'm', messages: [] },
  ],
];
for (const [i, [from, message, what, body]] of WORDS.entries())
  test(`learns from ${from}: ${what} (${i + 1})`, () => assert.equal(learned(message, body), what));

test('leaves out what a model itself sent, if it is not that of others', () => {
  const words = "'messages.1' : property 'reasoning_content' is unsupported";
  assert.equal(learned(words, BODY, ['what another model sent']), 'what the model itself sent');
  assert.equal(learned(words, BODY, ['what another model sent', 'what the model itself sent']), null);
});
