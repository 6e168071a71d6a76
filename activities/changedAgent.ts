// An agent with the changes of a fork.
import type { AgentChanges } from '../core/types.ts';
import type { Agent } from './define/types.ts';

export function changedAgent(agent: Agent, { model, instructions, dropTools = [] }: AgentChanges): Agent {
  const tools = new Map([...agent.tools].filter(([name]) => !dropTools.includes(name)));
  const { toolChoice } = agent;
  // A server refuses a request that demands a tool which it does not offer.
  const isDropped = typeof toolChoice === 'object' && !tools.has(toolChoice.function.name);
  return {
    ...agent,
    tools,
    ...(isDropped && { toolChoice: undefined }),
    ...(instructions !== undefined && { instructions }),
    ...(model !== undefined && { model, models: [model] }),
  };
}
