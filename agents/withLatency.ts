// Adds latency to an agent's tools, so that one can see them run in parallel: the examples are too fast for it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent, Tool } from '../activities/index.ts';

/**
 * Adds the latency in the environment variable to each tool: milliseconds, one number for all or one per tool in the agent's
 * order (`200,180,150,170`; the last one also applies to any further tools). The variable is read when a tool runs.
 */
export function withLatency(agent: Agent, variable: string): Agent {
  const slow = ([name, tool]: [string, Tool], index: number): [string, Tool] => {
    const { run } = tool;
    if (!run) return [name, tool];
    const slowRun: typeof run = async (input, ctx) => {
      const latencyMs = latencyOf(variable, index);
      if (latencyMs > 0) await sleep(latencyMs, undefined, { signal: ctx.signal });
      return run(input, ctx);
    };
    return [name, { ...tool, run: slowRun }];
  };
  return { ...agent, tools: new Map([...agent.tools].map(slow)) };
}

function latencyOf(variable: string, index: number): number {
  const value = (process.env[variable] ?? '').trim();
  if (value === '') return 0;
  const all = value.split(',').map(Number);
  if (all.some((ms) => !(ms >= 0 && ms <= 600_000)))
    throw new Error(
      `${variable} is "${value}". Set milliseconds up to 600000: one number for all tools, or one per tool: 200,180,150,170.`,
    );
  return all[index] ?? all.at(-1) ?? 0;
}
