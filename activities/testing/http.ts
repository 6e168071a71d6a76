// The HTTP server of the scripted model: routes, bounded bodies, and errors in the format of the OpenAI API.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError, badRequest } from './apiError.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import { type Caller, sendJson } from './send.ts';

export type Routes = Readonly<
  Record<string, { readonly method: string; answer(caller: Caller, body: string): Promise<void> }>
>;

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  unref(): void;
  close(): Promise<void>;
}

/** Of the addresses of requests, which have none. */
const ORIGIN = 'http://127.0.0.1';

/** Serves on 127.0.0.1 only: scripts are for local use. */
export async function serve(port: number, routes: Routes): Promise<RunningServer> {
  const server = createServer((incoming, response) => void handle(incoming, response, routes));
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new Error(`The scripted model cannot listen on port ${port}. Set another port, or none to use a free one.`, {
      cause: error,
    });
  }
  // Always an AddressInfo for a server that listens on TCP.
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    unref: () => void server.unref(),
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function handle(incoming: IncomingMessage, response: ServerResponse, routes: Routes): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  const { headers, url = '/' } = incoming;
  const caller: Caller = { response, signal: gone.signal, headers, url: URL.parse(url, ORIGIN) ?? new URL(ORIGIN) };
  // On every response, errors too: nobody should mistake this for a model.
  response.setHeader('x-holdfast-offline', 'script');
  try {
    const { method, answer } = routeOf(incoming, routes);
    await answer(caller, method === 'GET' ? '' : await readBody(incoming));
  } catch (error) {
    if (response.destroyed || gone.signal.aborted) return;
    if (response.headersSent) return void response.destroy();
    // Any other error comes from an answer that HTTP cannot carry, such as a header with a line break.
    const { status, body } =
      error instanceof ApiError
        ? error
        : badRequest(`The offline script's answer could not be sent: ${error}`, undefined, 'script_invalid');
    // Close the connection instead of reading the rest of a body that is too large.
    if (!incoming.complete) response.setHeader('connection', 'close');
    sendJson(caller, status, body);
  }
}

/** The paths under which Azure serves the API of a model. */
const AZURES = /^\/openai\/(?:deployments\/[^/]+|v1(?=\/))/;

function routeOf(incoming: IncomingMessage, routes: Routes): Routes[string] {
  const path = ((incoming.url ?? '/').split('?', 1)[0] ?? '/').replace(AZURES, '/v1');
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (!route)
    throw new ApiError({
      status: 404,
      message: `Unknown request URL: ${incoming.method} ${path}. This is Holdfast's offline script; it serves ${Object.keys(routes).join(' and ')}.`,
      code: 'unknown_url',
    });
  if (incoming.method !== route.method)
    throw new ApiError({
      status: 405,
      message: `Not allowed to ${incoming.method} on ${path}. (HINT: Perhaps you meant ${route.method}?)`,
      code: 'method_not_supported',
    });
  return route;
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of incoming) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX)
      throw new ApiError({
        status: 413,
        message: `The request body is larger than ${BODY_BYTES_MAX / 1024 / 1024} MB.`,
        code: 'request_too_large',
      });
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
