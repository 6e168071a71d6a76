// Simulates faults of a model or its connection, which scripts ask for as an answer. script.ts describes them.
import { type ApiProblem, openAIsForm } from './apiError.ts';
import { deliver, deliverJson, type Exchange, openStream, replyIn } from './deliver.ts';
import type { BrokenMessage, EmptyFault, HttpFault, ScriptedFault } from './script.ts';
import { event, pause, send, sendEvents, sendHead, sendJson, waitUntilGone } from './send.ts';
import { chunksOf, completionOf } from './wire.ts';

const ON_PURPOSE = 'A Holdfast offline script simulates this fault on purpose.';
const LOGIN_PAGE = `<!doctype html><title>Sign in</title><p>Sign in to continue. ${ON_PURPOSE}</p>`;

type Play<Fault> = (exchange: Exchange, fault: Fault) => Promise<void>;

export const EMPTY_FAULTS: Readonly<Record<EmptyFault['fault'], Play<EmptyFault>>> = {
  hang: waitUntilGone,
  headersOnly: async (exchange) => {
    sendHead(exchange, 200, exchange.chat.stream ? 'text/event-stream' : 'application/json');
    await waitUntilGone(exchange);
  },
  html: async ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(LOGIN_PAGE);
  },
  errorWith200: async (exchange) => sendJson(exchange, 200, bodyOf(exchange, { status: 500, message: ON_PURPOSE })),
  emptyChoices: (exchange) => deliver(exchange, replyIn(exchange, [])),
  emptyMessage: (exchange) => deliver(exchange, replyIn(exchange, [{}])),
};

export const MESSAGE_FAULTS: Readonly<Record<BrokenMessage['fault'], Play<BrokenMessage>>> = {
  stall: async (exchange, fault) => {
    await sendPart(exchange, fault);
    await waitUntilGone(exchange);
  },
  reset: async (exchange, fault) => {
    await sendPart(exchange, fault);
    exchange.response.destroy();
  },
  errorInStream: async (exchange, fault) => {
    await sendPart(exchange, fault);
    const problem = { status: fault.status ?? 500, message: ON_PURPOSE };
    await send(exchange, event(exchange.wire?.errorInStream?.(problem) ?? bodyOf(exchange, problem)));
    exchange.response.end();
  },
  noEnd: async (exchange, fault) => {
    await sendPart(exchange, fault);
    exchange.response.end();
  },
  notStreamed: (exchange, fault) => deliverJson(exchange, replyIn(exchange, [messageOf(fault)])),
};

/** Whether an answer of a script is a fault that can be played. */
export function isScriptedFault(value: unknown): value is ScriptedFault {
  if (typeof value !== 'object' || value === null || !('fault' in value)) return false;
  const { fault, status } = value as { readonly fault: unknown; readonly status?: unknown };
  if (typeof fault !== 'string') return false;
  if (fault === 'status') return Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599;
  return Object.hasOwn(EMPTY_FAULTS, fault) || Object.hasOwn(MESSAGE_FAULTS, fault);
}

export async function playFault(exchange: Exchange, fault: ScriptedFault): Promise<void> {
  if (fault.fault === 'status') return sendError(exchange, fault);
  if (isBroken(fault)) return MESSAGE_FAULTS[fault.fault](exchange, fault);
  return EMPTY_FAULTS[fault.fault](exchange, fault);
}

function isBroken(fault: EmptyFault | BrokenMessage): fault is BrokenMessage {
  return fault.fault in MESSAGE_FAULTS;
}

async function sendError(exchange: Exchange, { status, headers, body }: HttpFault): Promise<void> {
  const { response } = exchange;
  response.writeHead(status, {
    'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
    ...headers,
  });
  response.end(
    typeof body === 'string' ? body : JSON.stringify(body ?? bodyOf(exchange, { status, message: ON_PURPOSE })),
  );
}

function bodyOf({ wire }: Exchange, problem: ApiProblem): unknown {
  return (wire?.error ?? openAIsForm)(problem);
}

/** Sends the first chunks of a stream, or the first half of a whole response. */
async function sendPart(exchange: Exchange, fault: BrokenMessage): Promise<void> {
  const reply = replyIn(exchange, [messageOf(fault)]);
  const { shape } = exchange.wire ?? {};
  if (exchange.chat.stream) {
    const { content } = chunksOf(reply, exchange.chat.includeUsage, shape);
    const defaultCount = fault.fault === 'noEnd' ? content.length : Math.ceil(content.length / 2);
    await openStream(exchange);
    await sendEvents(
      exchange,
      content.slice(0, fault.afterChunks ?? defaultCount).map(event),
      exchange.pace.chunkDelayMs,
    );
  } else {
    const json = JSON.stringify(completionOf(reply, shape));
    sendHead(exchange, 200, 'application/json');
    await pause(exchange, exchange.pace.delayMs);
    await send(exchange, json.slice(0, json.length / 2));
  }
}

function messageOf({ fault: _, afterChunks: __, status: ___, ...message }: BrokenMessage) {
  return Object.keys(message).length > 0 ? message : { text: ON_PURPOSE };
}
