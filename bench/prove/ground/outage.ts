// A door in front of the model's server, which can be shut in the ways in which a provider's is.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

/** `refused`: no connection. `reset`: it breaks off in the answer. The others are statuses. */
export const OUTAGES = ['refused', 'reset', '429', '500'] as const;
export type OutageKind = (typeof OUTAGES)[number];

/** What an answer without an end ends at: nobody should read so much. */
const ENDLESS_BYTES = 256 * 1024 * 1024;
const PIECE = Buffer.alloc(1024 * 1024, 'x');

export interface Door {
  /** In place of the model's own URL. */
  readonly url: string;
  /** Requests that did not get through; of `refused` ones, nobody knows. */
  readonly turnedAway: number;
  shut(): Promise<void>;
  open(): Promise<void>;
  close(): Promise<void>;
}

/** `endless` lets every second request through; of the others, the first attempt is answered with a line that does not end. */
export async function openDoor(modelURL: string, kind: OutageKind | 'endless'): Promise<Door> {
  const sockets = new Set<Socket>();
  const seen = new Set<string>();
  let isShut = false;
  let turnedAway = 0;

  async function answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isShut) return forward(asked, response, asked);
    if (kind === 'endless') {
      const body = await buffer(asked);
      if (!isDue(body)) return forward(asked, response, Readable.from([body]));
      turnedAway += 1;
      return answerWithoutEnd(response);
    }
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

  function isDue(body: Buffer): boolean {
    const text = body.toString();
    if (seen.has(text)) return false;
    seen.add(text);
    return seen.size % 2 === 0;
  }

  function forward(asked: IncomingMessage, response: ServerResponse, body: Readable): void {
    const { pathname, search } = new URL(asked.url ?? '/', modelURL);
    const { method, headers } = asked;
    const passed = request(new URL(`${pathname}${search}`, modelURL), { method, headers }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(response);
    });
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
    body.pipe(passed);
  }

  const listen = async (port: number) => {
    const opened = createServer((asked, response) => void answer(asked, response)).listen(port, '127.0.0.1');
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

async function answerWithoutEnd(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: ');
  for (let bytes = 0; bytes < ENDLESS_BYTES && !response.destroyed; bytes += PIECE.length)
    if (!response.write(PIECE)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  response.destroy();
}
