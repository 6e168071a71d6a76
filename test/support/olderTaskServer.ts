// An MCP server of the protocol 2025-11-25, with the official library, whose tasks fail and whose tools may be called as tasks.

import { InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const taskStore = new InMemoryTaskStore();
const server = new McpServer(
  { name: 'older', version: '1.0.0' },
  { capabilities: { tasks: { cancel: {}, requests: { tools: { call: {} } } } }, taskStore },
);

for (const [name, taskSupport] of [
  ['breaks', 'required'],
  ['may_be', 'optional'],
] as const)
  server.experimental.tasks.registerToolTask(
    name,
    { description: 'Works.', inputSchema: { n: z.number().optional() }, execution: { taskSupport } },
    {
      async createTask(_, extra) {
        const task = await extra.taskStore.createTask({ ttl: 60_000, pollInterval: 100 });
        const isError = name === 'breaks';
        const content = [{ type: 'text' as const, text: isError ? 'It is broken.' : 'It worked.' }];
        await extra.taskStore.storeTaskResult(task.taskId, isError ? 'failed' : 'completed', { content, isError });
        return { task };
      },
      getTask: (_, { taskStore, taskId }) => taskStore.getTask(taskId),
      getTaskResult: async (_, { taskStore, taskId }) => (await taskStore.getTaskResult(taskId)) as never,
    },
  );

await server.connect(new StdioServerTransport());
