// Writes to one caller. Everything here, timers included, stops as soon as the caller disconnects.
import { once } from 'node:events';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Caller {
  readonly response: ServerResponse;
  /** Aborted when the caller disconnects, or the server closes. */
  readonly signal: AbortSignal;
  readonly headers: IncomingHttpHeaders;
  readonly url: URL;
}

export async function pause({ signal }: Caller, ms: number): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal });
}

/** For faults that keep the caller waiting. Throws, like all functions here, once it has disconnected. */
export async function waitUntilGone({ signal }: Caller): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

export function sendHead(
  { response }: Caller,
  status: number,
  type: string,
  headers: Readonly<Record<string, string>> = {},
) {
  response.writeHead(status, { 'content-type': type, ...headers });
  response.flushHeaders();
}

/** Resolves once the operating system has the text, so that a reset that follows cannot overtake it. */
export function send({ response, signal }: Caller, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    response.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

export function sendJson({ response }: Caller, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function event(data: unknown): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** Sends events with a delay before each further one; with a delay of 0, all in one piece. */
export async function sendEvents(caller: Caller, events: readonly string[], delayMs: number): Promise<void> {
  if (delayMs <= 0) {
    if (events.length > 0) await send(caller, events.join(''));
    return;
  }
  for (const [i, text] of events.entries()) {
    if (i > 0) await pause(caller, delayMs);
    await send(caller, text);
  }
}
