// Calls one tool as a worker does: its schema, its context, its presenter; without an agent or a model.

import { defineAgent } from '../../activities/define/defineAgent.ts';
import type { Tool } from '../../activities/define/types.ts';
import type { RunContext } from '../../core/types.ts';
import type { CalledTool } from './calls.ts';
import { whoRuns } from './faults.ts';
import { testAgent } from './testAgent.ts';

export interface CallToolOptions {
  readonly context?: RunContext;
  readonly now?: Date;
}

/**
 * Calls a tool with this input: the one that a model would write. Returns what the model would read. The call is not held for an approval.
 *
 * ```ts
 * const { ok, result } = await callTool(getOrder, { order: 4711 });
 * ```
 */
export async function callTool<Input>(
  tool: Tool<unknown, Input>,
  input: Input,
  { context, now }: CallToolOptions = {},
): Promise<CalledTool> {
  if (tool.external || tool.handoff !== undefined || tool.policy.queue !== undefined)
    throw new TypeError(
      `Tool "${tool.name}" ${whoRuns(tool)}: there is nothing here to call. Test it in an agent, with testAgent.`,
    );
  const agent = defineAgent({
    name: 'caller',
    model: 'scripted',
    instructions: 'Call the tool.',
    tools: [{ ...tool, approval: 'never' }],
    whenAllToolsFail: 'continue',
    ...(tool.context && { context: tool.context as never }),
  } as Parameters<typeof defineAgent>[0]);
  await using test = await testAgent(agent, {
    script: [{ calls: [{ tool: tool.name, arguments: input }] }, 'Done.'],
    ...(context && { context }),
    ...(now && { now }),
  });
  const { calls } = await test.run('Call the tool.');
  return calls[0]!;
}
