// Runs a tool, or an agent with its script, in this process, like the loop but without Temporal.
import { randomUUID } from 'node:crypto';
import type { Agent, Tool, ToolContext } from '../../activities/index.ts';
import type { ScriptedCall, ScriptedMessage, ScriptedRequest } from '../../activities/testing/script.ts';

export function contextOf(given: Partial<ToolContext> = {}): ToolContext {
  return {
    signal: new AbortController().signal,
    idempotencyKey: 'key',
    attempt: 1,
    timeoutMs: 60_000,
    agent: 'test',
    workflowId: 'test',
    context: {},
    credentials: {},
    log: { info() {}, warn() {} },
    progress() {},
    ...given,
  };
}

/** Parses the arguments with the tool's schema and runs it. */
export async function callTool(tool: Tool | undefined, args: unknown, ctx?: Partial<ToolContext>): Promise<unknown> {
  if (!tool?.run) throw new Error('The agent has no such tool.');
  // The schema's own output is what the tool takes.
  const checked = await tool.input.check(args);
  if (!checked.ok) throw new Error(JSON.stringify(checked.issues));
  return await tool.run(checked.value as never, contextOf(ctx));
}

/** What the script says to a question when these were the results of its last calls: a text, or calls. */
export function ask(agent: Agent, input: string, results: ScriptedRequest['results'] = [], turn = 1): ScriptedMessage {
  const script = agent.offline;
  if (typeof script !== 'function') throw new Error(`The agent ${agent.name} has no script.`);
  const messages = [{ role: 'user', content: input }] as const;
  const tools = [...agent.tools.keys()];
  const answer = script({ agent: agent.name, turn, attempt: 1, input, messages, results, tools, format: null });
  if (typeof answer === 'string') return { text: answer };
  if ('then' in answer || 'choices' in answer || 'fault' in answer) throw new Error('The examples answer plainly.');
  return answer;
}

/** The whole conversation: the calls of each turn, and the final answer. A tool that throws is an error to the model. */
export async function play(agent: Agent, input: string): Promise<{ turns: ScriptedCall[][]; output: string }> {
  const turns: ScriptedCall[][] = [];
  let results: ScriptedRequest['results'] = [];
  for (let turn = 1; turn <= 10; turn++) {
    const { text = '', calls = [] } = ask(agent, input, results, turn);
    if (calls.length === 0) return { turns, output: text };
    turns.push([...calls]);
    results = await Promise.all(
      calls.map(async ({ tool, arguments: args }) => {
        // Another call has another key.
        const ctx = { idempotencyKey: randomUUID() };
        const result = await callTool(agent.tools.get(tool), args, ctx).catch((error) => ({
          error: String(error?.message),
        }));
        return { tool, result };
      }),
    );
  }
  throw new Error('The script never came to an end.');
}
