// What a model's server sends is limited while it is read: every line, every body and the answer as a whole, after decompression.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { createGzip } from 'node:zlib';
import { FAILURE } from '../../core/names.ts';
import type { Reason } from '../../core/reasons/codes.ts';
import { ask, ENDLESS_BYTES, rawServer } from './modelServer.ts';

const MB = 1024 * 1024;
const EVENT_BYTES_MAX = 4 * MB;
const ANSWER_BYTES_MAX = 8 * MB;
const STREAM_BYTES_MAX = 128 * MB;
/** What may be on its way between the two sides. */
const ON_THE_WAY_BYTES = 12 * MB;

interface Endless {
  readonly type: string;
  readonly status?: number;
  readonly head: string;
  /** Sent again and again. */
  readonly piece: string;
  readonly gzip?: boolean;
}

const PIECE = 'x'.repeat(64 * 1024);
const EVENTS = 'text/event-stream';

/** The failure of a model call that is answered without end, and what the server could send of it. */
async function askEndless({ type, status = 200, head, piece, gzip }: Endless) {
  const server = await rawServer(async (response, _, write) => {
    response.writeHead(status, { 'content-type': type, ...(gzip && { 'content-encoding': 'gzip' }) });
    if (gzip) return void bomb(response, head, piece);
    await write(head);
    for (let sent = 0; sent < ENDLESS_BYTES && !response.destroyed; sent += piece.length) await write(piece);
    response.end();
  });
  const { failure } = await ask(server.baseURL);
  const sent = server.sent();
  await server.close();
  const [why] = (failure?.details ?? []) as Reason[];
  return { type: failure?.type, nonRetryable: failure?.nonRetryable === true, why, sent, message: failure?.message };
}

function bomb(response: ServerResponse, head: string, piece: string): void {
  const zip = createGzip({ level: 9 });
  zip.on('error', () => {});
  response.on('close', () => zip.destroy());
  zip.pipe(response);
  zip.write(head);
  const whole = piece.repeat(16);
  let left = ENDLESS_BYTES;
  const more = () => {
    for (; left > 0; left -= whole.length) if (!zip.write(whole)) return void zip.once('drain', more);
    zip.end();
  };
  more();
}

const delta = (fields: object) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: fields }] })}\n\n`;

interface Limited extends Endless {
  readonly part: string;
  readonly max: number;
  readonly final?: boolean;
}

const endless: Readonly<Record<string, Limited>> = {
  line: { type: EVENTS, head: 'data: ', piece: PIECE, part: 'event', max: EVENT_BYTES_MAX },
  lineOfZip: { type: EVENTS, head: 'data: ', piece: PIECE, gzip: true, part: 'event', max: EVENT_BYTES_MAX },
  event: { type: EVENTS, head: '', piece: `data: ${PIECE}\n`, part: 'event', max: EVENT_BYTES_MAX },
  body: { type: 'application/json', head: '{"choices":"', piece: PIECE, part: 'body', max: EVENT_BYTES_MAX },
  bodyOfZip: { type: 'text/html', head: '<p>', piece: PIECE, gzip: true, part: 'body', max: EVENT_BYTES_MAX },
  error: { type: 'text/plain', status: 500, head: 'no', piece: PIECE, part: 'body', max: EVENT_BYTES_MAX },
  refusal: {
    type: 'application/json',
    status: 400,
    head: '{"error":{"message":"',
    piece: PIECE,
    part: 'body',
    max: EVENT_BYTES_MAX,
    final: true,
  },
  refusalOfZip: {
    type: 'application/json',
    status: 401,
    head: '{"error":{"message":"',
    piece: PIECE,
    gzip: true,
    part: 'body',
    max: EVENT_BYTES_MAX,
    final: true,
  },
  ...Object.fromEntries(
    Object.entries({
      content: { content: PIECE },
      refusalText: { refusal: PIECE },
      functionArguments: { function_call: { arguments: PIECE } },
      callArguments: { tool_calls: [{ index: 0, function: { arguments: PIECE } }] },
    }).map(([name, fields]): [string, Limited] => [
      name,
      { type: EVENTS, head: '', piece: delta(fields), part: 'answer', max: ANSWER_BYTES_MAX },
    ]),
  ),
  // Not the same again and again: that would be a name that is repeated.
  functionName: {
    type: EVENTS,
    head: '',
    piece: ['x', 'y'].map((end) => delta({ function_call: { name: `${PIECE}${end}` } })).join(''),
    part: 'answer',
    max: ANSWER_BYTES_MAX,
  },
};

for (const [name, { part, max, final = false, ...what }] of Object.entries(endless))
  test(`cuts an endless answer (${name})`, async () => {
    const { type, nonRetryable, why, sent, message } = await askEndless(what);
    assert.deepEqual(
      { type, nonRetryable, code: why?.code, message: why?.text },
      { type: FAILURE.model, nonRetryable: final, code: 'model_answer_too_large', message },
    );
    const { bytes, ...parameters } = why!.parameters as { readonly bytes: number };
    assert.deepEqual(parameters, { part, max, ...(what.status !== undefined && { status: what.status }) });
    assert.ok(bytes > max && bytes <= max + MB, `${bytes} bytes were read`);
    assert.ok(sent < max + ON_THE_WAY_BYTES, `the server could send ${sent} bytes`);
  });

test('cuts names and ids of calls that come one after the other', async () => {
  let index = 0;
  const server = await rawServer(async (response, _, write) => {
    response.writeHead(200, { 'content-type': EVENTS });
    for (let sent = 0; sent < ENDLESS_BYTES && !response.destroyed; sent += 2 * PIECE.length)
      await write(delta({ tool_calls: [{ index: index++, id: PIECE, function: { name: PIECE } }] }));
    response.end();
  });
  const { failure } = await ask(server.baseURL);
  await server.close();
  const [why] = (failure?.details ?? []) as Reason[];
  assert.equal(why?.code, 'model_answer_too_large');
  assert.ok(server.sent() < ANSWER_BYTES_MAX + ON_THE_WAY_BYTES, `the server could send ${server.sent()} bytes`);
});

test('cuts a stream that says nothing, without end', async () => {
  const server = await rawServer(async (response, _, write) => {
    response.writeHead(200, { 'content-type': EVENTS });
    const silence = `: ${PIECE}\n\n`.repeat(4);
    while (server.sent() < 2 * STREAM_BYTES_MAX && !response.destroyed) await write(silence);
    response.end();
  });
  const { failure } = await ask(server.baseURL);
  await server.close();
  const [why] = (failure?.details ?? []) as Reason[];
  const { bytes, ...parameters } = (why?.parameters ?? { bytes: 0 }) as { readonly bytes: number };
  assert.deepEqual(
    { code: why?.code, ...parameters },
    { code: 'model_answer_too_large', part: 'stream', max: STREAM_BYTES_MAX },
  );
  assert.ok(bytes < STREAM_BYTES_MAX + MB, `${bytes} bytes were read`);
});

test('cuts an answer of ever more choices', async () => {
  let index = 0;
  const server = await rawServer(async (response, _, write) => {
    response.writeHead(200, { 'content-type': EVENTS });
    for (; index < 10_000 && !response.destroyed; index++)
      await write(`data: ${JSON.stringify({ choices: [{ index, delta: { content: 'a' } }] })}\n\n`);
    response.end();
  });
  const { failure } = await ask(server.baseURL);
  await server.close();
  assert.deepEqual(
    { type: failure?.type, message: failure?.message },
    { type: FAILURE.model, message: 'The model answered with more than 128 choices.' },
  );
});

test('reads an answer of any shape below the limits', async () => {
  const text = 'é'.repeat(200_000);
  const ends = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
  for (const ending of ['\n\n', '\r\n\r\n', '\r\r', '\n\r\n']) {
    const server = await rawServer(async (response, _, write) => {
      response.writeHead(200, { 'content-type': EVENTS });
      // More than an event may have, in several.
      for (let i = 0; i < 12; i++)
        await write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}${ending}`);
      await write(`data: ${JSON.stringify(ends)}${ending}data: [DONE]${ending}`);
      response.end();
    });
    const { answer, failure } = await ask(server.baseURL);
    await server.close();
    assert.deepEqual({ failure, length: answer?.content.length }, { failure: null, length: 12 * text.length });
  }
});

test('follows no redirect, and names only the origin of its target', async () => {
  const target = await rawServer((response) => void response.end('{}'));
  const { host } = new URL(target.baseURL);
  const elsewhere = [301, 302, 303, 307, 308, 304].map(async (status) => {
    const server = await rawServer((response) => {
      response.writeHead(status, { location: `http://ann:pw-of-ann@${host}/path?key=secret` }).end('Moved.');
    });
    const { failure } = await ask(server.baseURL);
    await server.close();
    const [why] = (failure?.details ?? []) as Reason[];
    assert.deepEqual(
      { type: failure?.type, nonRetryable: failure?.nonRetryable, code: why?.code, parameters: why?.parameters },
      {
        type: FAILURE.model,
        nonRetryable: true,
        code: 'model_redirected',
        parameters: { status, target: `http://${host}` },
      },
    );
    assert.match(failure?.message ?? '', new RegExp(`redirects to http://${host} \\(${status}\\)`));
    assert.doesNotMatch(failure?.message ?? '', /ann|secret|path/);
  });
  await Promise.all(elsewhere);
  await target.close();
  assert.equal(target.requests(), 0, 'the conversation went nowhere else');
});

test('names no target that is not HTTP, or none at all', async () => {
  for (const location of [undefined, 'data:text/plain,x', 'http://']) {
    const server = await rawServer((response) => {
      response.writeHead(302, location === undefined ? {} : { location }).end();
    });
    const { failure } = await ask(server.baseURL);
    await server.close();
    const [why] = (failure?.details ?? []) as Reason[];
    assert.deepEqual(
      { code: why?.code, parameters: why?.parameters },
      { code: 'model_redirected', parameters: { status: 302 } },
    );
  }
});
