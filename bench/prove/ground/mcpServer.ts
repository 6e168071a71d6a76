// The MCP server of the proof, over HTTP. It outlives the workers that call it, and writes the effects of its tools itself.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMcpHandler, inputRequired, McpServer } from '@modelcontextprotocol/server';
import pg from 'pg';
import { z } from 'zod';
import { exchange } from '../../../cli/http/exchange.ts';
import { type CallPlace, writeEffect } from './ledger.ts';

export interface ProofMcpServer {
  readonly url: string;
  close(): Promise<void>;
}

const inputSchema = z.object({ name: z.string(), ms: z.number().default(0), bytes: z.number().default(0) });
type Input = z.output<typeof inputSchema>;

/** `fetch` reads, `register` does nothing for a key that it knows, `post` writes each time, `survey` asks a person first. */
export const MCP_EFFECTS = { fetch: 'read', register: 'idempotent', post: 'once', survey: 'idempotent' } as const;

export async function startMcpServer(ledger: string): Promise<ProofMcpServer> {
  const pool = new pg.Pool({ connectionString: ledger, max: 10 });
  await pool.query('create table registered (key text primary key)');

  async function register(name: string, key: string): Promise<void> {
    const db = await pool.connect();
    try {
      await db.query('begin');
      const { rowCount } = await db.query('insert into registered values ($1) on conflict do nothing', [key]);
      if (rowCount === 1) await writeEffect(db, callOf(key), name);
      await db.query('commit');
    } finally {
      db.release();
    }
  }

  const acts: Readonly<Record<Exclude<keyof typeof MCP_EFFECTS, 'survey'>, (key: string) => Promise<void>>> = {
    fetch: async () => undefined,
    register: (key) => register('register', key),
    post: (key) => writeEffect(pool, callOf(key), 'post'),
  };

  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'proof', version: '1.0.0' });
    for (const [name, act] of Object.entries(acts))
      server.registerTool(name, { description: `Does ${name}.`, inputSchema }, async (args, { mcpReq }) => {
        await sleep(args.ms / 2);
        await act(String(mcpReq._meta?.['holdfast/idempotencyKey']));
        await sleep(args.ms / 2);
        return { content: [{ type: 'text', text: textOf(args) }] };
      });
    server.registerTool(
      'survey',
      { description: 'Asks, and then registers.', inputSchema },
      async (args, { mcpReq }) => {
        const requestedSchema = z.object({ sure: z.boolean() });
        if (!mcpReq.inputResponses)
          return inputRequired({
            inputRequests: { sure: inputRequired.elicit({ message: 'Sure?', requestedSchema }) },
            requestState: `asked about ${args.name}`,
          });
        await register('survey', String(mcpReq._meta?.['holdfast/idempotencyKey']));
        return { content: [{ type: 'text', text: `${textOf(args)} ${mcpReq.requestState()}` }] };
      },
    );
    return server;
  });

  const http = createServer((request, response) => {
    // A worker that was killed does not read to the end.
    exchange(request, response, (asked) => handler.fetch(asked)).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    async close() {
      http.close();
      http.closeAllConnections();
      await pool.end();
    },
  };
}

const textOf = ({ name, bytes }: Input) => `${name} ${name.repeat(bytes / name.length)}`;

/** A call's idempotency key begins with its run and its place, or for a sub-agent with those of the call that started it. */
function callOf(key: string): CallPlace {
  const [workflowId = '', , place = ''] = key.split('/');
  return { workflowId, place };
}
