// `holdfast agents`: what the agents file has to offer. It needs no server.
import { Command } from 'commander';
import type { Agent } from '../activities/index.ts';
import { inWords, plural } from '../core/text.ts';
import { AGENTS_OPTION, findAgentsFile, loadAgents } from './agentsFile.ts';
import { printJson } from './json.ts';
import { createScreen } from './screen.ts';

export function agentsCommand(): Command {
  return new Command('agents')
    .description('list the agents of a module, with their tools')
    .option('--agents <file>', AGENTS_OPTION)
    .option('--json', 'print one JSON array')
    .action(async ({ agents: named, json }: { agents?: string; json?: boolean }) => {
      const agents = await loadAgents(await findAgentsFile(named));
      if (json) printJson(agents.map(agentJson));
      else createScreen(process.stdout).print(...agents.flatMap(lines));
      // A module may keep the process busy: a database pool, a timer.
      process.exit(0);
    });
}

function agentJson({ name, model, rules, tools }: Agent) {
  return {
    name,
    model,
    maxTurns: rules.maxTurns,
    parallel: rules.parallel,
    tools: [...tools.values()].map(({ name, description, policy }) => ({
      name,
      description,
      effect: policy.effect,
      timeoutMs: policy.timeoutMs,
      attempts: policy.attempts,
    })),
  };
}

function lines({ name, model, rules, tools }: Agent): string[] {
  const width = Math.max(0, ...[...tools.keys()].map((tool) => tool.length));
  return [
    `${name} (${model}; ${plural(rules.maxTurns, 'turn')} at most, ${plural(rules.parallel, 'call')} at once)`,
    ...[...tools.values()].map(
      ({ name, policy }) =>
        `  ${name.padEnd(width)}  ${policy.effect}, ${inWords(policy.timeoutMs)}, ${plural(policy.attempts, 'attempt')}`,
    ),
  ];
}
