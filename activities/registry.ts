// The agents and tools that a worker serves, by name.
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../core/names.ts';
import { nearest } from '../core/text.ts';
import type { Agent, Tool } from './define/types.ts';
import { sha256 } from './digest.ts';

export interface Registry {
  readonly agents: ReadonlyMap<string, Agent>;
  /** Names of all tools of all agents: the activity types to register. */
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
  if (agents.size === 0) throw new TypeError('There is no agent to serve. Export one made with defineAgent({ … }).');
  for (const agent of agents.values())
    for (const { name, handoff, subAgent } of agent.tools.values())
      for (const other of [handoff, subAgent?.agent])
        if (typeof other === 'string' && !agents.has(other))
          throw new TypeError(
            `Agent ${agent.name} has the tool ${name} for agent ${other}, which this worker does not serve. Export it as well.`,
          );
  // Sub-agents and handoffs are run by the workflow, others by the workers of their queue or by nobody here.
  const isActivity = ({ subAgent, external, handoff, policy }: Tool) =>
    subAgent === undefined && !external && handoff === undefined && policy.queue === undefined;
  const toolNames = new Set(
    [...agents.values()].flatMap(({ tools }) => [...tools.values()].filter(isActivity).map(({ name }) => name)),
  );

  function agent(name: string): Agent {
    const found = agents.get(name);
    if (found) return found;
    const known = [...agents.keys()];
    const near = nearest(name, known);
    throw notRegistered(
      `This worker does not serve an agent "${name}". It serves: ${known.join(', ')}.${near ? ` Did you mean "${near}"?` : ''}`,
    );
  }

  function tool(agentName: string, toolName: string): Tool {
    const found = agent(agentName).tools.get(toolName);
    if (!found)
      throw notRegistered(`The tool ${toolName} of agent ${agentName} is no longer registered; it did not run.`);
    return found;
  }

  return { agents, toolNames, agent, tool };
}

/** The agents and all agents that their tools use: a worker that serves one has to serve the others. */
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

/** A short digest of the agents' names: workers that have the same one know the same agents. */
export function digestOfNames(agents: Iterable<Agent>): string {
  const names = [...new Set(withTheirSubAgents(agents).map(({ name }) => name))].sort();
  // Six characters are seven bytes in most events of a history, and two lists of names are one in 16 million times the same.
  return sha256(JSON.stringify(names)).slice(0, 6);
}

/** Retryable: during a rolling deploy, another worker may have the agent or tool that this one lacks. */
export function notRegistered(message: string): ApplicationFailure {
  return ApplicationFailure.retryable(message, FAILURE.notRegistered);
}
