// Listens for requests, and answers each in the terms of the web.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exchange } from './exchange.ts';

const CONNECTIONS_MAX = 1_000;

export interface Listening {
  /** Without a path, and without a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly respond: (request: Request) => Promise<Response>;
  readonly onError: (error: Error) => void;
}

/** Rejects if the address cannot be listened to. */
export async function listen({ host, port, respond, onError }: ListenOptions): Promise<Listening> {
  const server = createServer((incoming, outgoing) => {
    exchange(incoming, outgoing, respond).catch((error) => {
      onError(error instanceof Error ? error : new Error(String(error)));
      if (!outgoing.headersSent) outgoing.writeHead(500);
      outgoing.end();
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  server.on('error', onError);
  const { port: listening } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${listening}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
