// The agents that a worker serves, looked up by name.
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../core/names.ts';
import type { Agent, Tool } from './define/types.ts';

export interface Registry {
  readonly agents: ReadonlyMap<string, Agent>;
  /** Every tool name of every agent, once: the activity types to serve. */
  readonly toolNames: ReadonlySet<string>;
  agent(name: string): Agent;
  tool(agent: string, tool: string): Tool;
}

export function createRegistry(list: Iterable<Agent>): Registry {
  const agents = new Map<string, Agent>();
  for (const agent of withTheirSubAgents(list)) {
    if (agents.has(agent.name) && agents.get(agent.name) !== agent)
      throw new TypeError(`Two agents are named ${agent.name}. Rename one.`);
    agents.set(agent.name, agent);
  }
  if (agents.size === 0) throw new TypeError('There is no agent to serve. Export one that defineAgent({ … }) made.');
  for (const agent of agents.values())
    for (const { name, handoff, subAgent } of agent.tools.values())
      for (const other of [handoff, subAgent?.agent])
        if (typeof other === 'string' && !agents.has(other))
          throw new TypeError(
            `Agent ${agent.name} has the tool ${name} for ${other}, which is not served here. Export it as well.`,
          );
  // The engine carries out the others itself.
  const isActivity = ({ subAgent, handoff }: Tool) => subAgent === undefined && handoff === undefined;
  const toolNames = new Set(
    [...agents.values()].flatMap(({ tools }) => [...tools.values()].filter(isActivity).map(({ name }) => name)),
  );

  function agent(name: string): Agent {
    const found = agents.get(name);
    if (!found) throw notRegistered(`This worker has no agent "${name}". It has: ${[...agents.keys()].join(', ')}.`);
    return found;
  }

  function tool(agentName: string, toolName: string): Tool {
    const found = agent(agentName).tools.get(toolName);
    if (!found)
      throw notRegistered(`The tool ${toolName} of agent ${agentName} is no longer registered; it did not run.`);
    return found;
  }

  return { agents, toolNames, agent, tool };
}

/** The agents, and those that their tools name: whoever serves one has to serve the others. */
export function withTheirSubAgents(list: Iterable<Agent>): Agent[] {
  const found = new Set<Agent>();
  const pending = [...list];
  for (let agent = pending.shift(); agent; agent = pending.shift()) {
    if (found.has(agent)) continue;
    found.add(agent);
    for (const { subAgent, handoff } of agent.tools.values()) {
      for (const other of [handoff, subAgent?.agent]) if (typeof other === 'object') pending.push(other);
    }
  }
  return [...found];
}

/** Retryable: in a rolling deploy, another worker may know what this one does not. */
export function notRegistered(message: string): ApplicationFailure {
  return ApplicationFailure.retryable(message, FAILURE.notRegistered);
}
