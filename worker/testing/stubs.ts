// Agents whose tools are replaced for a test: the agents themselves stay as they are.
import type { Agent, Tool, ToolContext } from '../../activities/define/types.ts';

/** Runs in place of a tool, with arguments that its schema has parsed. */
export interface ToolStub {
  // biome-ignore lint/suspicious/noExplicitAny: each tool has arguments of its own
  (input: any, ctx: ToolContext): unknown;
  /** It returns the text that the model reads, which no presenter changes. */
  readonly isText?: true;
}

/**
 * Returns agents whose tools run what `stubOf` returns for them; undefined keeps a tool. Sub-agents and targets of handoffs are
 * included. `change`: what else is other in each agent.
 */
export function withStubs(
  agents: readonly Agent[],
  stubOf: (tool: Tool) => ToolStub | undefined,
  change: (agent: Agent) => Agent = (agent) => agent,
): Agent[] {
  const replaced = new Map<Agent, Agent>();

  function agentWith(agent: Agent): Agent {
    const known = replaced.get(agent);
    if (known) return known;
    const tools = new Map<string, Tool>();
    const own: Agent = {
      ...change(agent),
      tools,
      withTools: (more) => agentWith(agent.withTools(more)),
    };
    replaced.set(agent, own);
    for (const [name, tool] of agent.tools) tools.set(name, toolWith(tool));
    return own;
  }

  function toolWith(tool: Tool): Tool {
    const { subAgent, handoff } = tool;
    if (handoff !== undefined) return typeof handoff === 'object' ? { ...tool, handoff: agentWith(handoff) } : tool;
    const stub = stubOf(tool);
    if (!stub && subAgent) {
      const { agent } = subAgent;
      return typeof agent === 'object' ? { ...tool, subAgent: { ...subAgent, agent: agentWith(agent) } } : tool;
    }
    if (!stub) return tool;
    const { queue: _, ...policy } = tool.policy;
    const present = stub.isText ? (text: unknown) => text as string : tool.present;
    return {
      ...tool,
      run: stub as Tool['run'],
      present,
      thread: undefined,
      subAgent: undefined,
      external: false,
      policy,
    };
  }

  return agents.map(agentWith);
}

/** Throws for a name that no tool has. */
export function checkToolNames(names: Iterable<string>, agents: readonly Agent[]): void {
  const known = new Set(agents.flatMap(({ tools }) => [...tools.keys()]));
  for (const name of names)
    if (!known.has(name))
      throw new TypeError(`No agent of this test has a tool "${name}". There are: ${[...known].join(', ') || 'none'}.`);
}
