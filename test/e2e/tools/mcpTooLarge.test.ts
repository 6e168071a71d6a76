// Answers of MCP servers over HTTP that are too large, from the official servers of both protocols and from one that never stops.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { after, describe, test } from 'node:test';
import { McpServer as OlderServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { OpenSource, ToolContext } from '../../../activities/define/types.ts';
import { mcp } from '../../../activities/index.ts';
import { serveOverHttp } from '../../../cli/mcp/overHttp.ts';
import type { Effect } from '../../../core/types.ts';
import { endToEnd } from '../../support/bench.ts';
import { toolTexts } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

const MB = 1_024 * 1_024;
const TOKEN = 'test-token-0123456789';
const TOO_LARGE = /^the MCP server "large" answered, but its answer is too large: more than 10 MB/;

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing) await close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/mcp`;
}

const input = { megabytes: z.number() };
const textOf = (megabytes: number) => ({ content: [{ type: 'text' as const, text: 'x'.repeat(megabytes * MB) }] });

function newerServer(): McpServer {
  const server = new McpServer({ name: 'large', version: '1.0.0' });
  server.registerTool('text', { inputSchema: z.object(input) }, ({ megabytes }) => textOf(megabytes));
  return server;
}

/** Without sessions: each request has a server of its own. */
function olderServer(enableJsonResponse: boolean): Promise<string> {
  return serve(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const server = new OlderServer({ name: 'large', version: '1.0.0' });
    server.registerTool('text', { inputSchema: input }, ({ megabytes }) => textOf(megabytes));
    server.registerTool('report', { inputSchema: input }, async ({ megabytes }, { _meta, sendNotification }) => {
      for (let progress = 1; progress <= megabytes; progress++) {
        const params = { progressToken: _meta!.progressToken!, progress, message: 'x'.repeat(MB) };
        await sendNotification({ method: 'notifications/progress', params });
      }
      return textOf(0);
    });
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse });
    await server.connect(transport as Parameters<OlderServer['connect']>[0]);
    await transport.handleRequest(request, response);
  });
}

const context = () =>
  ({ signal: AbortSignal.timeout(60_000), idempotencyKey: 'key', progress() {} }) as unknown as ToolContext;

async function opened(url: string, effect: Effect = 'read', headers: Record<string, string> = {}): Promise<OpenSource> {
  const source = await mcp({ name: 'large', url, headers, effect }).open();
  closing.push(() => source.close());
  return source;
}

async function called({ tools }: OpenSource, name: string, args: object): Promise<string> {
  const tool = tools.find((one) => one.name === name)!;
  return ((await tool.run!(args as never, context())) as { readonly text: string }).text;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
}

type Answer = (message: Message, response: ServerResponse, request: IncomingMessage) => unknown;

/** A server of the older protocol with one tool, whose calls and GETs are answered by `answer`. */
function rawServer(answer: Answer, description = () => 'Talks.'): Promise<string> {
  return serve(async (request, response) => {
    if (request.method === 'GET') return void answer({}, response, request);
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const message = (await json(request)) as Message;
    const results: Record<string, object> = {
      initialize: {
        protocolVersion: '2025-06-18',
        capabilities: { tools: { listChanged: true } },
        serverInfo: { name: 'raw', version: '1.0.0' },
      },
      'tools/list': { tools: [{ name: 'talk', description: description(), inputSchema: { type: 'object' } }] },
    };
    if (message.method === 'tools/call') return void answer(message, response, request);
    if (message.id === undefined) return void response.writeHead(202).end();
    const result = results[message.method!];
    const error = { code: -32_601, message: 'Unknown.' };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...(result ? { result } : { error }) }));
  });
}

const EVENTS = { 'content-type': 'text/event-stream' };

/** Writes until the client has gone. Resolves with the megabytes written. */
async function writeForEver(response: ServerResponse): Promise<number> {
  let megabytes = 0;
  function* endless() {
    for (; ; megabytes++) yield 'x'.repeat(MB);
  }
  await pipeline(Readable.from(endless()), response).catch(() => undefined);
  return megabytes;
}

describe('an answer over HTTP', () => {
  const servers: [string, () => Promise<OpenSource>][] = [
    ['as JSON', async () => opened(await olderServer(true))],
    ['as an event', async () => opened(await olderServer(false))],
    [
      'of the newer protocol',
      async () => {
        const options = { host: '127.0.0.1', port: 0, token: TOKEN, allowedHosts: [], onError: () => undefined };
        const { url, close } = await serveOverHttp(newerServer, options);
        closing.push(close);
        return opened(url, 'read', { Authorization: `Bearer ${TOKEN}` });
      },
    ],
  ];
  for (const [how, open] of servers)
    test(`${how} arrives up to 10 MB; a larger one fails its call only`, async () => {
      const source = await open();
      const small = called(source, 'text', { megabytes: 9 });
      await assert.rejects(called(source, 'text', { megabytes: 11 }), { name: 'ToolError', message: TOO_LARGE });
      // The results are cut for the model later.
      assert.equal((await small).length, 9 * MB);
      assert.equal((await called(source, 'text', { megabytes: 0 })).length, 0);
    });

  test('may follow many events that are larger together', async () => {
    assert.equal(await called(await opened(await olderServer(false)), 'report', { megabytes: 15 }), '');
  });

  for (const [how, headers, begin] of [
    ['body', { 'content-type': 'application/json' }, '{"jsonrpc":"2.0","result":"'],
    // With an id, a client would ask for the rest of a stream that broke.
    ['event', EVENTS, 'id: 1\ndata: \n\ndata: "'],
    ['error', { 'content-type': 'text/plain' }, 'No. '],
  ] as const)
    test(`is not read on when its ${how} never ends`, async () => {
      const written = Promise.withResolvers<number>();
      let resumed = 0;
      const url = await rawServer((_, response, request) => {
        if (request.headers['last-event-id'] !== undefined) resumed += 1;
        if (request.method === 'GET') return response.writeHead(405).end();
        response.writeHead(how === 'error' ? 400 : 200, headers).write(begin);
        return writeForEver(response).then(written.resolve);
      });
      const source = await opened(url);
      await assert.rejects(called(source, 'talk', {}), {
        name: 'ToolError',
        message: how === 'error' ? /refused the call: .*No\. xxx/ : TOO_LARGE,
      });
      // What fills the buffers of both sides is written as well.
      assert.ok((await written.promise) < 30, `${await written.promise} MB`);
      assert.equal(resumed, 0);
    });

  test('fails its call also in a stream that is continued', async () => {
    const url = await rawServer((_, response, request) => {
      if (request.method === 'POST') return response.writeHead(200, EVENTS).end('retry: 1\nid: 1\ndata: \n\n');
      if (request.headers['last-event-id'] !== '1') return response.writeHead(405).end();
      response.writeHead(200, EVENTS).write('data: "');
      return writeForEver(response);
    });
    await assert.rejects(called(await opened(url), 'talk', {}), { message: TOO_LARGE });
  });

  test('leaves it open what a call has done that is not a read', async () => {
    const source = await opened(await olderServer(true), 'once');
    const failure = { type: 'OutcomeUnknown', nonRetryable: true, message: /too large: more than 10 MB/ };
    await assert.rejects(called(source, 'text', { megabytes: 11 }), failure);
  });

  test('that breaks off ends its call, unless its stream is continued', async () => {
    const answerTo = (id: number | undefined) =>
      `data: ${JSON.stringify({ jsonrpc: '2.0', id, result: textOf(1 / MB) })}\n\n`;
    let asked: number | undefined;
    const streams: Readonly<Record<string, Answer>> = {
      broken: (_, response) => response.writeHead(200, EVENTS).end(': waits\n\n'),
      destroyed: (_, response) => void response.writeHead(200, EVENTS).write(': waits\n\n', () => response.destroy()),
      // With an id, the client asks for the rest.
      forgotten: (_, response, { method }) =>
        method === 'GET'
          ? response.writeHead(404).end()
          : response.writeHead(200, EVENTS).end('retry: 1\nid: 1\ndata: \n\n'),
    };
    for (const answer of Object.values(streams)) {
      const url = await rawServer(answer);
      await assert.rejects(called(await opened(url), 'talk', {}), {
        name: 'Error',
        message: 'the connection to the MCP server "large" was lost during the call: its answer broke off',
      });
      const unknown = { type: 'OutcomeUnknown', nonRetryable: true, message: /its answer broke off/ };
      await assert.rejects(called(await opened(url, 'once'), 'talk', {}), unknown);
    }
    const url = await rawServer(({ id }, response, { method, headers }) => {
      if (method === 'POST') asked = id;
      if (method === 'POST') return response.writeHead(200, EVENTS).end('retry: 1\nid: 1\ndata: \n\n');
      if (headers['last-event-id'] !== '1') return response.writeHead(405).end();
      return response.writeHead(200, EVENTS).end(answerTo(asked));
    });
    assert.equal(await called(await opened(url), 'talk', {}), 'x');
  });

  test('to nobody is left out, and the stream continues', async () => {
    let description = 'Talks.';
    const listening = Promise.withResolvers<ServerResponse>();
    const url = await rawServer(
      ({ id }, response, request) => {
        if (request.method === 'GET') return listening.resolve(response.writeHead(200, EVENTS));
        response.writeHead(200, { 'content-type': 'application/json' });
        return response.end(JSON.stringify({ jsonrpc: '2.0', id, result: textOf(0) }));
      },
      () => description,
    );
    const source = await opened(url);
    const stream = await listening.promise;
    assert.equal(await called(source, 'talk', {}), '');
    stream.write(`data: ${'x'.repeat(11 * MB)}\r\n\r\n`);
    description = 'Shouts.';
    stream.write('data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\r\n\r\n');
    await eventually(async () =>
      called(source, 'talk', {}).then(
        () => null,
        (error: Error) => /has changed this tool/.test(error.message),
      ),
    );
    assert.equal(stream.destroyed, false);
  });
});

endToEnd('too large an answer of an MCP server', (bench) => {
  const source = {
    kind: 'source' as const,
    name: 'large',
    open: async () => mcp({ name: 'large', url: await olderServer(false), effect: 'read', tools: ['text'] }).open(),
  };
  const asks = bench.agent({
    tools: [source],
    script: ({ turn }) =>
      turn <= 2 ? { calls: [{ tool: 'text', arguments: { megabytes: turn === 1 ? 11 : 0 } }] } : 'Done.',
  });
  test('reaches the model, and the run continues', async () => {
    const { run } = await bench.run(asks);
    const [first, second] = toolTexts(run);
    assert.match(first!, /its answer is too large: more than 10 MB\. Ask for less\./);
    assert.equal(second, '');
    assert.equal(run.output, 'Done.');
  });
});
