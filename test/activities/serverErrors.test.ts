// What a model's server reports as an error, in the forms of several servers: classed by what it says, and quoted; and a field that a
// model does not take is left out from then on.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { z } from 'zod';
import { type AgentOptions, defineTool } from '../../activities/index.ts';
import { createEndpoint } from '../../activities/model/endpoint.ts';
import { FAILURE } from '../../core/names.ts';
import type { Message } from '../../core/types.ts';
import { ask, rawServer } from './modelServer.ts';

const EVENTS = { 'content-type': 'text/event-stream' };
const JSON_BODY = { 'content-type': 'application/json' };
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
const delta = (fields: object, finish: string | null = null) =>
  event({ choices: [{ index: 0, delta: fields, finish_reason: finish }] });
const DONE = delta({ content: 'Done.' }, 'stop');

interface Sent {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
}

async function failureOf({ status = 200, headers = EVENTS, body }: Sent) {
  const server = await rawServer((response) => void response.writeHead(status, headers).end(body));
  const { failure } = await ask(server.baseURL);
  await server.close();
  return { type: failure?.type, final: failure?.nonRetryable === true, message: failure?.message };
}

const errors: Readonly<
  Record<string, Sent & { readonly type: string; readonly final: boolean; readonly says: RegExp }>
> = {
  'a payment that is due, within a stream': {
    body: delta({ content: 'Hel' }) + event({ error: { code: 402, message: 'Insufficient credits' } }),
    type: FAILURE.model,
    final: true,
    says: /Insufficient credits/,
  },
  'a forbidden model, in a body with status 200': {
    headers: JSON_BODY,
    body: JSON.stringify({ error: { code: '403', message: 'Not for you' } }),
    type: FAILURE.model,
    final: true,
    says: /Not for you.*OPENAI_API_KEY/,
  },
  'a provider that is down, within a stream': {
    body: event({
      error: { code: 502, message: 'Provider returned error', metadata: { raw: '{"error":"upstream timeout"}' } },
      choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
    }),
    type: FAILURE.modelUnavailable,
    final: false,
    says: /Provider returned error \(\{"error":"upstream timeout"\}\)/,
  },
  'an error without a code': {
    body: event({ error: { message: 'Something' } }),
    type: FAILURE.model,
    final: false,
    says: /Something/,
  },
  'an error within an error': {
    body: event({ error: { error: { code: 402, message: 'Insufficient credits' } } }),
    type: FAILURE.model,
    final: true,
    says: /failed: Insufficient credits/,
  },
  'an error that is a chunk itself (vLLM)': {
    body: event({ object: 'error', message: 'The model is gone.', type: 'NotFoundError', param: null, code: 404 }),
    type: FAILURE.model,
    final: true,
    says: /The model is gone\./,
  },
  'an error that is a body itself, with status 200 (vLLM)': {
    headers: JSON_BODY,
    body: JSON.stringify({ object: 'error', message: 'Bad.', type: 'BadRequestError', param: null, code: 400 }),
    type: FAILURE.model,
    final: true,
    says: /Bad\./,
  },
  'an event named error': {
    body: 'event: error\ndata: {"type":"overloaded_error","message":"Overloaded"}\n\n',
    type: FAILURE.modelUnavailable,
    final: false,
    says: /Overloaded/,
  },
  'an error that is a text': {
    headers: JSON_BODY,
    body: JSON.stringify({ error: 'model runner has unexpectedly stopped' }),
    type: FAILURE.model,
    final: false,
    says: /model runner has unexpectedly stopped/,
  },
  'an end with an error, alone': {
    body: delta({ content: 'Hel' }, 'error'),
    type: FAILURE.model,
    final: false,
    says: /ended its answer with an error/,
  },
  'a list of problems (FastAPI)': {
    status: 422,
    headers: JSON_BODY,
    body: JSON.stringify({ detail: [{ loc: ['body', 'n'], msg: 'Extra inputs are not permitted' }] }),
    type: FAILURE.model,
    final: true,
    says: /422 .*Extra inputs are not permitted/,
  },
  'a list of problems in a message (Mistral)': {
    status: 422,
    headers: JSON_BODY,
    body: JSON.stringify({
      object: 'error',
      message: { detail: [{ type: 'extra_forbidden', loc: ['body', 'store'], msg: 'Extra inputs are not permitted' }] },
      type: 'invalid_request_error',
    }),
    type: FAILURE.model,
    final: true,
    says: /422 store: Extra inputs are not permitted/,
  },
  'an error in a list (Gemini)': {
    status: 503,
    headers: JSON_BODY,
    body: JSON.stringify([{ error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }]),
    type: FAILURE.modelUnavailable,
    final: false,
    says: /503 The model is overloaded\.$/,
  },
  'a message without an error (Mistral)': {
    status: 400,
    headers: JSON_BODY,
    body: JSON.stringify({ object: 'error', message: 'Unexpected role user after tool', code: '3230' }),
    type: FAILURE.model,
    final: true,
    says: /400 Unexpected role user after tool/,
  },
};
/** Errors within a stream that have words only: whether the attempt is the last, and the provider at fault. */
const WORDED: readonly (readonly [error: object, final: boolean, isOutage: boolean])[] = [
  [{ code: 'invalid_api_key', type: 'invalid_request_error' }, true, false],
  [{ code: 'insufficient_quota', type: 'insufficient_quota' }, true, false],
  [{ code: 'model_not_found' }, true, false],
  [{ type: 'authentication_error' }, true, false],
  [{ type: 'permission_error' }, true, false],
  [{ type: 'invalid_request_error' }, true, false],
  [{ status: 'INVALID_ARGUMENT' }, true, false],
  [{ type: 'rate_limit_error' }, false, true],
  [{ status: 'RESOURCE_EXHAUSTED' }, false, true],
  [{ code: 'server_error', type: 'invalid_request_error' }, false, true],
  [{ type: 'overloaded_error' }, false, true],
  [{ type: 'of_a_later_version', code: null }, false, false],
];
for (const [error, final, isOutage] of WORDED)
  test(`classes an error within a stream by its words: ${JSON.stringify(error)}`, async () => {
    for (const given of [error, { error }]) {
      const failure = await failureOf({ body: event({ error: { ...given } }) });
      assert.deepEqual(
        { type: failure.type, final: failure.final },
        { type: isOutage ? FAILURE.modelUnavailable : FAILURE.model, final },
      );
    }
  });

for (const [what, { type, final, says, ...sent }] of Object.entries(errors))
  test(`classes and quotes ${what}`, async () => {
    const failure = await failureOf(sent);
    assert.deepEqual({ type: failure.type, final: failure.final }, { type, final });
    assert.match(failure.message ?? '', says);
  });

async function bodyOf(request: IncomingMessage) {
  return JSON.parse(await text(request));
}

const look = defineTool({ name: 'look', description: 'Looks.', input: z.object({}), effect: 'read', run: () => 'x' });

interface Refusal {
  readonly status: number;
  readonly body: object;
  readonly agent: Partial<AgentOptions>;
  /** The field in the first request, and what the second has of it. */
  readonly field: string;
  readonly instead: Record<string, unknown>;
}

const refusals: readonly Refusal[] = [
  {
    status: 422,
    body: { detail: [{ loc: ['body', 'max_completion_tokens'], msg: 'Extra inputs are not permitted' }] },
    agent: { maxOutputTokens: 100 },
    field: 'max_completion_tokens',
    instead: { max_tokens: 100 },
  },
  {
    status: 400,
    body: { error: { message: "Unsupported value: 'temperature' does not support 0.2.", param: 'temperature' } },
    agent: { temperature: 0.2 },
    field: 'temperature',
    instead: {},
  },
  {
    status: 400,
    body: { error: { message: 'Unknown parameter: stream_options' } },
    agent: {},
    field: 'stream_options',
    instead: {},
  },
  {
    status: 400,
    body: { message: 'parallel_tool_calls is not supported' },
    agent: { tools: [look], parallelToolCalls: false },
    field: 'parallel_tool_calls',
    instead: {},
  },
  {
    status: 400,
    body: { error: { message: 'Unrecognized request argument supplied: reasoning_effort', param: null, code: null } },
    agent: { body: { reasoning_effort: 'low', seed: 1 } },
    field: 'reasoning_effort',
    instead: { seed: 1 },
  },
  {
    status: 400,
    body: [
      { error: { code: 400, message: 'Invalid JSON payload received. Unknown name "verbosity": Cannot find field.' } },
    ],
    agent: { body: { verbosity: 'low' } },
    field: 'verbosity',
    instead: {},
  },
  {
    status: 422,
    body: {
      object: 'error',
      message: { detail: [{ loc: ['body', 'service_tier'], msg: 'Extra inputs are not permitted' }] },
    },
    agent: { body: { service_tier: 'flex' } },
    field: 'service_tier',
    instead: {},
  },
  {
    // Of a provider behind OpenRouter.
    status: 400,
    body: {
      error: {
        message: 'Provider returned error',
        code: 400,
        metadata: { raw: JSON.stringify({ error: { message: "Unknown parameter: 'prompt_cache_key'." } }) },
      },
    },
    agent: { body: { prompt_cache_key: 'a' } },
    field: 'prompt_cache_key',
    instead: {},
  },
  {
    // LiteLLM, whose fields are texts.
    status: 400,
    body: {
      error: { message: "groq does not support parameters: ['temperature']", type: 'None', param: 'None', code: '400' },
    },
    agent: { temperature: 0.5 },
    field: 'temperature',
    instead: {},
  },
];
for (const [i, { status, body, agent, field, instead }] of refusals.entries())
  test(`learns once that a model does not take ${field} (${i + 1})`, async () => {
    const bodies: Record<string, unknown>[] = [];
    const server = await rawServer(async (response, request) => {
      const sent = await bodyOf(request);
      bodies.push(sent);
      if (field in sent) response.writeHead(status, JSON_BODY).end(JSON.stringify(body));
      else response.writeHead(200, EVENTS).end(DONE);
    });
    const endpoint = createEndpoint({ apiKey: 'sk-none', baseURL: server.baseURL });
    const answers = [await ask(server.baseURL, agent, endpoint), await ask(server.baseURL, agent, endpoint)];
    await server.close();
    assert.deepEqual(
      answers.map(({ answer, failure }) => answer?.content ?? failure?.message),
      ['Done.', 'Done.'],
    );
    assert.deepEqual(
      bodies.map((sent) => field in sent),
      [true, false, false],
    );
    const [warnings, none] = answers.map((one) => one.warnings);
    assert.equal(warnings!.length, 1);
    assert.ok(warnings![0]!.startsWith(`The model of asker does not take ${field}; `), warnings![0]);
    assert.deepEqual(none, []);
    const { model, messages, stream, stream_options, tools, ...rest } = bodies[1]!;
    assert.deepEqual(rest, instead);
  });

const passing: Readonly<Record<string, object>> = {
  'a value that is too large': {
    error: { message: 'max_completion_tokens is too large: 200000. At most 128000.', param: 'max_completion_tokens' },
  },
  'a value that is out of range': {
    error: { message: "Invalid 'temperature': decimal above maximum value.", param: 'temperature' },
  },
  'a schema of a tool that has such a field': {
    error: { message: "Invalid schema: In ('properties', 'temperature'), 'x' is not permitted.", param: 'tools[0]' },
  },
  'a problem that repeats the request': {
    detail: [{ loc: ['body', 'messages', 0], msg: 'Field required', input: { temperature: 0, stream_options: {} } }],
  },
};
for (const [what, body] of Object.entries(passing))
  test(`leaves out nothing for ${what}`, async () => {
    const bodies: Record<string, unknown>[] = [];
    const server = await rawServer(async (response, request) => {
      bodies.push(await bodyOf(request));
      response.writeHead(400, JSON_BODY).end(JSON.stringify(body));
    });
    const { failure } = await ask(server.baseURL, { temperature: 0, maxOutputTokens: 200_000 });
    await server.close();
    assert.equal(failure?.nonRetryable, true);
    assert.equal(bodies.length, 1);
  });

test('forgets what did not help', async () => {
  const bodies: Record<string, unknown>[] = [];
  const server = await rawServer(async (response, request) => {
    bodies.push(await bodyOf(request));
    const message = bodies.length % 2 === 1 ? 'temperature is not supported' : 'The model is not ready for that.';
    response.writeHead(400, JSON_BODY).end(JSON.stringify({ error: { message } }));
  });
  const endpoint = createEndpoint({ apiKey: 'sk-none', baseURL: server.baseURL });
  for (let i = 0; i < 2; i++) await ask(server.baseURL, { temperature: 0 }, endpoint);
  await server.close();
  assert.deepEqual(
    bodies.map((sent) => 'temperature' in sent),
    [true, false, true, false],
  );
});

test('learns that a model does not take its own reasoning back', async () => {
  const bodies: Record<string, unknown>[] = [];
  const server = await rawServer(async (response, request) => {
    const sent = await bodyOf(request);
    bodies.push(sent);
    // As Groq does.
    const message = "'messages.2' : property 'reasoning' is unsupported";
    const isRefused = sent.messages.some((one: object) => 'reasoning' in one);
    if (isRefused) response.writeHead(400, JSON_BODY).end(JSON.stringify({ error: { message } }));
    else response.writeHead(200, EVENTS).end(DONE);
  });
  const endpoint = createEndpoint({ apiKey: 'sk-none', baseURL: server.baseURL });
  const provider = { from: endpoint.source, model: 'm', message: { reasoning: 'Hm.' } };
  const messages: readonly Message[] = [
    { role: 'user', content: 'Hello.' },
    { role: 'assistant', content: 'Hello.', provider },
    { role: 'user', content: 'Bye.' },
  ];
  const answers = [
    await ask(server.baseURL, {}, endpoint, messages),
    await ask(server.baseURL, {}, endpoint, messages),
  ];
  await server.close();
  assert.deepEqual(
    answers.map(({ answer, failure }) => answer?.content ?? failure?.message),
    ['Done.', 'Done.'],
  );
  // That of other models, then its own, and none in the second request.
  assert.equal(bodies.length, 4);
});

test('sends the further fields of an agent', async () => {
  let sent: Record<string, unknown> = {};
  const server = await rawServer(async (response, request) => {
    sent = await bodyOf(request);
    response.writeHead(200, EVENTS).end(DONE);
  });
  await ask(server.baseURL, { temperature: 1, body: { reasoning_effort: 'low', metadata: { a: 1 } } });
  await server.close();
  const { messages, stream_options, ...rest } = sent;
  assert.deepEqual(rest, {
    reasoning_effort: 'low',
    metadata: { a: 1 },
    model: 'm',
    stream: true,
    temperature: 1,
  });
});

const CALL = { id: 'call_1_0', type: 'function', function: { name: 'look', arguments: '{}' } } as const;
const MESSAGES: readonly Message[] = [
  { role: 'user', content: 'Look.' },
  { role: 'assistant', content: null, tool_calls: [CALL] },
  { role: 'tool', tool_call_id: CALL.id, content: 'seen' },
  { role: 'user', content: 'Faster.' },
];

/** As Mistral refuses them. */
function mistralsProblem(messages: readonly { role: string; tool_call_id?: string; tool_calls?: { id: string }[] }[]) {
  const ids = messages.flatMap(({ tool_call_id: id, tool_calls: calls = [] }) => [
    ...(id === undefined ? [] : [id]),
    ...calls.map((call) => call.id),
  ]);
  const wrong = ids.find((id) => !/^[a-zA-Z0-9]{9}$/.test(id));
  if (wrong !== undefined) return `Tool call id was ${wrong} but must be a-z, A-Z, 0-9, with a length of 9.`;
  if (new Set(ids).size > 1) return 'Not the same number of function calls and responses';
  const isAfter = messages.some(({ role }, i) => role === 'user' && messages[i - 1]?.role === 'tool');
  return isAfter ? "Unexpected role 'user' after role 'tool'" : null;
}

test('learns what a server takes of ids, and of a message right after a result', async () => {
  const problems: (string | null)[] = [];
  const server = await rawServer(async (response, request) => {
    const problem = mistralsProblem((await bodyOf(request)).messages);
    problems.push(problem);
    if (problem) response.writeHead(400, JSON_BODY).end(JSON.stringify({ object: 'error', message: problem }));
    else response.writeHead(200, EVENTS).end(DONE);
  });
  const endpoint = createEndpoint({ apiKey: 'sk-none', baseURL: server.baseURL });
  for (let i = 0; i < 2; i++) {
    const { answer, failure } = await ask(server.baseURL, { tools: [look] }, endpoint, MESSAGES);
    assert.equal(answer?.content ?? failure?.message, 'Done.');
  }
  await server.close();
  assert.deepEqual(
    problems.map((problem) => problem?.slice(0, 10) ?? null),
    ['Tool call ', 'Unexpected', null, null],
  );
});
