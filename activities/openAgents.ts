// Opens the servers of tools that agents have. Until then, an agent lacks the tools that only its servers know.
import { TOOLS_MAX } from '../core/limits.ts';
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
    return { agents: agents.map((agent) => withNames(withTheirTools(agent, sources))), sources, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function withTheirTools(agent: Agent, sources: OpenAgents['sources']): Agent {
  const wrong = (problem: string) => new TypeError(`Agent ${JSON.stringify(agent.name)}: ${problem}`);
  const tools: Tool[] = [];
  /** Where the agent has its tools from, by name. */
  const origins = new Map([...agent.tools.keys()].map((name) => [name, 'it']));
  for (const source of agent.sources) {
    const origin = `the MCP server ${JSON.stringify(source.name)}`;
    for (const tool of sources.get(source)!.tools) {
      const other = origins.get(tool.name);
      if (other !== undefined)
        throw wrong(
          `${other} and ${origin} both have a tool named ${tool.name}. In mcp(), set prefix, which goes before the names of a server, or tools, to take only some of them.`,
        );
      origins.set(tool.name, origin);
      tools.push(tool);
    }
    if (origins.size > TOOLS_MAX)
      throw wrong(
        `it has ${origins.size} tools with those of ${origin}, and models accept no more than ${TOOLS_MAX}. Name those to take in tools.`,
      );
  }
  return agent.withTools(tools);
}

/** The agent with more tools. */
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
