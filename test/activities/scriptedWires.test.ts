// What each wire of the scripted model sends and refuses, byte for byte as its provider's server does: read without the client, and without
// anything of Holdfast that would make it alike.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import {
  offlineModel,
  type ScriptedRequest,
  startScriptedModel,
  type WireName,
} from '../../activities/testing/index.ts';

const CALLS = ['the yard', 'the street'].map((at) => ({
  tool: 'look',
  arguments: { at: `${at}, and all that is near it` },
}));
const scripts = {
  calls: () => ({ calls: CALLS }),
  text: () => 'Nobody is there.',
  cut: () => ({ calls: CALLS, finishReason: 'length' }),
  strange: ({ messages }: ScriptedRequest) =>
    ({ fault: messages[0]?.content, status: messages[0]?.content === 'stall' ? 402 : 99 }) as never,
  broken: () => ({ fault: 'errorInStream', status: 402, text: 'No', afterChunks: 1 }) as const,
};
const TOOLS = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }];
const USER = { role: 'user', content: 'Look.' };

interface Piece {
  readonly index?: number;
  readonly id?: string;
  readonly function: { readonly name?: string; readonly arguments: unknown };
  readonly extra_content?: object;
}
interface Chunk {
  readonly choices: readonly {
    readonly delta: Readonly<Record<string, unknown>> & { readonly tool_calls?: readonly Piece[] };
    readonly finish_reason: string | null;
    readonly content_filter_results?: object;
  }[];
  readonly usage?: object | null;
}

const models = new Map<WireName, Awaited<ReturnType<typeof startScriptedModel>>>();
after(() => Promise.all([...models.values()].map((model) => model.close())));

async function startedModel(wire: WireName) {
  const model = models.get(wire) ?? (await startScriptedModel({ scripts, wire }));
  models.set(wire, model);
  return model;
}

async function post(wire: WireName, script: keyof typeof scripts, fields: object = {}): Promise<Response> {
  const model = await startedModel(wire);
  const url = new URL(model.baseURL);
  url.pathname += '/chat/completions';
  const body = { model: offlineModel(script), messages: [USER], stream: true, tools: TOOLS, ...fields };
  return fetch(url, { method: 'POST', headers: { 'api-key': 'key' }, body: JSON.stringify(body) });
}

async function streamed(wire: WireName, script: keyof typeof scripts, fields: object = {}) {
  const response = await post(wire, script, { stream_options: { include_usage: true }, ...fields });
  const sent = await response.text();
  assert.equal(response.status, 200, sent);
  const lines = sent.split('\n').filter((line) => line.startsWith('data: {'));
  const chunks = lines.map((line): Chunk => JSON.parse(line.slice('data: '.length)));
  const pieces = chunks.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.tool_calls ?? []));
  const finish = chunks.flatMap(({ choices }) => choices.flatMap((choice) => choice.finish_reason ?? []));
  return { sent, chunks, pieces, finish, deltas: chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta)) };
}

async function refused(wire: WireName, fields: object) {
  const response = await post(wire, 'text', fields);
  const body = await response.text();
  return { status: response.status, body: response.ok ? body : (JSON.parse(body) as unknown) };
}

const called = (fields: object = {}, id = 'call_1_0') => [
  USER,
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id, type: 'function', function: { name: 'look', arguments: '{}' } }],
    ...fields,
  },
  { role: 'tool', tool_call_id: id, content: 'seen' },
];
const numbers = (pieces: readonly Piece[]) => [...new Set(pieces.map(({ index }) => index))];

test('gemini numbers no call, signs the first, and ends with "stop"', async () => {
  const { pieces, finish } = await streamed('gemini', 'calls');
  assert.deepEqual(numbers(pieces), [undefined]);
  assert.deepEqual(
    pieces.map(({ extra_content, function: { arguments: json } }) => [
      extra_content !== undefined,
      JSON.parse(String(json)),
    ]),
    CALLS.map(({ arguments: json }, i) => [i === 0, json]),
  );
  assert.deepEqual(finish, ['stop']);
  const { deltas } = await streamed('gemini', 'text');
  assert.deepEqual(Object.keys(deltas.at(-2)!), ['extra_content'], 'a delta that has only a signature');
});

test('gemini refuses a call without its signature, in a list with one error', async () => {
  const { status, body } = await refused('gemini', { messages: called() });
  assert.equal(status, 400);
  const [{ error }] = body as [{ error: { code: number; message: string; status: string } }];
  assert.deepEqual([error.code, error.status], [400, 'INVALID_ARGUMENT']);
  assert.match(error.message, /missing a thought_signature.*`default_api:look` , position 2/);
  const signed = (thought_signature: string) => {
    const [user, answer, result] = called() as [object, { tool_calls: object[] }, object];
    const extra_content = { google: { thought_signature } };
    return [user, { ...answer, tool_calls: [{ ...answer.tool_calls[0], extra_content }] }, result];
  };
  assert.equal((await refused('gemini', { messages: signed('skip_thought_signature_validator') })).status, 200);
  assert.equal((await refused('gemini', { messages: signed('of another call') })).status, 400);
  assert.equal((await refused('gemini', { messages: [...called(), USER] })).status, 200, 'an earlier question');
});

test('deepseek sends reasoning, and wants it back where a tool was called', async () => {
  const { deltas } = await streamed('deepseek', 'calls');
  assert.match(String(deltas[1]!['reasoning_content']), /tool/);
  const last = { role: 'assistant', content: 'Done.', reasoning_content: '' };
  for (const [messages, expected] of [
    [called(), 400],
    [[...called(), last, USER], 400],
    [[...called({ reasoning_content: 'Hm.' }), { ...last, reasoning_content: undefined }, USER], 400],
    [[...called({ reasoning_content: '' }), last, USER], 200],
    [[USER, { role: 'assistant', content: 'Hello.' }, USER], 200],
  ] as const)
    assert.equal((await refused('deepseek', { messages })).status, expected, JSON.stringify(messages));
});

test('mistral sends parts and ids of nine characters, and refuses what it does not know', async () => {
  const { deltas } = await streamed('mistral', 'text');
  const parts = deltas.flatMap(({ content }) => (Array.isArray(content) ? content : [])) as { type: string }[];
  assert.deepEqual([...new Set(parts.map(({ type }) => type))], ['thinking', 'text']);
  const { pieces } = await streamed('mistral', 'calls');
  for (const { id } of pieces) assert.match(id!, /^[a-zA-Z0-9]{9}$/);
  const { status, body } = await refused('mistral', { max_completion_tokens: 10 });
  const { message } = body as { message: { detail: [{ type: string; loc: string[] }] } };
  assert.deepEqual(
    [status, message.detail[0].type, message.detail[0].loc],
    [422, 'extra_forbidden', ['body', 'max_completion_tokens']],
  );
  assert.equal((await refused('mistral', { max_tokens: 10 })).status, 200);
  assert.equal((await refused('mistral', { messages: called({ reasoning_content: 'Hm.' }, 'abcdefgh1') })).status, 422);
  for (const [messages, code] of [
    [called(), '3280'],
    [[...called({}, 'abcdefgh1'), USER], '3230'],
    [[USER, { role: 'assistant', content: 'Hello.' }], '3230'],
  ] as const) {
    const found = await refused('mistral', { messages });
    assert.deepEqual([found.status, (found.body as { code: string }).code], [400, code]);
  }
});

test('ollama numbers all calls 0, and sends no usage', async () => {
  const { pieces, chunks } = await streamed('ollama', 'calls');
  assert.deepEqual([pieces.length, numbers(pieces)], [2, [0]]);
  assert.ok(chunks.every(({ usage }) => usage === undefined));
});

test('vllm and llamacpp repeat the name of a call in each piece', async () => {
  for (const wire of ['vllm', 'llamacpp'] as const) {
    const { pieces } = await streamed(wire, 'calls');
    assert.ok(pieces.length > CALLS.length * 2);
    assert.ok(pieces.every(({ function: { name } }) => name === 'look'));
  }
});

test('vllm ends what was cut off with "tool_calls", and what a named tool was asked for with "stop"', async () => {
  assert.deepEqual((await streamed('vllm', 'cut')).finish, ['tool_calls']);
  const tool_choice = { type: 'function', function: { name: 'look' } };
  assert.deepEqual((await streamed('vllm', 'calls', { tool_choice })).finish, ['stop']);
  assert.deepEqual((await streamed('llamacpp', 'cut')).finish, ['length']);
});

test('lmstudio gives later pieces an empty name and a new id', async () => {
  const { pieces } = await streamed('lmstudio', 'calls');
  assert.equal(new Set(pieces.map(({ id }) => id)).size, pieces.length);
  assert.deepEqual(pieces.map(({ function: { name } }) => name).filter(Boolean), ['look', 'look']);
  assert.ok(pieces.every(({ function: { name } }) => name !== undefined));
  assert.equal(typeof ((await refused('lmstudio', { model: '' })).body as { error: unknown }).error, 'string');
});

test('openrouter ends a stream with an error that has a code', async () => {
  const { sent, chunks } = await streamed('openrouter', 'broken');
  assert.match(sent, /^: OPENROUTER PROCESSING\n/);
  const last = chunks.at(-1) as unknown as { error: { code: number }; choices: [{ finish_reason: string }] };
  assert.deepEqual([last.error.code, last.choices[0].finish_reason], [402, 'error']);
  const { error } = (await refused('openrouter', { messages: [] })).body as { error: { metadata: { raw: string } } };
  assert.match(JSON.parse(error.metadata.raw).error.message, /empty array/);
});

test('azure has results of its filters on every chunk, and wants a version and a key', async () => {
  const { chunks } = await streamed('azure', 'calls');
  assert.deepEqual(chunks[0]!.choices, []);
  assert.ok(Object.hasOwn(chunks[0]!, 'prompt_filter_results'));
  assert.ok(chunks.every(({ choices }) => choices.every((choice) => choice.content_filter_results)));
  const { baseURL, url } = models.get('azure')!;
  const body = JSON.stringify({ model: offlineModel('text'), messages: [USER] });
  const asked = (address: string, headers = {}) => fetch(address, { method: 'POST', headers, body });
  const completions = baseURL.replace('?', '/chat/completions?');
  assert.equal((await asked(completions)).status, 401);
  assert.equal((await asked(completions.split('?')[0]!, { 'api-key': 'k' })).status, 404);
  assert.equal((await asked(`${url}/v1/chat/completions`, { 'api-key': 'k' })).status, 404);
  assert.equal((await asked(completions, { 'api-key': 'k' })).status, 200);
});

test('anthropic and litellm send parts, and refuse a large strict schema', async () => {
  const properties = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`f${i}`, { type: 'string' }]));
  const schema = { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
  const format = (strict: boolean) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'output', strict, schema } },
  });
  for (const wire of ['anthropic', 'litellm'] as const) {
    const { deltas } = await streamed(wire, 'text');
    assert.ok(deltas.some(({ content }) => Array.isArray(content)));
    const { status, body } = await refused(wire, format(true));
    assert.equal(status, 400);
    assert.match(JSON.stringify(body), /compiled grammar is too large/);
    assert.equal((await refused(wire, format(false))).status, 200);
  }
  const { pieces } = await streamed('litellm', 'calls');
  assert.deepEqual(
    pieces.map(({ function: { arguments: json } }) => json),
    CALLS.map(({ arguments: json }) => json),
  );
});

test('openai refuses long ids, unknown fields, and what its models do not take', async () => {
  for (const [fields, param] of [
    [{ messages: called({}, 'x'.repeat(41)) }, 'messages[1].tool_calls[0].id'],
    [{ messages: called({ reasoning_content: 'Hm.' }) }, 'messages[1].reasoning_content'],
    [{ temperature: 0.2 }, 'temperature'],
    [{ max_tokens: 10 }, 'max_tokens'],
  ] as const) {
    const { status, body } = await refused('openai', fields);
    assert.deepEqual([status, (body as { error: { param: string } }).error.param], [400, param]);
  }
  const taken = { temperature: 1, max_completion_tokens: 10, reasoning_effort: 'low', verbosity: 'low' };
  assert.equal((await refused('openai', { ...taken, messages: called({}, 'x'.repeat(40)) })).status, 200);
  assert.equal((await refused('vllm', { messages: called({}, 'x'.repeat(46)) })).status, 200);
});

test('is chosen by agent, for answers in one piece, too', async () => {
  const model = await startScriptedModel({ scripts, wire: { calls: 'litellm' } });
  const whole = async (script: keyof typeof scripts) => {
    const body = JSON.stringify({ model: offlineModel(script), messages: [USER] });
    const answer = (await (await fetch(`${model.baseURL}/chat/completions`, { method: 'POST', body })).json()) as {
      choices: [{ message: { content: unknown; tool_calls?: { function: { arguments: unknown } }[] } }];
    };
    return answer.choices[0].message;
  };
  assert.deepEqual((await whole('calls')).tool_calls?.[0]?.function.arguments, CALLS[0]!.arguments);
  assert.equal((await whole('text')).content, 'Nobody is there.');
  await model.close();
});

test('rejects a wire that there is not', async () => {
  const wire = 'cohere' as WireName;
  for (const options of [{ wire }, { wire: { calls: wire } }])
    await assert.rejects(startScriptedModel(options), /There is no wire "cohere"\. Use one of: anthropic, azure,/);
});

test('takes a status of an HTTP error, for errors within a stream only', async () => {
  for (const [content, says] of [
    ['stall', /fault 'stall' takes no status/],
    ['errorInStream', /fault 'errorInStream' needs a status from 200 to 599/],
  ] as const) {
    const response = await post('ollama', 'strange', { messages: [{ role: 'user', content }] });
    assert.equal(response.status, 400);
    assert.match(await response.text(), says);
  }
});

test('answers a request whose address is none', async () => {
  const { port } = await startedModel('ollama');
  const socket = connect(port, '127.0.0.1');
  socket.end('GET // HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  assert.match(await text(socket), /^HTTP\/1\.1 404 /);
});
