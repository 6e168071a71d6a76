// Opens the servers of tools that agents have. Until then, an agent lacks the tools that only its servers know.
import { nameOf } from './define/asTool.ts';
import type { Agent, OpenSource, Tool, ToolSource } from './define/types.ts';
import { withTheirSubAgents } from './registry.ts';

export interface OpenAgents {
  /** The agents and their sub-agents, with all of their tools. */
  readonly agents: readonly Agent[];
  readonly sources: ReadonlyMap<ToolSource, OpenSource>;
  close(): Promise<void>;
}

/** Rejects with the first server that cannot be opened, once all others are closed again. */
export async function openAgents(list: Iterable<Agent>): Promise<OpenAgents> {
  const agents = withTheirSubAgents(list);
  // Agents may share one.
  const given = [...new Set(agents.flatMap((agent) => agent.sources))];
  if (given.length === 0) return { agents, sources: new Map(), close: async () => {} };
  const opened = await Promise.allSettled(given.map((source) => source.open()));
  const sources = new Map(
    opened.flatMap((one, at) => (one.status === 'fulfilled' ? [[given[at]!, one.value] as const] : [])),
  );
  const close = async () => {
    await Promise.all([...sources.values()].map((source) => source.close()));
  };
  try {
    const failed = opened.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
    const toolsOf = (agent: Agent) => agent.sources.flatMap((source) => sources.get(source)!.tools);
    return { agents: agents.map((agent) => withMore(agent, toolsOf(agent))), sources, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The agent with the tools of its sources. */
export function withMore(agent: Agent, tools: readonly Tool[]): Agent {
  return withNames(agent.withTools(tools));
}

/** Its sub-agents by name, since the objects are those without the tools. */
function withNames(agent: Agent): Agent {
  return { ...agent, tools: new Map([...agent.tools].map(([name, tool]) => [name, withName(tool)])) };
}

function withName(tool: Tool): Tool {
  const { subAgent, handoff } = tool;
  if (subAgent) return { ...tool, subAgent: { ...subAgent, agent: nameOf(subAgent.agent) } };
  return handoff === undefined ? tool : { ...tool, handoff: nameOf(handoff) };
}
