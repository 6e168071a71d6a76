// The agents of the tests of effects over MCP: the same server as a program of the worker's, and as an address that outlives it.
import { fileURLToPath } from 'node:url';
import { defineAgent, type McpOptions, mcp } from '../../activities/index.ts';
import { offlineModel, type Script } from '../../activities/testing/index.ts';
import { TOOLS } from './mcpServer.ts';

const { LEDGER = '', MCP_URL = 'http://127.0.0.1:1/mcp', MCP_TOKEN = '' } = process.env;

const agent = (name: string, server: Pick<McpOptions, 'command' | 'args' | 'env' | 'url' | 'headers'>) =>
  defineAgent({
    name,
    model: offlineModel(name),
    instructions: 'You work.',
    tools: [
      mcp({
        name,
        ...server,
        effect: { look: 'read', put: 'idempotent', send: 'once' },
        timeout: '60 s',
        heartbeat: '2 s',
        retry: { initial: '100 ms', max: '200 ms' },
      } as McpOptions),
    ],
  });

export const agents = [
  agent('program', {
    command: process.execPath,
    args: [fileURLToPath(new URL('./mcpServer.ts', import.meta.url))],
    env: { LEDGER },
  }),
  agent('address', { url: MCP_URL, headers: { authorization: `Bearer ${MCP_TOKEN}` } }),
];

const script: Script = ({ turn }) => (turn === 1 ? { calls: TOOLS.map((tool) => ({ tool })) } : 'Done.');
export const scripts: Readonly<Record<string, Script>> = { program: script, address: script };
