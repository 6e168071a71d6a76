// A model's server that is written by hand: it sends bytes that no scripted model would.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApplicationFailure } from '@temporalio/common';
import { type AgentOptions, defineAgent } from '../../activities/index.ts';
import type { RawAnswer } from '../../activities/model/answer.ts';
import { createEndpoint } from '../../activities/model/endpoint.ts';
import { streamAnswer } from '../../activities/model/streamAnswer.ts';
import type { Message } from '../../core/types.ts';

/** What an endless answer comes to if nobody cuts it: the tests that fail should not fill the memory either. */
export const ENDLESS_BYTES = 96 * 1024 * 1024;

export interface RawServer {
  readonly baseURL: string;
  /** Bytes that the server could send, of all answers. */
  sent(): number;
  requests(): number;
  close(): Promise<void>;
}

export async function rawServer(
  answer: (
    response: ServerResponse,
    request: IncomingMessage,
    write: (bytes: Buffer | string) => Promise<void>,
  ) => void,
): Promise<RawServer> {
  let sent = 0;
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    request.resume();
    response.on('error', () => {});
    answer(response, request, async (bytes) => {
      sent += bytes.length;
      if (!response.write(bytes)) await drained(response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    sent: () => sent,
    requests: () => requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function drained(response: ServerResponse): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  over.abort();
}

export interface Asked {
  readonly answer: RawAnswer | null;
  readonly failure: ApplicationFailure | null;
  /** For the worker's log. */
  readonly warnings: readonly string[];
}

/** The answer of the server, or the failure that the model call ends with. */
export async function ask(
  baseURL: string,
  options: Partial<AgentOptions> = {},
  endpoint = createEndpoint({ apiKey: 'sk-none', baseURL }),
  messages: readonly Message[] = [{ role: 'user', content: 'A secret.' }],
): Promise<Asked> {
  const agent = defineAgent({ name: 'asker', model: 'm', instructions: 'Ask.', ...options });
  const { signal } = new AbortController();
  const warnings: string[] = [];
  try {
    const answer = await streamAnswer(endpoint, agent, messages, {
      signal,
      onProgress: () => {},
      warn: (message) => warnings.push(message),
    });
    return { answer, failure: null, warnings };
  } catch (error) {
    if (!(error instanceof ApplicationFailure)) throw error;
    return { answer: null, failure: error, warnings };
  }
}
