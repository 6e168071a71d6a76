// The agent of the test of questions: an MCP server asks, which is started again with each worker.
import { fileURLToPath } from 'node:url';
import { defineAgent, mcp } from '../../activities/index.ts';
import { offlineModel, type Script } from '../../activities/testing/index.ts';

const server = fileURLToPath(new URL('../support/mcpServer.ts', import.meta.url));

export const agents = [
  defineAgent({
    name: 'asker',
    model: offlineModel('asker'),
    instructions: 'You ask.',
    tools: [
      mcp({
        name: 'sums',
        command: process.execPath,
        args: [server],
        env: { CALLS: process.env['LEDGER']! },
        effect: 'once',
        tools: ['ask'],
      }),
    ],
  }),
];

export const scripts: Readonly<Record<string, Script>> = { asker: [{ calls: [{ tool: 'ask' }] }, 'Done.'] };
