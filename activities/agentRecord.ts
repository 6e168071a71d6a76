// An agent as it goes into history.
import type { AgentRecord, AgentRules } from '../core/types.ts';
import { compactAtOf } from './compact/compactionOptions.ts';
import type { Agent } from './define/types.ts';
import { digestOf } from './transcript/digest.ts';

type Index = NonNullable<AgentRecord['index']>;

/** By index and model: the workers of a process may serve namespaces of both kinds, and have models of their own. */
const records = new WeakMap<Agent, Map<string, AgentRecord>>();

/** `index`: where this worker's runs say how they stand. `model`: what it asks, which is not always the agent's own. */
export function recordOf(agent: Agent, index: Index, model: string): AgentRecord {
  const ofAgent = records.get(agent) ?? new Map<string, AgentRecord>();
  records.set(agent, ofAgent);
  const key = `${index}\n${model}`;
  const known = ofAgent.get(key);
  if (known) return known;
  const { instructions } = agent;
  const compactAt = compactAtOf(agent, model);
  const rules: AgentRules = {
    ...agent.rules,
    ...(compactAt !== undefined && { compactAt }),
    ...(agent.compaction !== null && { compacts: true }),
  };
  const policies = Object.fromEntries([...agent.tools].map(([name, { policy }]) => [name, policy]));
  const digest = digestOf(instructions, JSON.stringify({ name: agent.name, rules, policies, index }));
  const record = { digest, instructions, rules, policies, index };
  ofAgent.set(key, record);
  return record;
}
