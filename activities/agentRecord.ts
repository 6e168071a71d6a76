// The record of an agent that goes into history.
import type { AgentRecord, AgentRules } from '../core/types.ts';
import { compactAtOf } from './compact/compactionOptions.ts';
import type { Agent } from './define/types.ts';
import { digestOf } from './digest.ts';
import { fixedOptions, type RunOptions } from './runOptions.ts';

type Index = NonNullable<AgentRecord['index']>;

/** By index and model: workers in one process may serve namespaces with different indexes, and use different models. */
const records = new WeakMap<Agent, Map<string, AgentRecord>>();

/**
 * `index`: where this worker's runs publish their status. `models`: those that the worker calls; it may override the agent's.
 * `options`: those of the run, if they are functions of its context.
 */
export function recordOf(agent: Agent, index: Index, models: readonly string[], options?: RunOptions): AgentRecord {
  const fixed = fixedOptions(agent);
  // Every run may have its own.
  if (!fixed) return makeRecord(agent, index, models, options!);
  const ofAgent = records.get(agent) ?? new Map<string, AgentRecord>();
  records.set(agent, ofAgent);
  const key = [index, ...models].join('\n');
  const cached = ofAgent.get(key);
  if (cached) return cached;
  const record = makeRecord(agent, index, models, fixed);
  ofAgent.set(key, record);
  return record;
}

function makeRecord(
  agent: Agent,
  index: Index,
  models: readonly string[],
  { instructions, budget }: RunOptions,
): AgentRecord {
  // Each of them has to take the conversation.
  const compactAt = smallest(models.map((model) => compactAtOf(agent, model)));
  const rules: AgentRules = {
    ...agent.rules,
    ...(budget && { budget }),
    ...(compactAt !== undefined && { compactAt }),
    ...(agent.compaction !== null && { compacts: true }),
  };
  const policies = Object.fromEntries([...agent.tools].map(([name, { policy }]) => [name, policy]));
  const body = agent.body && { body: agent.body };
  const digest = digestOf(instructions, JSON.stringify({ name: agent.name, rules, policies, index, ...body }));
  return { digest, instructions, rules, policies, index, ...body };
}

function smallest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
