// `holdfast agents`: lists the agents of a module. It needs no server.
import { Command } from 'commander';
import { nameOf } from '../../activities/define/asTool.ts';
import type { Agent, Tool } from '../../activities/index.ts';
import { openAgents } from '../../activities/openAgents.ts';
import { inWords, plural } from '../../core/text.ts';
import { AGENTS_OPTION, findAgentsFile, loadAgents } from '../agentsFile.ts';
import { printJson } from '../terminal/output.ts';
import { createScreen } from '../terminal/screen.ts';
import { budgetText } from '../view/budget.ts';

export function agentsCommand(): Command {
  return new Command('agents')
    .description('list the agents of a module, with their tools')
    .option('--agents <file>', AGENTS_OPTION)
    .option('--json', 'print one JSON array')
    .action(async ({ agents: named, json }: { agents?: string; json?: boolean }) => {
      const { agents, sources, close } = await openAgents(await loadAgents(await findAgentsFile(named)));
      if (json) printJson(agents.map(agentJson));
      else {
        const servers = [...sources].flatMap(([{ name }, { pins }]) => pinLines(name, pins));
        createScreen(process.stdout).print(...agents.flatMap(lines), ...servers);
      }
      await close();
      // The module may keep the process alive, with a database pool or a timer.
      process.exit(0);
    });
}

function agentJson(agent: Agent) {
  const { name, model, models, rules, tools } = agent;
  return {
    name,
    model,
    ...(models.length > 1 && { models }),
    maxTurns: rules.maxTurns,
    parallel: rules.parallel,
    ...(rules.budget && { budget: rules.budget }),
    ...(agent.output && { output: true }),
    tools: [...tools.values()].map((tool) => {
      const { name, description, policy, subAgent, external, handoff } = tool;
      const approval = approvalOf(agent, tool);
      return {
        name,
        description,
        ...(subAgent && { subAgent: nameOf(subAgent.agent) }),
        ...(handoff && { handoff: nameOf(handoff) }),
        ...(policy.queue !== undefined && { queue: policy.queue }),
        ...(external && { external }),
        // The engine itself runs sub-agents and handoffs.
        ...(!subAgent &&
          !external &&
          !handoff && { effect: policy.effect, timeoutMs: policy.timeoutMs, attempts: policy.attempts }),
        ...(approval && { approval }),
      };
    }),
  };
}

/** Whether the tool needs an approval: always, if a rule says so, or never (null). */
function approvalOf({ approvals, permissions }: Agent, { name, approval }: Tool): 'always' | 'sometimes' | null {
  const rule = Object.hasOwn(approvals, name) ? approvals[name] : approval;
  const rules = (permissions?.ask ?? []).filter(({ tool }) => tool === name || tool === '*');
  if (rule === 'always' || typeof rule === 'object' || rules.some(({ when }) => when === undefined)) return 'always';
  return (rule !== undefined && rule !== 'never') || rules.length > 0 ? 'sometimes' : null;
}

const APPROVAL_TEXT = { always: '; needs approval', sometimes: '; may need approval' } as const;

function toolText(agent: Agent, tool: Tool): string {
  const { policy, subAgent, external, handoff } = tool;
  const approval = approvalOf(agent, tool);
  const note = approval ? APPROVAL_TEXT[approval] : '';
  if (external) return `carried out elsewhere${note}`;
  if (subAgent) return `sub-agent ${nameOf(subAgent.agent)}${note}`;
  if (handoff) return `handoff to ${nameOf(handoff)}${note}`;
  const where = policy.queue === undefined ? '' : `on the queue ${policy.queue}, `;
  return `${where}${policy.effect}, ${inWords(policy.timeoutMs)}, ${plural(policy.attempts, 'attempt')}${note}`;
}

/** To be copied into the definition, once somebody has read what the tools say of themselves. */
function pinLines(server: string, pins: Readonly<Record<string, string>>): string[] {
  const digests = Object.entries(pins).map(([tool, digest]) => `    ${JSON.stringify(tool)}: '${digest}',`);
  return [`MCP server ${server}, as it is now:`, '  tools: {', ...digests, '  }'];
}

export function lines(agent: Agent): string[] {
  const { name, models, rules, tools, output } = agent;
  const width = Math.max(0, ...[...tools.keys()].map((tool) => tool.length));
  return [
    `${name} (${models.join(', else ')}; ${plural(rules.maxTurns, 'turn')} at most, ${plural(rules.parallel, 'call')} at once)`,
    ...(rules.budget ? [`  budget: ${budgetText(rules.budget)}`] : []),
    ...(output ? ['  output: validated by a schema'] : []),
    ...[...tools.values()].map((tool) => `  ${tool.name.padEnd(width)}  ${toolText(agent, tool)}`),
  ];
}
