// Calls as tasks: the extension io.modelcontextprotocol/tasks (SEP-2663) of the protocol 2026-07-28. A client that declares it gets
// the run's name at once, and asks for its state. The server package has the wire for it, and no methods.
import {
  type CallToolResult,
  type InputRequest,
  type JSONRPCRequest,
  ProtocolError,
  ProtocolErrorCode,
  type Result,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { RunNotFound, RunOver } from '../../client/index.ts';

export const TASKS = 'io.modelcontextprotocol/tasks';
/** How often a client should ask. */
const POLL_MS = 2_000;

type Handler = (request: JSONRPCRequest, ctx: ServerContext) => Promise<Result>;

export type TaskState =
  | { readonly status: 'working'; readonly statusMessage?: string }
  | { readonly status: 'input_required'; readonly inputRequests: Readonly<Record<string, InputRequest>> }
  | { readonly status: 'completed'; readonly result: CallToolResult }
  | { readonly status: 'cancelled' };

export interface TaskMethods {
  get(taskId: string, ctx: ServerContext): Promise<TaskState & { readonly startedAtMs: number }>;
  update(taskId: string, responses: Readonly<Record<string, unknown>>): Promise<void>;
  cancel(taskId: string): Promise<void>;
}

/** Server whose calls may be answered with a task. */
export class TaskServer extends Server {
  protected override _wrapHandler(method: string, handler: Handler): Handler {
    if (method !== 'tools/call') return super._wrapHandler(method, handler);
    return async (request, ctx) => {
      let task: Result | undefined;
      // The check of a result knows no tasks.
      const checked = super._wrapHandler(method, async (given, givenCtx) => {
        const result = await handler(given, givenCtx);
        if (result['resultType'] !== 'task') return result;
        task = result;
        return { content: [] };
      });
      const result = await checked(request, ctx);
      return task ?? result;
    };
  }
}

/** Answers a call with a task. */
export function taskResult(taskId: string, startedAtMs: number): CallToolResult {
  // `tools/call` has results of several types, of which this is one.
  return { resultType: 'task', ...taskOf(taskId, startedAtMs), status: 'working' } as unknown as CallToolResult;
}

export function serveTasks(server: Server, methods: TaskMethods): void {
  const task = z.looseObject({ taskId: z.string() });
  server.setRequestHandler('tasks/get', { params: task }, async ({ taskId }, ctx) => {
    const { startedAtMs, ...state } = await known(methods.get(taskId, ctx));
    // The result of the call has its own type, as if it were sent by itself.
    const result = state.status === 'completed' ? { result: { resultType: 'complete', ...state.result } } : {};
    return { ...taskOf(taskId, startedAtMs), ...state, ...result };
  });
  server.setRequestHandler('tasks/update', { params: task }, async ({ taskId }, { mcpReq }) => {
    await known(methods.update(taskId, mcpReq.inputResponses ?? {}));
    return {};
  });
  server.setRequestHandler('tasks/cancel', { params: task }, async ({ taskId }) => {
    await known(methods.cancel(taskId));
    return {};
  });
}

function taskOf(taskId: string, startedAtMs: number) {
  return {
    taskId,
    createdAt: new Date(startedAtMs).toISOString(),
    lastUpdatedAt: new Date().toISOString(),
    // As long as Temporal keeps the run.
    ttlMs: null,
    pollIntervalMs: POLL_MS,
  };
}

/** A task that does not exist is the client's error. */
async function known<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (!(error instanceof RunNotFound || error instanceof RunOver)) throw error;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, error.message);
  }
}
