// The scripted model delays its answers as asked, and stops as soon as its caller is gone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScriptedModel } from '../../activities/testing/index.ts';
import { ask, askStreamed, type Chunk, collect, NEVER_MS, serveScript } from './scriptedSupport.ts';

const TEXT = 'one two three four five six seven eight nine';

test('delays the first token after the headers', async (t) => {
  const { model, openai } = await serveScript(t, () => TEXT, { delayMs: NEVER_MS });
  const caller = new AbortController();
  // The headers are here; of the tokens, none.
  const stream = await askStreamed(openai, caller.signal);
  const collected = collect(stream);
  const slow = ask(openai).catch((error: unknown) => error);
  await model.until((requests) => requests.every(({ attempt }) => attempt !== null) && requests.length === 2);
  caller.abort();
  assert.deepEqual((await collected).chunks, []);
  await model.until((requests) => requests[0]?.state === 'left');
  assert.equal(model.requests[1]?.state, 'open');
  await model.close();
  assert(((await slow) as unknown) instanceof Error);
});

test('lets an answer have its own pace, so that a later request ends first', async (t) => {
  const slowOne = await serveScript(t, ({ input }) => (input === 'slow' ? { text: TEXT, delayMs: NEVER_MS } : TEXT));
  const slow = ask(slowOne.openai, [{ role: 'user', content: 'slow' }]).catch((error: unknown) => error);
  await slowOne.model.until((requests) => requests[0]?.attempt === 1);
  await ask(slowOne.openai, [{ role: 'user', content: 'fast' }]);
  assert.deepEqual(
    slowOne.model.requests.map(({ state }) => state),
    ['open', 'done'],
  );
  await slowOne.model.close();
  assert(((await slow) as unknown) instanceof Error);

  const fast = { text: TEXT, delayMs: 0, chunkDelayMs: 0 };
  const { openai } = await serveScript(t, () => fast, { delayMs: NEVER_MS, chunkDelayMs: NEVER_MS });
  const { chunks } = await collect(await askStreamed(openai));
  assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, 'stop');
});

test('sends the first chunk alone, and ends the wait when the caller leaves', async (t) => {
  const { model, openai } = await serveScript(t, () => TEXT, { chunkDelayMs: NEVER_MS });
  const caller = new AbortController();
  const chunks: Chunk[] = [];
  for await (const chunk of await askStreamed(openai, caller.signal)) {
    chunks.push(chunk);
    caller.abort();
  }
  assert.equal(chunks.length, 1);
  // It says so once the wait is over: a timer that ran on would keep it open.
  await model.until((requests) => requests[0]?.state === 'left');
});

test('sends all chunks at any pace', async (t) => {
  const { openai } = await serveScript(t, () => TEXT, { delayMs: 1, chunkDelayMs: 1 });
  const { chunks } = await collect(await askStreamed(openai));
  assert.equal(chunks.flatMap((chunk) => chunk.choices[0]?.delta.content || []).join(''), TEXT);
  assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, 'stop');
});

test('ends open answers and waits when it is closed', async () => {
  const model = await startScriptedModel({ scripts: { clock: () => new Promise(() => {}) } });
  const body = JSON.stringify({ model: 'offline/clock', messages: [{ role: 'user', content: 'Hello' }] });
  const answer = fetch(`${model.baseURL}/chat/completions`, { method: 'POST', body }).catch((error: unknown) => error);
  await model.until((requests) => requests[0]?.attempt === 1);
  const waiting = assert.rejects(
    model.until(() => false),
    /was closed/,
  );
  await model.close();
  await waiting;
  assert((await answer) instanceof Error);
  assert.equal(model.requests[0]?.state, 'left');
  await model.close();
});

test('keeps the newest requests in its log, and counts all', async (t) => {
  const { model } = await serveScript(t, () => 'Hello.');
  const url = `${model.baseURL}/chat/completions`;
  for (let i = 0; i < 1_005; i++) await (await fetch(url, { method: 'POST', body: '{}' })).text();
  assert.equal(model.requests.length, 1_000);
  assert.equal(model.requests[0]?.number, 6);
  assert.equal(model.countRequests(), 1_005);
});

test('rejects a port in use and an invalid delay at the start', async (t) => {
  const { model } = await serveScript(t, ['Hello.']);
  await assert.rejects(startScriptedModel({ port: model.port }), /cannot listen on port \d+\. Set another port/);
  await assert.rejects(startScriptedModel({ delayMs: Number.NaN }), /delayMs must be a number of milliseconds/);
});
