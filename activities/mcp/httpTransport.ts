// Requests to an MCP server over HTTP. What the server sends is limited while it is read, after decompression, because the client
// parses bodies and events of any length in one piece. Over standard output, the client has a limit of its own.
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  INTERNAL_ERROR,
  type JSONRPCMessage,
  ProtocolError,
  type RequestId,
  STDIO_DEFAULT_MAX_BUFFER_SIZE,
  StreamableHTTPClientTransport,
  type TransportSendOptions,
} from '@modelcontextprotocol/client';

export interface HttpServer {
  readonly url: URL;
  headers(): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
}

/** As over standard output. */
const MESSAGE_BYTES_MAX = STDIO_DEFAULT_MAX_BUFFER_SIZE;
export const TOO_LARGE = `its answer is too large: more than ${MESSAGE_BYTES_MAX / 1_024 / 1_024} MB`;
/** Marks the error that a request ends with instead of an answer: that it is too large, or that it broke off. */
const MARK = 'holdfast/instead';

export function httpTransport(
  server: HttpServer,
  onHeaders: (values: string[]) => void,
  sessionId?: string,
): StreamableHTTPClientTransport {
  return new LimitedTransport(server.url, {
    ...(sessionId !== undefined && { sessionId }),
    async fetch(url, init) {
      const headers = new Headers(init?.headers);
      const own = await server.headers();
      for (const [name, value] of Object.entries(own)) headers.set(name, value);
      // A scheme comes before the token. Programs without types may give numbers.
      onHeaders(
        Object.values(own)
          .map(String)
          .flatMap((value) => [value, ...value.split(/\s+/)]),
      );
      return limited(await fetch(url, { ...init, headers }), init?.method === 'GET');
    },
  });
}

export function isTooLarge(error: unknown): boolean {
  return error instanceof ProtocolError && Object(error.data)[MARK] === 'tooLarge';
}

/** Whether the stream of the answer ended before the answer, and could not be continued. */
export function isBrokenOff(error: unknown): boolean {
  return error instanceof ProtocolError && Object(error.data)[MARK] === 'brokenOff';
}

/** The request that is being sent, or whose stream is continued by another GET. */
const sending = new AsyncLocalStorage<RequestId | undefined>();

class LimitedTransport extends StreamableHTTPClientTransport {
  override send(message: JSONRPCMessage | JSONRPCMessage[], options?: TransportSendOptions): Promise<void> {
    const isRequest = !Array.isArray(message) && 'method' in message && 'id' in message;
    const id = isRequest ? message.id : undefined;
    // The client would wait until the call's timeout for an answer that cannot come. An answer that came is not replaced by it.
    const onRequestStreamEnd = options?.onRequestStreamEnd ?? (id === undefined ? undefined : () => this.breakOff(id));
    const given = onRequestStreamEnd ? { ...options, onRequestStreamEnd } : options;
    return sending.run(id, () => super.send(message, given));
  }

  private breakOff(id: RequestId): void {
    this.onmessage?.(instead(id, 'brokenOff', 'its answer broke off'));
  }
}

async function limited(response: Response, isGet: boolean): Promise<Response> {
  const { body, ok, headers } = response;
  if (!body) return response;
  const id = sending.getStore();
  // The client reads nothing else from a GET.
  const isStream = isGet || (id !== undefined && headers.get('content-type')?.includes('text/event-stream'));
  if (ok && isStream) return new Response(body.pipeThrough(limitEvents(id)), response);
  // Only the beginning of an error is shown, and the answer to a notification is not read.
  if (!ok || id === undefined) return new Response(body.pipeThrough(cutBody()), response);
  const whole = await readBody(body);
  return whole ? new Response(whole, response) : Response.json(tooLarge(id));
}

/** Returns null if it is too large. The rest is not read then. */
async function readBody(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MESSAGE_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function cutBody(): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > MESSAGE_BYTES_MAX) controller.terminate();
      else controller.enqueue(chunk);
    },
  });
}

const LF = 10;
const CR = 13;

/**
 * For a stream of events, each of which ends with a blank line and is parsed in one piece. The stream itself may be of any length. One
 * that answers a request ends with an error for that request: a stream that broke would be asked for again, with the same event. Any
 * other stream continues without the event.
 */
function limitEvents(id: RequestId | undefined): TransformStream<Uint8Array, Uint8Array> {
  let eventBytes = 0;
  let lineEnds = 0;
  let last = 0;
  let isSkipping = false;
  return new TransformStream({
    transform(chunk, controller) {
      let from = 0;
      for (const [at, byte] of chunk.entries()) {
        eventBytes += 1;
        const endsLine = byte === CR || (byte === LF && last !== CR);
        if (endsLine) lineEnds += 1;
        else if (byte !== LF) lineEnds = 0;
        last = byte;
        if (lineEnds < 2) continue;
        eventBytes = 0;
        if (!isSkipping) continue;
        isSkipping = false;
        from = at + 1;
      }
      if (isSkipping) return;
      controller.enqueue(chunk.subarray(from));
      if (eventBytes <= MESSAGE_BYTES_MAX) return;
      // Ends the event, which then is no JSON, and is not taken for a message.
      controller.enqueue(new TextEncoder().encode('\n\n'));
      isSkipping = true;
      if (id === undefined) return;
      controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(tooLarge(id))}\n\n`));
      controller.terminate();
    },
  });
}

function tooLarge(id: RequestId) {
  return instead(id, 'tooLarge', TOO_LARGE);
}

function instead(id: RequestId, what: 'tooLarge' | 'brokenOff', message: string) {
  return { jsonrpc: '2.0' as const, id, error: { code: INTERNAL_ERROR, message, data: { [MARK]: what } } };
}
