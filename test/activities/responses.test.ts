// What the Responses API refuses, and forms of its events that other servers send.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { defineAgent } from '../../activities/index.ts';
import { createEndpoint } from '../../activities/model/endpoint.ts';
import { sourceOf } from '../../activities/model/requestBody.ts';
import { streamAnswer } from '../../activities/model/streamAnswer.ts';
import { offlineModel, startScriptedModel } from '../../activities/testing/index.ts';
import type { Message } from '../../core/types.ts';
import { rawServer } from './modelServer.ts';

interface Body extends Readonly<Record<string, unknown>> {
  readonly input: readonly Readonly<Record<string, unknown>>[];
}

const agent = defineAgent({
  name: 'guide',
  model: 'gpt-5',
  instructions: 'Guide.',
  api: 'responses',
  reasoning: { effort: 'high', summary: 'auto' },
  temperature: 0.2,
});

/** Answers with these events, or refuses with what it throws. */
async function serverOf(answer: (body: Body) => readonly object[] | object) {
  const bodies: Body[] = [];
  const server = await rawServer(async (response, request) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
    bodies.push(body);
    assert.match(request.url ?? '', /\/responses$/);
    const answered = answer(body);
    if (!Array.isArray(answered)) {
      response.writeHead(400, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify({ error: answered }));
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(answered.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
  });
  after(() => server.close());
  const endpoint = createEndpoint({ apiKey: 'key', baseURL: server.baseURL });
  const warnings: string[] = [];
  const ask = (messages: readonly Message[]) =>
    streamAnswer(endpoint, agent, messages, {
      signal: new AbortController().signal,
      onProgress: () => {},
      warn: (message) => warnings.push(message),
    });
  return { bodies, endpoint, warnings, ask };
}

const completed = {
  type: 'response.completed',
  response: {
    model: 'gpt-5-2026',
    status: 'completed',
    usage: { input_tokens: 90, output_tokens: 7, input_tokens_details: { cached_tokens: 40 } },
  },
};
const said = (text: string) => [{ type: 'response.output_text.delta', output_index: 0, delta: text }, completed];
const user: Message = { role: 'user', content: 'Go.' };

test('what a model does not take is left out from then on', async () => {
  const { bodies, warnings, ask } = await serverOf((body) => {
    const { summary } = body['reasoning'] as { summary?: string };
    if (body['temperature'] !== undefined)
      return {
        message: "Unsupported parameter: 'temperature' is not supported with this model.",
        param: 'temperature',
      };
    if (body['include']) return { message: 'Encrypted content is not supported with this model.', param: 'include' };
    if (summary)
      return {
        message: 'Your organization must be verified to generate reasoning summaries.',
        param: 'reasoning.summary',
        code: 'unsupported_value',
      };
    return said('Here.');
  });
  const answer = await ask([user]);
  assert.deepEqual(
    { content: answer.content, model: answer.model, usage: answer.usage },
    { content: 'Here.', model: 'gpt-5-2026', usage: { inputTokens: 90, outputTokens: 7, cachedTokens: 40 } },
  );
  assert.equal(warnings.length, 3);
  await ask([user]);
  assert.equal(bodies.length, 5);
  assert.deepEqual(bodies.at(-1)?.['reasoning'], { effort: 'high' });
});

test('reasoning that the server cannot read is left out once', async () => {
  const { bodies, endpoint, warnings, ask } = await serverOf(({ input }) =>
    input.some(({ encrypted_content: encrypted }) => encrypted === 'gAAAold')
      ? {
          message: 'The encrypted content gAAA...old could not be verified.',
          type: 'invalid_request_error',
          param: null,
          code: 'invalid_encrypted_content',
        }
      : said('Here.'),
  );
  const thought = (encrypted: string): Extract<Message, { role: 'assistant' }> => ({
    role: 'assistant',
    content: 'Gone.',
    provider: {
      from: sourceOf(endpoint, agent),
      model: 'gpt-5',
      message: {
        responses_items: [
          { at: 0, item: { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: encrypted } },
        ],
      },
    },
  });
  await ask([user, thought('gAAAold'), user]);
  assert.equal(bodies.length, 2);
  assert.equal(warnings.length, 1);
  assert.deepEqual(bodies[1]?.input, [user, { role: 'assistant', content: 'Gone.' }, user]);
  await ask([user, thought('gAAAnew'), user]);
  assert.equal(bodies[2]?.input[1]?.['encrypted_content'], 'gAAAnew');
  // Reasoning without what it is kept by, and of another API or server, goes nowhere.
  await ask([user, { ...thought('gAAAnew'), provider: { from: endpoint.source, model: 'gpt-5', message: {} } }, user]);
  assert.equal(bodies[3]?.input.length, 3);
});

test('calls come in the order of their items, whole or in pieces', async () => {
  const call = (n: number, args?: string) => ({
    type: 'function_call',
    call_id: `c${n}`,
    name: 'look',
    arguments: args,
  });
  const { ask } = await serverOf(() => [
    { type: 'response.created', response: { model: 'm' } },
    { type: 'response.output_item.added', output_index: 0, item: call(0, '') },
    { type: 'response.output_item.added', output_index: 1, item: call(1, '') },
    { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{"at":' },
    { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"at":"a"}' },
    { type: 'response.function_call_arguments.delta', output_index: 1, delta: '"b"}' },
    { type: 'response.output_item.done', output_index: 0, item: call(0, '{"at":"a"}') },
    { type: 'response.output_item.done', output_index: 1, item: call(1, '{"at":"b"}') },
    // Without a beginning and without pieces.
    { type: 'response.output_item.done', output_index: 2, item: call(2, '{"at":"c"}') },
    {
      type: 'response.output_item.done',
      output_index: 3,
      item: { type: 'message', phase: 'commentary', content: [{ type: 'output_text', text: 'I look.' }] },
    },
    { type: 'response.of_a_later_version', what: 1 },
    completed,
  ]);
  const { calls, content, finishReasons, extra } = await ask([user]);
  assert.deepEqual(
    calls.map(({ id, name, arguments: args }) => [id, name, args]),
    [
      ['c0', 'look', '{"at":"a"}'],
      ['c1', 'look', '{"at":"b"}'],
      ['c2', 'look', '{"at":"c"}'],
    ],
  );
  assert.deepEqual([content, finishReasons], ['I look.', ['tool_calls']]);
  assert.deepEqual(extra, { responses_items: [{ at: 0, phase: 'commentary' }] });
});

test('what fails is a failure, of the kind that it says', async () => {
  const failing = (...events: object[]) => serverOf(() => events).then(({ ask }) => ask([user]));
  await assert.rejects(
    failing({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'server_error', message: 'Overloaded.' } },
    }),
    { type: 'ModelUnavailable', message: /Overloaded/ },
  );
  await assert.rejects(
    failing({ type: 'error', code: 'rate_limit_exceeded', message: 'Slow down.', param: null }),
    /Slow down/,
  );
  await assert.rejects(failing({ type: 'response.created', response: {} }), /ended its answer early/);
  await assert.rejects(
    failing({ type: 'response.function_call_arguments.delta', output_index: 4, delta: '{}' }, completed),
    /arguments of a call that it had not begun/,
  );
});

test('the scripted model refuses what the API refuses', async () => {
  const model = await startScriptedModel({ scripts: { guide: () => 'Here.' } });
  after(() => model.close());
  const refused: [object, RegExp][] = [
    [{ messages: [user] }, /Unknown parameter: 'messages'/],
    [{ input: [] }, /Invalid 'input': empty array/],
    [{ input: [{ type: 'function_call_output', call_id: 'c', output: '1' }] }, /Invalid parameter 'messages'/],
    [
      { input: [{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAforged' }, user] },
      /encrypted content gAAA\.\.\. could not be verified/,
    ],
    [{ store: false, input: [{ type: 'reasoning', id: 'rs_1', summary: [] }, user] }, /Items are not persisted/],
  ];
  for (const [fields, message] of refused) {
    const response = await fetch(`${model.baseURL}/responses`, {
      method: 'POST',
      body: JSON.stringify({ model: offlineModel('guide'), input: 'Go.', ...fields }),
    });
    const { error } = (await response.json()) as { error: { message: string } };
    assert.equal(response.status, 400);
    assert.match(error.message, message);
  }
});
