// An agent as it goes into history.
import type { AgentRecord } from '../core/types.ts';
import type { Agent } from './defineAgent.ts';
import { digestOf } from './digest.ts';

type Index = NonNullable<AgentRecord['index']>;

/** By index: the workers of a process may serve namespaces of both kinds. */
const records = { memo: new WeakMap<Agent, AgentRecord>(), attributes: new WeakMap<Agent, AgentRecord>() };

/** `index`: where this worker's runs say how they stand. */
export function recordOf(agent: Agent, index: Index): AgentRecord {
  const known = records[index].get(agent);
  if (known) return known;
  const { instructions, rules } = agent;
  const policies = Object.fromEntries([...agent.tools].map(([name, { policy }]) => [name, policy]));
  const digest = digestOf(instructions, JSON.stringify({ name: agent.name, rules, policies, index }));
  const record = { digest, instructions, rules, policies, index };
  records[index].set(agent, record);
  return record;
}
