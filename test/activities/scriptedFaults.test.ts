// Each fault, as the real client meets it. It is built to retry nothing, so every fault costs one request.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import type { ScriptedFault } from '../../activities/testing/index.ts';
import { ask, askStreamed, type Chunk, collect, serveScript } from './scriptedSupport.ts';

const TEXT = 'one two three four five six seven eight nine ten eleven twelve';
// The role, four pieces of three words each, and the end.
const said = (chunks: readonly Chunk[]) => chunks.flatMap((chunk) => chunk.choices[0]?.delta.content || []).join('');
const finished = (chunks: readonly Chunk[]) => chunks.some((chunk) => chunk.choices[0]?.finish_reason);

/** One request, streamed or not, that meets the fault; checks that it was one. */
async function meet<T>(t: TestContext, fault: ScriptedFault, request: (openai: OpenAI) => Promise<T>): Promise<T> {
  const { model, openai } = await serveScript(t, () => fault);
  const outcome = await request(openai);
  await model.until((requests) => requests[0]?.state === 'done');
  assert.equal(model.countRequests(), 1);
  assert.equal(model.requests[0]?.fault, fault.fault);
  return outcome;
}

const whole = (openai: OpenAI) =>
  ask(openai).then(
    (answer) => ({ answer, error: null }),
    (error: unknown) => ({ answer: null, error }),
  );
const streamed = async (openai: OpenAI) => collect(await askStreamed(openai));

for (const [mode, request] of [
  ['streamed', askStreamed],
  ['not streamed', ask],
] as const) {
  test(`status (${mode}): sends any error with its headers and body`, async (t) => {
    const fault = {
      fault: 'status',
      status: 429,
      headers: { 'retry-after': '7' },
      body: { error: { message: 'Slow down.' } },
    } as const;
    await meet(t, fault, (openai) =>
      assert.rejects(request(openai), (error) => {
        assert(error instanceof OpenAI.RateLimitError);
        assert.equal(error.headers.get('retry-after'), '7');
        assert.match(error.message, /Slow down/);
        return true;
      }),
    );
    await meet(t, { fault: 'status', status: 503, body: 'upstream connect error' }, (openai) =>
      assert.rejects(request(openai), { status: 503, message: '503 upstream connect error' }),
    );
    await meet(t, { fault: 'status', status: 500 }, (openai) =>
      assert.rejects(request(openai), { status: 500, type: 'server_error' }),
    );
  });

  test(`hang (${mode}): does not answer until the caller gives up`, async (t) => {
    const { model, openai } = await serveScript(t, () => ({ fault: 'hang' }));
    const caller = new AbortController();
    const answer = openai.chat.completions.create(
      { model: 'offline/clock', messages: [{ role: 'user', content: 'Hello' }], stream: mode === 'streamed' },
      { signal: caller.signal },
    );
    const gaveUp = assert.rejects(answer, OpenAI.APIUserAbortError);
    await model.until((requests) => requests[0]?.fault === 'hang');
    caller.abort();
    await gaveUp;
    await model.until((requests) => requests[0]?.state === 'left');
    assert.equal(model.countRequests(), 1);
  });
}

test('headersOnly: sends status 200 and nothing else', async (t) => {
  const { model, openai } = await serveScript(t, () => ({ fault: 'headersOnly' }));
  const caller = new AbortController();
  const stream = await askStreamed(openai, caller.signal);
  const collected = collect(stream);
  caller.abort();
  assert.deepEqual((await collected).chunks, []);
  await model.until((requests) => requests[0]?.state === 'left');
  assert.equal(model.countRequests(), 1);
});

test('stall: stops after the given number of chunks, and stays open', async (t) => {
  const { model, openai } = await serveScript(t, () => ({ fault: 'stall', text: TEXT, afterChunks: 3 }));
  const caller = new AbortController();
  const chunks: Chunk[] = [];
  for await (const chunk of await askStreamed(openai, caller.signal)) {
    chunks.push(chunk);
    // Nothing more comes: only giving up ends the loop.
    if (chunks.length === 3) caller.abort();
  }
  assert.equal(said(chunks), 'one two three four five six');
  await model.until((requests) => requests[0]?.state === 'left');
  assert.equal(model.countRequests(), 1);
});

test('reset: breaks the connection in the middle', async (t) => {
  const { chunks, error } = await meet(t, { fault: 'reset', text: TEXT }, streamed);
  assert.equal(said(chunks), 'one two three four five six');
  assert(error instanceof Error && !finished(chunks), String(error));
  assert((await meet(t, { fault: 'reset', text: TEXT }, whole)).error instanceof Error);
});

test('noEnd: sends the whole text without an end', async (t) => {
  const { chunks, error } = await meet(t, { fault: 'noEnd', text: TEXT }, streamed);
  assert.deepEqual(
    { said: said(chunks), finished: finished(chunks), error },
    { said: TEXT, finished: false, error: null },
  );
  assert((await meet(t, { fault: 'noEnd', text: TEXT }, whole)).error instanceof Error);
});

test("noEnd: leaves half of a call's arguments", async (t) => {
  const calls = [
    { tool: 'get_time', arguments: { city: 'Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch' } },
  ];
  const { chunks } = await meet(t, { fault: 'noEnd', calls, afterChunks: 3 }, streamed);
  const parts = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
  assert.deepEqual(
    parts.map((part) => part.function?.arguments),
    ['', '{"city":"Llanfairpwllgwy'],
  );
});

test('errorInStream: sends an error object instead of the rest', async (t) => {
  const { chunks, error } = await meet(t, { fault: 'errorInStream', text: TEXT }, streamed);
  assert.equal(said(chunks), 'one two three four five six');
  assert(error instanceof OpenAI.APIError);
  assert.match(error.message, /on purpose/);
});

test('notStreamed: sends one JSON body to a caller that expects a stream', async (t) => {
  const raw = await meet(t, { fault: 'notStreamed', text: TEXT }, (openai) => askStreamed(openai).asResponse());
  assert.equal(raw.headers.get('content-type'), 'application/json');
  const body = (await raw.json()) as OpenAI.Chat.ChatCompletion;
  assert.equal(body.choices[0]?.message.content, TEXT);
  assert.deepEqual((await meet(t, { fault: 'notStreamed', text: TEXT }, streamed)).chunks, []);
});

test('html: sends a web page with status 200', async (t) => {
  const { answer } = await meet(t, { fault: 'html' }, whole);
  assert.match(String(answer), /<!doctype html>/);
  assert.deepEqual((await meet(t, { fault: 'html' }, streamed)).chunks, []);
});

test('errorWith200: sends an error object with status 200', async (t) => {
  const { answer } = await meet(t, { fault: 'errorWith200' }, whole);
  assert(answer && 'error' in answer && !('choices' in answer));
  assert.deepEqual((await meet(t, { fault: 'errorWith200' }, streamed)).chunks, []);
});

test('emptyChoices: sends a response without choices', async (t) => {
  assert.deepEqual((await meet(t, { fault: 'emptyChoices' }, whole)).answer?.choices, []);
  const { chunks, error } = await meet(t, { fault: 'emptyChoices' }, streamed);
  // One that says so, and the one with the usage.
  assert.equal(chunks.length, 2);
  assert(chunks.every((chunk) => chunk.choices.length === 0));
  assert.equal(error, null);
});

test('emptyMessage: sends null content and no calls', async (t) => {
  const { answer } = await meet(t, { fault: 'emptyMessage' }, whole);
  assert.deepEqual(answer?.choices[0]?.message, { role: 'assistant', content: null, refusal: null });
  const { chunks } = await meet(t, { fault: 'emptyMessage' }, streamed);
  assert.deepEqual(chunks[0]?.choices[0]?.delta, { role: 'assistant', content: null, refusal: null });
  assert.deepEqual({ said: said(chunks), finished: finished(chunks) }, { said: '', finished: true });
});

test('plays a passing fault by attempt, and counts attempts by transcript', async (t) => {
  const { model, openai } = await serveScript(t, ({ attempt }) =>
    attempt <= 2 ? { fault: 'status', status: 500 } : `Attempt ${attempt}.`,
  );
  for (let i = 0; i < 2; i++) await assert.rejects(ask(openai), OpenAI.InternalServerError);
  assert.equal((await ask(openai)).choices[0]?.message.content, 'Attempt 3.');
  // Another transcript starts its own count.
  await assert.rejects(ask(openai, [{ role: 'user', content: 'And the date?' }]), OpenAI.InternalServerError);
  assert.deepEqual(
    model.requests.map(({ attempt }) => attempt),
    [1, 2, 3, 1],
  );
});
