// The scripted model speaks the OpenAI API: the real client reads it, streamed and not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScriptedModel } from '../../activities/testing/index.ts';
import { ask, askStreamed, type Chunk, collect, MODEL, serveScript } from './scriptedSupport.ts';

const SENTENCE = 'It is noon in Oslo, and a fine day for\n  a walk around the harbour.';
const CALLS = {
  text: 'Let me look.',
  calls: [
    { tool: 'get_time', arguments: { city: 'Oslo', zone: 'Europe/Oslo', format: '24 hours, please' } },
    { tool: 'get_date', arguments: '{"city": not JSON' },
    { tool: 'get_time' },
  ],
};

test('sends a text as one message that says a script wrote it', async (t) => {
  const { openai } = await serveScript(t, [SENTENCE]);
  const { data, response } = await ask(openai).withResponse();
  assert.equal(response.headers.get('x-holdfast-offline'), 'script');
  assert.equal(data.model, MODEL);
  assert.equal(data.system_fingerprint, 'holdfast-script');
  assert.equal(data.choices[0]?.message.content, SENTENCE);
  assert.equal(data.choices[0]?.finish_reason, 'stop');
  const usage = data.usage;
  assert(usage && usage.prompt_tokens > 0 && usage.completion_tokens > 0);
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  assert.equal(usage.prompt_tokens_details?.cached_tokens, 0);
});

test('sends calls with ids by turn and slot, and the scripted arguments', async (t) => {
  const { openai } = await serveScript(t, [CALLS]);
  const [choice] = (await ask(openai)).choices;
  assert.equal(choice?.finish_reason, 'tool_calls');
  assert.equal(choice.message.content, 'Let me look.');
  assert.deepEqual(choice.message.tool_calls, [
    {
      id: 'call_1_0',
      type: 'function',
      function: { name: 'get_time', arguments: JSON.stringify(CALLS.calls[0]?.arguments) },
    },
    { id: 'call_1_1', type: 'function', function: { name: 'get_date', arguments: '{"city": not JSON' } },
    { id: 'call_1_2', type: 'function', function: { name: 'get_time', arguments: '{}' } },
  ]);
});

test('streams the same answer in pieces', async (t) => {
  const { openai } = await serveScript(t, [CALLS]);
  const whole = await ask(openai);
  const { chunks, error } = await collect(await askStreamed(openai));
  assert.equal(error, null);
  const deltas = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta));
  assert.deepEqual(deltas[0], { role: 'assistant', content: '', refusal: null });
  const named = deltas.flatMap((delta) => delta.tool_calls ?? []).filter((call) => call.id !== undefined);
  assert.deepEqual(
    named.map(({ index, function: f }) => [index, f]),
    [
      [0, { name: 'get_time', arguments: '' }],
      [1, { name: 'get_date', arguments: '' }],
      [2, { name: 'get_time', arguments: '' }],
    ],
  );
  const ofFirst = deltas.flatMap((delta) => delta.tool_calls ?? []).filter((call) => call.index === 0);
  assert(ofFirst.length > 3, 'the arguments come in pieces');
  assert.deepEqual(putTogether(chunks), whole.choices[0]?.message);
  assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, 'tool_calls');
  assert.deepEqual(chunks.at(-1)?.choices, []);
  assert.deepEqual(chunks.at(-1)?.usage, whole.usage);
});

test('streams a text a few words at a time, with its white space', async (t) => {
  const long = `${'word '.repeat(5_000)}\n\n`;
  const { openai } = await serveScript(t, ({ attempt }) => (attempt === 1 ? SENTENCE : long));
  for (const text of [SENTENCE, long]) {
    const { chunks } = await collect(await askStreamed(openai));
    const said = chunks.flatMap((chunk) => chunk.choices[0]?.delta.content || []);
    assert.equal(said.join(''), text);
    assert(said.length > 3 && said.length <= 201, `${said.length} pieces`);
  }
});

test('streams usage only if it was requested', async (t) => {
  const { openai } = await serveScript(t, [SENTENCE]);
  const stream = await openai.chat.completions.create({
    model: MODEL,
    messages: [{ role: 'user', content: 'Hello' }],
    stream: true,
  });
  const { chunks } = await collect(stream);
  assert(chunks.every((chunk) => !('usage' in chunk)));
  assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'stop');
});

test('sends refusals, legacy calls, choices, finish reasons and odd ids as scripted', async (t) => {
  const call = (id: string | null) => ({ tool: 'get_time', id });
  const { openai } = await serveScript(t, ({ attempt }) => {
    if (attempt <= 2) return { refusal: 'I would rather not say that here.' };
    if (attempt <= 4) return { functionCall: { tool: 'get_time', arguments: { city: 'Oslo' } } };
    if (attempt <= 6) return { text: 'It is', finishReason: 'length' };
    if (attempt <= 8) return { calls: [call('same'), call('same'), call(''), call(null), call('x'.repeat(500))] };
    return { choices: [{ calls: [{ tool: 'get_time' }] }, { text: 'And', calls: [{ tool: 'get_date' }] }] };
  });
  const both = async () => {
    const whole = (await ask(openai)).choices;
    const { chunks } = await collect(await askStreamed(openai));
    assert.deepEqual(putTogether(chunks), whole[0]?.message);
    assert.equal(
      chunks.findLast((chunk) => chunk.choices[0]?.index === 0)?.choices[0]?.finish_reason,
      whole[0]?.finish_reason,
    );
    return whole;
  };
  const [refused] = await both();
  assert.deepEqual(
    { refusal: refused?.message.refusal, content: refused?.message.content },
    { refusal: 'I would rather not say that here.', content: null },
  );
  const [legacy] = await both();
  assert.deepEqual(legacy?.message.function_call, { name: 'get_time', arguments: '{"city":"Oslo"}' });
  assert.equal(legacy.finish_reason, 'function_call');
  assert.equal((await both())[0]?.finish_reason, 'length');
  const ids = (await both())[0]?.message.tool_calls?.map(({ id }) => id);
  assert.deepEqual(ids, ['same', 'same', '', undefined, 'x'.repeat(500)]);
  const spread = await both();
  assert.deepEqual(
    spread.map(({ message }) => message.tool_calls?.map(({ id }) => id)),
    [['call_1_0'], ['call_1_1']],
  );
});

test('lists its scripts as models', async (t) => {
  const agents = [{ name: 'clinic', offline: ['Hello.'] }, { name: 'mute' }];
  const { openai } = await serveScript(t, ['Noon.'], { agents });
  const models = await openai.models.list();
  assert.deepEqual(
    models.data.map(({ id }) => id),
    ['offline/clinic', 'offline/clock'],
  );
});

test('rejects duplicate agent names and invalid scripts at the start', async () => {
  const agents = [
    { name: 'a', offline: ['1'] },
    { name: 'a', offline: ['2'] },
  ];
  await assert.rejects(startScriptedModel({ agents }), /Two agents are named a/);
  // @ts-expect-error a text is no script
  await assert.rejects(startScriptedModel({ scripts: { a: 'Hello' } }), /must be a function or a list/);
});

/** The first choice's message, put together as a client would from its deltas. */
function putTogether(chunks: readonly Chunk[]): object {
  let content: string | null = null;
  let refusal: string | null = null;
  const calls: { id?: string; type?: string; function: { name: string; arguments: string } }[] = [];
  let legacy: { name: string; arguments: string } | undefined;
  for (const { choices } of chunks) {
    const delta = choices.find((choice) => choice.index === 0)?.delta;
    if (typeof delta?.content === 'string') content = (content ?? '') + delta.content;
    if (typeof delta?.refusal === 'string') refusal = (refusal ?? '') + delta.refusal;
    for (const { index, id, type, function: part } of delta?.tool_calls ?? []) {
      calls[index] ??= { ...(id !== undefined && { id }), type, function: { name: part?.name ?? '', arguments: '' } };
      calls[index].function.arguments += part?.arguments ?? '';
    }
    if (delta?.function_call) {
      legacy ??= { name: delta.function_call.name ?? '', arguments: '' };
      legacy.arguments += delta.function_call.arguments ?? '';
    }
  }
  return {
    role: 'assistant',
    content,
    refusal,
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(legacy && { function_call: legacy }),
  };
}
