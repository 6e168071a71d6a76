// The MCP server of the tests of effects: a tool of each effect, whose first call never ends. As a program, it speaks over standard input
// and output.
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { readLedger, writeLedger } from '../support/ledger.ts';

export const TOOLS = ['look', 'put', 'send'] as const;

/** @param ledger Where calls are noted, with the key that the worker sends. */
export function effectsServer(ledger: string): McpServer {
  const server = new McpServer({ name: 'hands', version: '1.0.0' });
  for (const name of TOOLS)
    server.registerTool(name, { description: 'Does something.', inputSchema: z.object({}) }, async (_, { mcpReq }) => {
      const call = `${name} ${mcpReq._meta?.['holdfast/idempotencyKey']}`;
      const attempt = readLedger(ledger).filter((entry) => entry.what === 'started' && entry.call === call).length + 1;
      writeLedger(ledger, 'started', call, attempt);
      if (attempt === 1) await new Promise(() => {});
      writeLedger(ledger, 'ended', call, attempt);
      return { content: [{ type: 'text', text: `Attempt ${attempt}.` }] };
    });
  return server;
}

if (import.meta.main) serveStdio(() => effectsServer(process.env['LEDGER']!));
