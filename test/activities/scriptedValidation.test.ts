// The scripted model refuses what the OpenAI API refuses, with the same errors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveScript } from './scriptedSupport.ts';

const user = { role: 'user', content: 'Hello' };
const call = (id: string, json = '{}') => ({ id, type: 'function', function: { name: 'get_time', arguments: json } });
const calls = (...tool_calls: object[]) => ({ role: 'assistant', content: null, tool_calls });
const result = (tool_call_id: string) => ({ role: 'tool', tool_call_id, content: 'noon' });
const tool = (name: string, parameters: unknown = { type: 'object', properties: {} }) => ({
  type: 'function',
  function: { name, parameters },
});

const format = (json_schema: object) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'output', schema: { type: 'object' }, ...json_schema } },
});
const object = (properties: object, change: object = {}) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...change,
});
const strict = (properties: object, change?: object) => format({ strict: true, schema: object(properties, change) });
const nested = (depth: number): object => (depth === 0 ? { type: 'string' } : object({ a: nested(depth - 1) }));

const of = (part: object) => ({ messages: [{ role: 'user', content: [part] }] });

const refused: [string, object, RegExp][] = [
  ['no model', { model: undefined }, /you must provide a model parameter/],
  ['no messages', { messages: undefined }, /Missing required parameter: 'messages'/],
  ['messages that are no list', { messages: 'Hello' }, /Invalid type for 'messages': expected an array/],
  ['empty messages', { messages: [] }, /Invalid 'messages': empty array/],
  ['an unknown role', { messages: [{ role: 'robot', content: 'x' }] }, /Invalid value: 'robot'. Supported values are/],
  ['a user who says nothing', { messages: [{ role: 'user', content: null }] }, /'messages\[0\].content'.*got null/],
  [
    'a picture that is none',
    of({ type: 'image_url' }),
    /Missing required parameter: 'messages\[0\]\.content\[0\]\.image_url'/,
  ],
  ['a picture as bytes', of({ type: 'image_url', image_url: { url: 'iVBORw0KGgo=' } }), /Invalid image URL/],
  [
    'a picture of another type',
    of({ type: 'image_url', image_url: { url: 'data:image/jpeg;base64,iVBORw0KGgoAAAAA' } }),
    /You uploaded an unsupported image/,
  ],
  [
    'a file at a URL',
    of({ type: 'file', file: { filename: 'a', file_data: 'https://x' } }),
    /without the 'data:' prefix/,
  ],
  ['a part of no known type', of({ type: 'video' }), /Invalid value: 'video'/],
  [
    'a picture in a result',
    { messages: [user, calls(call('a')), { role: 'tool', tool_call_id: 'a', content: [{ type: 'image_url' }] }] },
    /type 'text' only/,
  ],
  [
    'an assistant who says nothing',
    { messages: [user, { role: 'assistant', content: null }] },
    /message 1 says nothing/,
  ],
  ['an empty list of calls', { messages: [user, calls()] }, /Invalid 'messages\[1\].tool_calls': empty array/],
  ['a result without a call', { messages: [user, result('a')] }, /message 1 answers call a, which nobody made/],
  ['a result without an id', { messages: [user, calls(call('a')), { role: 'tool', content: 'x' }] }, /tool_call_id/],
  [
    'results out of order',
    { messages: [user, calls(call('a'), call('b')), result('b'), result('a')] },
    /message 2 answers b where a is due/,
  ],
  ['a call without a result', { messages: [user, calls(call('a'))] }, /call a is not answered/],
  [
    'a call answered too late',
    { messages: [user, calls(call('a')), user, result('a')] },
    /call a is not answered before/,
  ],
  ['a call id twice', { messages: [user, calls(call('a'), call('a')), result('a'), result('a')] }, /call id a again/],
  ['an empty call id', { messages: [user, calls(call('')), result('')] }, /call id \(empty\)/],
  ['a call id too long', { messages: [user, calls(call('x'.repeat(41)))] }, /string too long.*maximum length 40/],
  [
    'arguments that are not JSON',
    { messages: [user, calls(call('a', '{')), result('a')] },
    /arguments that are not JSON/,
  ],
  ['an empty list of tools', { tools: [] }, /Invalid 'tools': empty array/],
  ['too many tools', { tools: Array.from({ length: 129 }, (_, i) => tool(`t${i}`)) }, /array too long.*128/],
  [
    'a tool name with a dot',
    { tools: [tool('get.time')] },
    /'tools\[0\].function.name': string does not match pattern/,
  ],
  ['a tool without a name', { tools: [tool('')] }, /does not match pattern/],
  ['a tool name too long', { tools: [tool('x'.repeat(65))] }, /string too long.*maximum length 64.*length 65/],
  ['a tool name twice', { tools: [tool('a'), tool('b'), tool('a')] }, /'a' is used twice/],
  ['parameters that are no object', { tools: [tool('a', { type: 'string' })] }, /Invalid schema for function 'a'/],
  ['a choice without tools', { tool_choice: 'auto' }, /only allowed when 'tools' are specified/],
  ['a parallel choice without tools', { parallel_tool_calls: true }, /only allowed when 'tools' are specified/],
  ['an unknown choice', { tools: [tool('a')], tool_choice: 'always' }, /Invalid value: 'always'/],
  [
    'a choice of a tool that is not there',
    { tools: [tool('a')], tool_choice: { type: 'function', function: { name: 'b' } } },
    /no function named 'b' was specified in the 'tools' parameter/,
  ],
  [
    'stream options without a stream',
    { stream_options: { include_usage: true } },
    /only allowed when 'stream' is enabled/,
  ],
  ['a stream that is no boolean', { stream: 'yes' }, /Invalid type for 'stream': expected a boolean/],
  [
    'an unknown format',
    { response_format: { type: 'xml' } },
    /Invalid value: 'xml'. Supported values are: 'json_object'/,
  ],
  ['JSON that nobody spoke of', { response_format: { type: 'json_object' } }, /must contain the word 'json'/],
  [
    'a schema without a name',
    format({ name: undefined }),
    /Missing required parameter: 'response_format.json_schema.name'/,
  ],
  [
    'a schema with a name of two words',
    format({ name: 'two words' }),
    /json_schema.name': string does not match pattern/,
  ],
  [
    'a schema that is a list',
    format({ schema: { type: 'array', items: {} } }),
    /of 'type: "object"', got 'type: "array"'/,
  ],
  [
    'an open object',
    strict({}, { additionalProperties: undefined }),
    /In context=\(\), 'additionalProperties' is required/,
  ],
  [
    'an open object in a list',
    strict({ a: { type: 'array', items: { type: 'object' } } }),
    /'items'\), 'additionalProperties'/,
  ],
  ['a field that may be missing', strict({ a: { type: 'string' } }, { required: [] }), /Missing 'a'/],
  [
    'a default',
    strict({ a: { type: 'string', default: 'x' } }),
    /context=\('properties', 'a'\), 'default' is not permitted/,
  ],
  ['a choice of exactly one', strict({ a: { oneOf: [{ type: 'null' }] } }), /'oneOf' is not permitted/],
  ['a length', strict({ a: { type: 'string', minLength: 1 } }), /'minLength' is not permitted/],
  ['an unknown text format', strict({ a: { type: 'string', format: 'uri' } }), /'uri' is not a valid format/],
  ['anything at all', strict({ a: {} }), /schema must have a 'type' key/],
  ['a list of no type', strict({ a: { type: 'array' } }), /array schema missing items/],
  [
    'a reference with a remark',
    strict({ a: { $ref: '#', description: 'x' } }),
    /\$ref cannot have keywords \{'description'\}/,
  ],
  ['a reference to nothing', strict({ a: { $ref: '#/$defs/b' } }), /reference '#\/\$defs\/b' not found/],
  ['a pattern that looks ahead', strict({ a: { type: 'string', pattern: '^(?=a)' } }), /lookarounds are not supported/],
  ['nesting without end', strict({ a: nested(11) }), /levels of nesting exceeds limit of 10/],
];

const accepted: [string, object][] = [
  [
    'a developer’s message, and text in parts',
    { messages: [{ role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] }, user] },
  ],
  ['calls answered in order', { messages: [user, calls(call('a'), call('b')), result('a'), result('b')] }],
  ['a named choice', { tools: [tool('a')], tool_choice: { type: 'function', function: { name: 'a' } } }],
  ['a strict schema', strict({ a: { type: ['string', 'null'] }, b: { anyOf: [{ type: 'null' }, { $ref: '#' }] } })],
  ['a schema that is not strict', format({ schema: { type: 'object', additionalProperties: {}, minProperties: 1 } })],
  ['text', { response_format: { type: 'text' } }],
  ['settings that a script has no use for', { temperature: 0, max_completion_tokens: 5, seed: 1 }],
];

test('refuses with status 400 what the OpenAI API refuses', async (t) => {
  const { model } = await serveScript(t, () => 'Hello.');
  for (const [name, change, words] of refused)
    await t.test(name, async () => {
      const { status, body } = await post(model.baseURL, { model: 'offline/clock', messages: [user], ...change });
      assert.equal(status, 400, JSON.stringify(body));
      assert.equal(body.error.type, 'invalid_request_error');
      assert.match(body.error.message, words);
    });
  assert.equal(model.countRequests(), refused.length);
  assert.equal(model.countRequests('clock'), 0, 'the script was not asked');
  assert(model.requests.every(({ state, error }) => state === 'done' && error !== null));
});

test('accepts what the OpenAI API accepts', async (t) => {
  const { model } = await serveScript(t, () => 'Hello.');
  for (const [name, change] of accepted)
    await t.test(name, async () => {
      const { status, body } = await post(model.baseURL, { model: 'offline/clock', messages: [user], ...change });
      assert.equal(status, 200, JSON.stringify(body));
    });
});

test('distinguishes invalid JSON, a wrong path and a wrong method', async (t) => {
  const { model } = await serveScript(t, () => 'Hello.');
  const chat = `${model.baseURL}/chat/completions`;
  const answers = [
    await fetch(chat, { method: 'POST', body: '{"model":' }),
    await fetch(`${model.baseURL}/embeddings`, { method: 'POST', body: '{}' }),
    await fetch(chat),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [400, 404, 405],
  );
  for (const answer of answers) {
    assert.equal(answer.headers.get('x-holdfast-offline'), 'script');
    assert(((await answer.json()) as ErrorAnswer).error.message);
  }
});

test('refuses a body over 32 MB with status 413, and keeps serving', async (t) => {
  const { model } = await serveScript(t, () => 'Hello.');
  const body = JSON.stringify({
    model: 'offline/clock',
    messages: [{ role: 'user', content: 'x'.repeat(33 * 1024 * 1024) }],
  });
  const answer = await fetch(`${model.baseURL}/chat/completions`, { method: 'POST', body });
  assert.equal(answer.status, 413);
  assert.match(((await answer.json()) as ErrorAnswer).error.message, /larger than 32 MB/);
  const { status } = await post(model.baseURL, { model: 'offline/clock', messages: [user] });
  assert.equal(status, 200);
});

interface ErrorAnswer {
  readonly error: { readonly message: string; readonly type: string };
}

async function post(baseURL: string, body: object): Promise<{ status: number; body: ErrorAnswer }> {
  const answer = await fetch(`${baseURL}/chat/completions`, { method: 'POST', body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as ErrorAnswer };
}
