// Sends a complete reply, streamed or in one piece as the request demands.
import { type Reply, replyTo } from './reply.ts';
import type { Pace, ScriptedMessage, ScriptedRequest } from './script.ts';
import { type Caller, event, pause, send, sendEvents, sendHead, sendJson } from './send.ts';
import type { ChatRequest } from './validation/validate.ts';
import { chunksOf, completionOf } from './wire.ts';
import type { Wire } from './wires/wire.ts';

/** A request that is being answered. */
export interface Exchange extends Caller {
  readonly chat: ChatRequest;
  readonly request: ScriptedRequest;
  readonly pace: Required<Pace>;
  readonly wire: Wire | undefined;
}

/** The response to the request, as the wire has it. */
export function replyIn({ request, chat, wire }: Exchange, messages: readonly ScriptedMessage[]): Reply {
  // In the words of the request: an agent's own model, or the name of its script.
  return { ...replyTo(request, messages, wire?.shape, chat.namesTool), model: chat.model };
}

export async function deliver(exchange: Exchange, reply: Reply): Promise<void> {
  if (!exchange.chat.stream) return deliverJson(exchange, reply);
  const { content, end } = chunksOf(reply, exchange.chat.includeUsage, exchange.wire?.shape);
  await openStream(exchange);
  await sendEvents(exchange, [...content, ...end, '[DONE]'].map(event), exchange.pace.chunkDelayMs);
  exchange.response.end();
}

export async function deliverJson(exchange: Exchange, reply: Reply): Promise<void> {
  await pause(exchange, exchange.pace.delayMs);
  sendJson(exchange, 200, completionOf(reply, exchange.wire?.shape));
}

/** Sends the headers at once, then waits until the first token is due, like a model that thinks. */
export async function openStream(exchange: Exchange): Promise<void> {
  sendHead(exchange, 200, 'text/event-stream; charset=utf-8', { 'cache-control': 'no-cache' });
  const { comment } = exchange.wire?.shape ?? {};
  if (comment !== undefined) await send(exchange, `: ${comment}\n\n`);
  await pause(exchange, exchange.pace.delayMs);
}
