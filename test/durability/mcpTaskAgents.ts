// The agents of the tests of tasks over MCP: a program of the worker's, an address that outlives it, and the official example server.
import { fileURLToPath } from 'node:url';
import { defineAgent, type McpOptions, mcp } from '../../activities/index.ts';
import { offlineModel, type Script } from '../../activities/testing/index.ts';
import { TOKEN } from '../support/taskServer.ts';

const { FOLDER = '', TASKS_URL = 'http://127.0.0.1:1/mcp', EVERYTHING_URL = 'http://127.0.0.1:1/mcp' } = process.env;

const agent = (name: string, tool: string, server: Pick<McpOptions, 'command' | 'args' | 'env' | 'url' | 'headers'>) =>
  defineAgent({
    name,
    model: offlineModel(name),
    instructions: 'You work.',
    tools: [mcp({ name, ...server, tools: [tool], effect: 'once', heartbeat: '2 s' } as McpOptions)],
  });

/** Each worker has one, and connects to its server only. */
export const agents = [
  agent('program', 'work', {
    command: process.execPath,
    args: [fileURLToPath(new URL('../support/taskServer.ts', import.meta.url))],
    env: { FOLDER },
  }),
  agent('address', 'work', { url: TASKS_URL, headers: { authorization: `Bearer ${TOKEN}` } }),
  agent('example', 'simulate-research-query', { url: EVERYTHING_URL }),
].filter(({ name }) => name === process.env['ONLY_AGENT']);

const work: Script = [{ calls: [{ tool: 'work', arguments: { ms: 12_000 } }] }, 'Done.'];
export const scripts: Readonly<Record<string, Script>> = {
  program: work,
  address: work,
  // The input says whether the task asks a person.
  example: ({ turn, input }) =>
    turn === 1
      ? { calls: [{ tool: 'simulate-research-query', arguments: { topic: 'python', ambiguous: input === 'Ask.' } }] }
      : 'Done.',
};
