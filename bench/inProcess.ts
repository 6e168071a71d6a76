// The same loop in one process, without durability: the same model over HTTP, the same plan, the same tools. What a run takes
// beyond this is the cost of durability.

import type { Agent, ToolContext } from '../activities/index.ts';
import type { ModelEndpoint } from '../activities/model/endpoint.ts';
import { streamAnswer } from '../activities/model/streamAnswer.ts';
import { planBatch } from '../activities/plan/plan.ts';
import { fixedOptions } from '../activities/runOptions.ts';
import type { Message } from '../core/types.ts';

const ctx: ToolContext = {
  signal: new AbortController().signal,
  idempotencyKey: 'bench',
  attempt: 1,
  timeoutMs: 60_000,
  agent: 'bench',
  workflowId: 'bench',
  context: {},
  credentials: {},
  log: { info() {}, warn() {} },
  progress() {},
};

export async function runInProcess(endpoint: ModelEndpoint, agent: Agent, input: string): Promise<readonly Message[]> {
  const transcript: Message[] = [{ role: 'user', content: input }];
  for (let turn = 1; ; turn++) {
    const system: Message = { role: 'system', content: fixedOptions(agent)!.instructions };
    const answer = await streamAnswer(endpoint, agent, [system, ...transcript], {
      signal: ctx.signal,
      onProgress() {},
    });
    const planned = await planBatch(agent, { ...ctx, turn }, transcript, answer);
    transcript.push(planned.message);
    const calls = planned.message.tool_calls ?? [];
    if (calls.length === 0) return transcript;
    const results = await Promise.all(
      calls.map(async ({ function: { name, arguments: text } }) => {
        const tool = agent.tools.get(name)!;
        // The schema is checked again, as in the tool host.
        const checked = await tool.input.check(JSON.parse(text));
        return checked.ok ? JSON.stringify(await tool.run!(checked.value as never, ctx)) : 'invalid arguments';
      }),
    );
    for (const [i, call] of calls.entries())
      transcript.push({ role: 'tool', tool_call_id: call.id, content: results[i]! });
  }
}
