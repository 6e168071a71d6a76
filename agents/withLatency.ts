// Makes an agent's tools slow on purpose, so that one can see them run side by side: the examples are too quick for it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent, Tool } from '../activities/index.ts';

/**
 * Adds what the environment variable says to each tool: milliseconds, one number for all or one a tool in the agent's
 * order (`200,180,150,170`; the last one goes on for the rest). Read when a tool runs; nothing is added when not set.
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
  const said = (process.env[variable] ?? '').trim();
  if (said === '') return 0;
  const all = said.split(',').map(Number);
  if (all.some((ms) => !(ms >= 0 && ms <= 600_000)))
    throw new Error(`${variable} is "${said}". Give milliseconds up to 600000: 200, or one a tool: 200,180,150,170.`);
  return all[index] ?? all.at(-1) ?? 0;
}
