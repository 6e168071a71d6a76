// `holdfast conform` against servers that answer as OpenAI's, as Mistral's, and as one that cannot be used.
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { rawServer } from '../activities/modelServer.ts';
import { start } from './command.ts';

interface WireMessage {
  readonly role: string;
  readonly content: string | null;
  readonly tool_calls?: readonly { readonly id: string }[];
  readonly tool_call_id?: string;
}

interface Body {
  readonly messages: readonly WireMessage[];
  readonly tools?: readonly unknown[];
  readonly response_format?: object;
  readonly max_completion_tokens?: number;
}

const USAGE = { prompt_tokens: 10, completion_tokens: 2 };

/** What an obedient model says. */
function replyTo({ messages, response_format }: Body, newId: () => string): object {
  const last = messages.at(-1)!;
  const call = (a: number, b: number) => ({
    id: newId(),
    type: 'function',
    function: { name: 'add', arguments: JSON.stringify({ a, b }) },
  });
  // Of the messages here, one is a list: that with the image.
  if (Array.isArray(last.content)) return { content: 'Red.' };
  if (last.role === 'tool') return { content: `The sum is ${last.content}.` };
  if (response_format || /fits this schema/.test(messages[0]?.content ?? ''))
    return { content: '{"city":"Oslo","country":"Norway"}' };
  const numbers = [...(last.content ?? '').matchAll(/(\d+) and (\d+)/g)];
  if (numbers.length > 0) return { content: null, tool_calls: numbers.map(([, a, b]) => call(Number(a), Number(b))) };
  return { content: 'ready' };
}

function send(response: ServerResponse, delta: object, usage: object | null): void {
  const chunk = { choices: [{ index: 0, delta, finish_reason: 'stop' }], ...(usage && { usage }) };
  response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${JSON.stringify(chunk)}\n\n`);
}

function refuse(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const bodyOf = async (request: IncomingMessage): Promise<Body> => JSON.parse(await text(request));

async function conformed(answer: (response: ServerResponse, body: Body) => void) {
  const server = await rawServer(async (response, request) => answer(response, await bodyOf(request)));
  const { code, stdout, stderr } = await start(['conform', '--base-url', server.baseURL, '--model', 'm', '--json'])
    .ended;
  await server.close();
  assert.equal(stderr, '');
  const results = JSON.parse(stdout) as { check: string; result: string; detail: string }[];
  return { code, results, of: (check: string) => results.find((one) => one.check === check) };
}

test('a server like OpenAI’s works', async () => {
  let ids = 0;
  const newId = () => {
    ids += 1;
    return `call_${ids}`;
  };
  const { code, results } = await conformed((response, body) => send(response, replyTo(body, newId), USAGE));
  assert.equal(code, 0);
  assert.deepEqual(
    results.flatMap(({ result, detail }) => (result === 'works' ? detail || [] : result)),
    ['the answer ended before the limit', 'no reasoning came that could be sent back'],
  );
  assert.equal(results.length, 12);
});

test('a server like Mistral’s is adapted to, and says how', async () => {
  const { code, of } = await conformed((response, body) => {
    const { messages, max_completion_tokens: tokens } = body;
    if (tokens !== undefined)
      return refuse(response, 422, { detail: [{ loc: ['body', 'max_completion_tokens'], msg: 'Extra inputs' }] });
    if (messages.some(({ role }, i) => role === 'user' && messages[i - 1]?.role === 'tool'))
      return refuse(response, 400, { object: 'error', message: "Unexpected role 'user' after role 'tool'" });
    send(
      response,
      replyTo(body, () => Math.random().toString(36).slice(2, 11)),
      null,
    );
  });
  assert.equal(code, 0);
  assert.deepEqual(of('an answer, with its usage'), {
    check: 'an answer, with its usage',
    result: 'works',
    detail: 'no usage: budgets see no tokens',
  });
  assert.equal(of('two calls at once')?.result, 'works');
  for (const [check, says] of [
    ['a message right after a result', /a word of the model is put between them.*Unexpected role/],
    ['temperature and a limit of output', /max_tokens is sent instead.*Extra inputs/],
  ] as const) {
    assert.equal(of(check)?.result, 'adapted', check);
    assert.match(of(check)?.detail ?? '', says);
  }
});

test('a server that refuses everything fails, with its words', async () => {
  const { code, results } = await conformed((response) =>
    refuse(response, 401, { error: { message: 'Incorrect API key' } }),
  );
  assert.equal(code, 1);
  assert.ok(results.every(({ result, detail }) => result === 'fails' && /Incorrect API key/.test(detail)));
});

test('says what is missing', async () => {
  for (const [args, says] of [
    [[], /No model is named\. Pass --model/],
    [['--model', 'm'], /No server is named\. Pass --base-url/],
    [['--model', 'm', '--base-url', 'localhost'], /not a URL/],
  ] as const) {
    const { code, stderr } = await start(['conform', ...args]).ended;
    assert.equal(code, 2, stderr);
    assert.match(stderr, says);
  }
});

test('says once that nothing answers', async () => {
  const away = await rawServer(() => {});
  await away.close();
  const args = ['conform', '--base-url', away.baseURL, '--model', 'm'];
  const [read, json] = await Promise.all([start(args).ended, start([...args, '--json']).ended]);
  assert.deepEqual([read.code, json.code], [1, 1]);
  assert.equal(read.stdout.trim(), `m at ${away.baseURL}`);
  assert.match(read.stderr, /^Cannot reach the model at \S+: connect ECONNREFUSED \S+\n$/);
  assert.equal(json.stdout, '');
  assert.match(JSON.parse(json.stderr).error.message, /^Cannot reach the model/);
});
