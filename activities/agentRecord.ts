// An agent as it goes into history.
import type { AgentRecord } from '../core/types.ts';
import type { Agent } from './defineAgent.ts';
import { digestOf } from './digest.ts';

const records = new WeakMap<Agent, AgentRecord>();

export function recordOf(agent: Agent): AgentRecord {
  const known = records.get(agent);
  if (known) return known;
  const { instructions, rules } = agent;
  const policies = Object.fromEntries([...agent.tools].map(([name, { policy }]) => [name, policy]));
  const record = { digest: digestOf(instructions, JSON.stringify({ rules, policies })), instructions, rules, policies };
  records.set(agent, record);
  return record;
}
