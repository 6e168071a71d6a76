// The official client with the results of calls that it does not know: the server continues the call as a task. It has the wire for
// tasks, and refuses the type of result by which the newer protocol begins one.
import { type CallToolResult, Client, type JSONRPCResponse } from '@modelcontextprotocol/client';
import { z } from 'zod';

/** The extension of the protocol 2026-07-28 (SEP-2663). */
export const TASKS = 'io.modelcontextprotocol/tasks';

const STARTED = 'holdfast/task';

const startedTask = z.object({
  taskId: z.string(),
  status: z.string(),
  pollIntervalMs: z.number().optional(),
  /** Of the protocol 2025-11-25. */
  pollInterval: z.number().optional(),
});

export type StartedTask = z.infer<typeof startedTask>;

export class TaskClient extends Client {
  protected override _onresponse(response: JSONRPCResponse): void {
    super._onresponse('result' in response ? { ...response, result: withTask(response.result) } : response);
  }
}

/** Returns the task by which the server answered a call, if it did. */
export function taskIn({ _meta }: CallToolResult): StartedTask | undefined {
  const started = startedTask.safeParse(_meta?.[STARTED]);
  return started.success ? started.data : undefined;
}

/** Makes a task a result of a call that the client knows. The value is for tools with an output schema. */
function withTask<Result extends Record<string, unknown>>(result: Result): Result {
  const task = result['resultType'] === 'task' ? result : 'content' in result ? undefined : result['task'];
  if (!startedTask.safeParse(task).success) return result;
  return { resultType: 'complete', content: [], structuredContent: {}, _meta: { [STARTED]: task } } as never;
}
