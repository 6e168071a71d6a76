// The agents that are served, each as an MCP tool, and the tools to look at a run.
import type { Tool } from '@modelcontextprotocol/server';
import type { Agent } from '../../activities/index.ts';
import type { RunContext } from '../../core/types.ts';
import { UsageError } from '../exit.ts';

/** Tools beside the agents, for clients that cannot wait for the end of a call. */
export const RUN_TOOLS = { result: 'holdfast_result', status: 'holdfast_status', cancel: 'holdfast_cancel' } as const;

/** The argument `session` that opens a conversation. */
export const NEW_SESSION = 'new';

/** Picks the named agents, or all of them. */
export function pickAgents(all: readonly Agent[], names: readonly string[]): ReadonlyMap<string, Agent> {
  const byName = new Map(all.map((agent) => [agent.name, agent]));
  const missing = names.find((name) => !byName.has(name));
  if (missing !== undefined)
    throw new UsageError(
      `The agents file exports no agent ${JSON.stringify(missing)}. It has ${[...byName.keys()].join(', ')}.`,
    );
  const picked = names.length === 0 ? byName : new Map(names.map((name) => [name, byName.get(name)!]));
  const taken = Object.values(RUN_TOOLS).find((tool) => picked.has(tool));
  if (taken !== undefined)
    throw new UsageError(`The agent ${taken} has the name of a tool that "holdfast mcp" adds. Rename it.`);
  return picked;
}

/** Returns the tools as a client lists them. With `context`, clients do not choose the context themselves. */
export function toolsOf(agents: ReadonlyMap<string, Agent>, context: RunContext | undefined): Tool[] {
  return [...[...agents.values()].map((agent) => agentTool(agent, context === undefined)), ...RUN_TOOL_LIST];
}

function agentTool({ name, description, context, output }: Agent, choosesContext: boolean): Tool {
  const asks = choosesContext && context !== undefined;
  const needsContext = asks && Array.isArray(context.json['required']) && context.json['required'].length > 0;
  return {
    name,
    description: description ?? `Runs the agent ${name} and returns its answer.`,
    inputSchema: {
      type: 'object',
      properties: {
        input: { type: 'string', description: 'What the agent is asked, or the next message of a conversation.' },
        ...(asks && { context: embedded(context.json) }),
        session: {
          type: 'string',
          description: `"${NEW_SESSION}" opens a conversation. The run of an earlier answer continues it.`,
        },
      },
      required: ['input', ...(needsContext ? ['context'] : [])],
      additionalProperties: false,
    },
    ...(output && { outputSchema: { ...output.json, type: 'object' } }),
    annotations: { openWorldHint: true },
  };
}

type JsonSchema = NonNullable<Tool['inputSchema']['properties']>[string];

/** Schema with an id of its own where it has references, which are then looked up in it and not in the whole. */
function embedded(json: Readonly<Record<string, unknown>>): JsonSchema {
  // A schema is JSON.
  return (JSON.stringify(json).includes('"$ref"') ? { $id: 'context', ...json } : json) as JsonSchema;
}

const RUN_ARGUMENT = {
  type: 'object',
  properties: { run: { type: 'string', description: 'The run, as an earlier answer named it.' } },
  required: ['run'],
  additionalProperties: false,
} satisfies Tool['inputSchema'];

const RUN_TOOL_LIST: readonly Tool[] = [
  {
    name: RUN_TOOLS.result,
    description: 'Waits for a run that was started before, and returns its answer.',
    inputSchema: RUN_ARGUMENT,
  },
  {
    name: RUN_TOOLS.status,
    description: 'Returns what a run is doing, and what it waits for.',
    inputSchema: RUN_ARGUMENT,
    annotations: { readOnlyHint: true },
  },
  {
    name: RUN_TOOLS.cancel,
    description: 'Cancels a run.',
    inputSchema: RUN_ARGUMENT,
    annotations: { idempotentHint: true },
  },
];

export interface AgentArguments {
  readonly input: string;
  readonly context?: RunContext;
  readonly session?: string;
}

/** Parses the arguments for an agent; a text says what is wrong. The client of Temporal checks sizes and the context. */
export function parseAgentArguments(
  { name, context }: Agent,
  args: Readonly<Record<string, unknown>>,
  choosesContext: boolean,
): AgentArguments | string {
  const asks = choosesContext && context !== undefined;
  const known = ['input', 'session', ...(asks ? ['context'] : [])];
  const other = Object.keys(args).find((argument) => !known.includes(argument));
  if (other !== undefined) return `${name} has no argument ${JSON.stringify(other)}. It has ${known.join(', ')}.`;
  const { input, session, context: given } = args;
  if (typeof input !== 'string') return `The argument "input" of ${name} must be a text.`;
  if (session !== undefined && typeof session !== 'string') return `The argument "session" of ${name} must be a text.`;
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given)))
    return `The argument "context" of ${name} must be an object.`;
  return {
    input,
    ...(session !== undefined && { session }),
    // The agent's schema checks it before the run is started.
    ...(given !== undefined && { context: given as RunContext }),
  };
}

export function parseRunArguments(
  tool: string,
  args: Readonly<Record<string, unknown>>,
): { readonly run: string } | string {
  const other = Object.keys(args).find((argument) => argument !== 'run');
  if (other !== undefined) return `${tool} has no argument ${JSON.stringify(other)}. It has run.`;
  return typeof args['run'] === 'string' ? { run: args['run'] } : `The argument "run" of ${tool} must be a text.`;
}
