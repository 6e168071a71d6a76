// The record of an agent that goes into history.
import type { AgentRecord, AgentRules } from '../core/types.ts';
import { compactAtOf } from './compact/compactionOptions.ts';
import type { Agent } from './define/types.ts';
import { digestOf } from './digest.ts';

type Index = NonNullable<AgentRecord['index']>;

/** By index and model: workers in one process may serve namespaces with different indexes, and use different models. */
const records = new WeakMap<Agent, Map<string, AgentRecord>>();

/** `index`: where this worker's runs publish their status. `models`: those that the worker calls; it may override the agent's. */
export function recordOf(agent: Agent, index: Index, models: readonly string[]): AgentRecord {
  const ofAgent = records.get(agent) ?? new Map<string, AgentRecord>();
  records.set(agent, ofAgent);
  const key = [index, ...models].join('\n');
  const cached = ofAgent.get(key);
  if (cached) return cached;
  const { instructions } = agent;
  // Each of them has to take the conversation.
  const compactAt = smallest(models.map((model) => compactAtOf(agent, model)));
  const rules: AgentRules = {
    ...agent.rules,
    ...(compactAt !== undefined && { compactAt }),
    ...(agent.compaction !== null && { compacts: true }),
  };
  const policies = Object.fromEntries([...agent.tools].map(([name, { policy }]) => [name, policy]));
  const body = agent.body && { body: agent.body };
  const digest = digestOf(instructions, JSON.stringify({ name: agent.name, rules, policies, index, ...body }));
  const record = { digest, instructions, rules, policies, index, ...body };
  ofAgent.set(key, record);
  return record;
}

function smallest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
