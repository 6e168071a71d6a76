// The process behind startTimedModel: a model server that answers at once, as the scripted model does, and records the time of
// each exchange. It is its own process, so that what it measures cannot delay its clock.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { replyTo } from '../../activities/testing/reply.ts';
import { event } from '../../activities/testing/send.ts';
import { chunksOf } from '../../activities/testing/wire.ts';
import type { Message } from '../../core/types.ts';
import type { Asked, Exchange } from './asked.ts';

const exchanges = new Map<string, Exchange[]>();

const server = createServer(async (request, response) => {
  const body = await readBody(request);
  const arrivedAtMs = performance.now();
  const { messages } = JSON.parse(body) as { messages: Message[] };
  const input = messages.find(({ role }) => role === 'user')?.content ?? '';
  const asked = JSON.parse(input) as Asked;
  const exchange: Exchange = { arrivedAtMs, answeredAtMs: Number.NaN };
  exchanges.set(asked.key, [...(exchanges.get(asked.key) ?? []), exchange]);
  response.on('finish', () => {
    exchange.answeredAtMs = performance.now();
  });
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.end(answer(asked, input, messages));
});

function answer({ turns, calls, toolMs }: Asked, input: string, messages: readonly Message[]): string {
  const turn = 1 + messages.filter(({ role }) => role === 'assistant').length;
  const request = { agent: 'loop', turn, attempt: 1, input, messages, results: [], tools: [], format: null };
  const call = { tool: 'work', arguments: { ms: toolMs } };
  const message = turn > turns ? { text: 'Done.' } : { calls: Array.from({ length: calls }, () => call) };
  const { content, end } = chunksOf(replyTo(request, [message]), true);
  return [...content, ...end, '[DONE]'].map(event).join('');
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

/** The exchanges of a run. Each is returned once. */
process.on('message', (key: string) => {
  process.send!(exchanges.get(key) ?? []);
  exchanges.delete(key);
});
process.on('disconnect', () => process.exit());

server.listen(0, '127.0.0.1');
await once(server, 'listening');
// The address of a TCP server is an AddressInfo.
process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
