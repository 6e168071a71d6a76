// A door in front of the model's server, which can be shut in the ways in which a provider's is.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** `refused`: no connection. `reset`: it breaks off in the answer. The others are statuses. */
export const OUTAGES = ['refused', 'reset', '429', '500'] as const;
export type OutageKind = (typeof OUTAGES)[number];

export interface Door {
  /** In place of the model's own URL. */
  readonly url: string;
  /** Requests that did not get through; of `refused` ones, nobody knows. */
  readonly turnedAway: number;
  shut(): Promise<void>;
  open(): Promise<void>;
  close(): Promise<void>;
}

export async function openDoor(modelURL: string, kind: OutageKind): Promise<Door> {
  const sockets = new Set<Socket>();
  let isShut = false;
  let turnedAway = 0;

  function answer(asked: IncomingMessage, response: ServerResponse): void {
    if (!isShut) return forward(asked, response);
    turnedAway += 1;
    asked.resume();
    if (kind === 'reset') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"index":0,"delta":{"content":"Half of', () => response.destroy());
      return;
    }
    response.writeHead(Number(kind), { 'content-type': 'application/json', 'retry-after': '1' });
    response.end('{"error":{"message":"Not now."}}');
  }

  function forward(asked: IncomingMessage, response: ServerResponse): void {
    const { pathname, search } = new URL(asked.url ?? '/', modelURL);
    const { method, headers } = asked;
    const passed = request(new URL(`${pathname}${search}`, modelURL), { method, headers }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(response);
    });
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
    asked.pipe(passed);
  }

  const listen = async (port: number) => {
    const opened = createServer(answer).listen(port, '127.0.0.1');
    opened.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await once(opened, 'listening');
    return opened;
  };
  const end = async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };

  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${new URL(modelURL).pathname}`,
    get turnedAway() {
      return turnedAway;
    },
    async shut() {
      isShut = true;
      if (kind === 'refused') await end();
    },
    async open() {
      isShut = false;
      if (kind === 'refused') server = await listen(port);
    },
    close: end,
  };
}
