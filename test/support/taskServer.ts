// An MCP server of the newer protocol whose calls are tasks (SEP-2663), over standard input and output or over HTTP. It keeps them in a
// folder, so that it may be killed and started again.
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProtocolError, ProtocolErrorCode, type Result } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { serveOverHttp } from '../../cli/mcp/overHttp.ts';
import { TASKS, TaskServer } from '../../cli/mcp/tasks.ts';

/** Its tools, which do what they are called. `work` takes as long as it is told. */
export const TOOLS = ['work', 'ask', 'fail', 'err', 'vanish', 'give_up', 'plain'] as const;
export const TOKEN = 'test-token-0123456789';

interface Kept {
  readonly tool: string;
  readonly endsAtMs: number;
  readonly answer?: unknown;
  readonly isCancelled?: true;
}

const POLL_MS = 100;
/** How long `ask` goes on after its answer. */
const ANSWERED_MS = 500;

export function taskServer(folder: string): TaskServer {
  mkdirSync(folder, { recursive: true });
  const file = (id: string) => join(folder, `${id}.json`);
  const note = (what: string) => appendFileSync(join(folder, 'log'), `${what}\n`);
  const keep = (id: string, kept: Kept) => writeFileSync(file(id), JSON.stringify(kept));
  function find(id: string): Kept {
    try {
      return JSON.parse(readFileSync(file(id), 'utf8'));
    } catch {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no task ${id}.`);
    }
  }

  const server = new TaskServer(
    { name: 'tasks', version: '1.0.0' },
    { capabilities: { tools: {}, extensions: { [TASKS]: {} } } },
  );
  server.setRequestHandler('tools/list', () => ({
    tools: TOOLS.map((name) => ({
      name,
      description: 'Works.',
      inputSchema: { type: 'object' as const, properties: { ms: { type: 'number' as const } } },
      // Results of tasks have a value, too.
      outputSchema: { type: 'object' as const },
    })),
  }));
  server.setRequestHandler('tools/call', ({ params }) => {
    const { name: tool } = params;
    const { ms = 0 } = params.arguments as { ms?: number };
    if (tool === 'plain') return { content: [{ type: 'text', text: 'At once.' }], structuredContent: {} };
    const id = `${tool}-${randomUUID()}`;
    note(`call ${id} ${params._meta?.['holdfast/idempotencyKey']}`);
    if (tool !== 'vanish') keep(id, { tool, endsAtMs: Date.now() + ms });
    return { resultType: 'task', ...shown(id), status: 'working' } as never;
  });
  const params = z.looseObject({ taskId: z.string() });
  server.setRequestHandler('tasks/get', { params }, ({ taskId }) => {
    note(`get ${taskId}`);
    return { ...shown(taskId), ...stateOf(find(taskId)) };
  });
  server.setRequestHandler('tasks/update', { params }, ({ taskId }, { mcpReq }) => {
    const { sure } = mcpReq.inputResponses ?? {};
    note(`update ${taskId}`);
    keep(taskId, { ...find(taskId), answer: sure, endsAtMs: Date.now() + ANSWERED_MS });
    return {};
  });
  server.setRequestHandler('tasks/cancel', { params }, ({ taskId }) => {
    note(`cancel ${taskId}`);
    keep(taskId, { ...find(taskId), isCancelled: true });
    return {};
  });
  return server;
}

function shown(taskId: string) {
  const now = new Date().toISOString();
  return { taskId, createdAt: now, lastUpdatedAt: now, ttlMs: null, pollIntervalMs: POLL_MS };
}

function stateOf({ tool, endsAtMs, answer, isCancelled }: Kept): Result {
  if (isCancelled) return { status: 'cancelled' };
  if (tool === 'ask' && answer === undefined) {
    const requestedSchema = { type: 'object', properties: { sure: { type: 'boolean' } }, required: ['sure'] };
    const params = { mode: 'form', message: 'Sure?', requestedSchema };
    return { status: 'input_required', inputRequests: { sure: { method: 'elicitation/create', params } } };
  }
  if (Date.now() < endsAtMs) return { status: 'working', statusMessage: 'Half of it is done.' };
  switch (tool) {
    case 'give_up':
      return { status: 'cancelled', statusMessage: 'Nobody is there.' };
    case 'err':
      return { status: 'failed', error: { code: -32_603, message: 'The disk is full.' } };
    default: {
      const text = tool === 'fail' ? 'There is no bed 7.' : `Over: ${JSON.stringify(answer ?? tool)}`;
      const result = { content: [{ type: 'text', text }], ...(tool === 'fail' && { isError: true }) };
      return { status: 'completed', result: { resultType: 'complete', ...result } };
    }
  }
}

if (import.meta.main) {
  const { FOLDER = '', PORT } = process.env;
  if (PORT === undefined) serveStdio(() => taskServer(FOLDER));
  else {
    const onError = (error: Error) => process.stderr.write(`${error.message}\n`);
    const options = { host: '127.0.0.1', port: Number(PORT), token: TOKEN, allowedHosts: [], onError };
    await serveOverHttp(() => taskServer(FOLDER), options);
    process.stderr.write('listening\n');
  }
}
