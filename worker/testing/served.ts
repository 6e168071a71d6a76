// The agents that play a recording: its own and those that it may use, with the tools of their MCP servers.
import { nameOf } from '../../activities/define/asTool.ts';
import type { Agent, Tool } from '../../activities/define/types.ts';
import { openAgents, withMore } from '../../activities/openAgents.ts';
import { withTheirSubAgents } from '../../activities/registry.ts';
import type { Recording } from './recording.ts';

export interface Served {
  readonly agents: readonly Agent[];
  close(): Promise<void>;
}

interface Live {
  readonly reads?: boolean | undefined;
  readonly live?: ReadonlySet<string> | undefined;
}

/**
 * Starts servers only if a tool of theirs may be called. Otherwise their tools are those that the recording has, with the effects, rules and
 * policies of today.
 */
export async function serve(
  agents: readonly Agent[],
  recording: Recording,
  { reads = false, live }: Live,
): Promise<Served> {
  const used = agentsUsedBy(recording.input.agent, agents);
  const known = new Set(used.flatMap(({ tools }) => [...tools.keys()]));
  const isCalled = reads || [...(live ?? [])].some((name) => !known.has(name));
  // A recording of an earlier release does not have them.
  if (isCalled || recording.tools === undefined) {
    const opened = await openAgents(used);
    const all = new Set([...opened.agents, ...agents].flatMap(({ tools }) => [...tools.keys()]));
    const unknown = [...(live ?? [])].find((name) => !all.has(name));
    if (unknown === undefined) return opened;
    await opened.close();
    throw new TypeError(`No agent has a tool "${unknown}". There are: ${[...all].join(', ')}.`);
  }
  const close = async () => {};
  if (used.every(({ sources }) => sources.length === 0)) return { agents: used, close };
  return { agents: used.map((agent) => withMore(agent, recalled(agent, recording))), close };
}

/** The agent and all that it may ask or hand over to. */
export function agentsUsedBy(name: string, agents: readonly Agent[]): Agent[] {
  const all = withTheirSubAgents(agents);
  const used = new Set<Agent>();
  const names = [name];
  for (let next = names.shift(); next !== undefined; next = names.shift()) {
    const agent = all.find((one) => one.name === next);
    if (!agent || used.has(agent)) continue;
    used.add(agent);
    for (const { subAgent, handoff } of agent.tools.values())
      for (const other of [subAgent?.agent, handoff]) if (other) names.push(nameOf(other));
  }
  return [...used];
}

function recalled(agent: Agent, { tools = {} }: Recording): Tool[] {
  const told = (tools[agent.name] ?? []).filter(({ name }) => !agent.tools.has(name));
  const found = new Map<string, Tool>();
  for (const source of agent.sources)
    for (const tool of source.recall?.(told) ?? []) if (!found.has(tool.name)) found.set(tool.name, tool);
  return [...found.values()];
}
