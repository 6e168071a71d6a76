// Another agent as a tool: its run is a child workflow, and what it says last is the result.
import { z } from 'zod';
import { TOOL_DEFAULTS } from '../../core/limits.ts';
import { NAME_PATTERN } from '../../core/names.ts';
import { parametersOf } from './defineTool.ts';
import type { ApprovalRule } from './permissions.ts';
import type { Agent, ObjectSchema, Tool } from './types.ts';

interface AsToolOptions<Input extends ObjectSchema> {
  /** What the model calls it; the agent's own name when not said. */
  readonly name?: string;
  /** What the agent does and when to use it, for the model. */
  readonly description: string;
  /** What the model has to say; `{ input: string }` when not said. */
  readonly input?: Input;
  /** What the agent is asked; the field `input`, or else all arguments as JSON, when not said. */
  readonly ask?: (args: z.output<Input>) => string;
  readonly approval?: ApprovalRule<z.output<Input>>;
  /** Runs of it at once in one turn. */
  readonly maxParallel?: number;
}

const JUST_INPUT = z.object({ input: z.string().describe('What the agent is asked.') });

/**
 * An agent for another agent to use. Agents that use each other, or themselves, name one another by name.
 *
 * ```ts
 * tools: [asTool(researcher, { description: 'Finds out what is known about a company.' })]
 * ```
 */
export function asTool<Input extends ObjectSchema = typeof JUST_INPUT>(
  agent: Agent | string,
  options: AsToolOptions<Input>,
): Tool {
  const { name = nameOf(agent), ask, maxParallel } = options;
  const wrong = (what: string) => new TypeError(`Tool ${JSON.stringify(name)}: ${what}`);
  const input: ObjectSchema = options.input ?? JUST_INPUT;
  if (!(input instanceof z.ZodObject)) throw wrong('input must be a z.object(…).');
  return {
    ...callOfTheEngine(name, options.description, input, wrong),
    ...(maxParallel !== undefined && { policy: { ...POLICY, maxParallel } }),
    approval: (options.approval ?? 'never') as ApprovalRule,
    subAgent: {
      agent,
      ask(args) {
        // The schema has just made them; what a function of the user returns may be anything.
        const asked: unknown = ask ? ask(args as z.output<Input>) : plainly(args);
        if (typeof asked !== 'string' || asked.trim() === '') throw new TypeError('there is nothing in the question.');
        return asked;
      },
    },
  };
}

/** The name of an agent that may be given by it. */
export function nameOf(agent: Agent | string): string {
  return typeof agent === 'string' ? agent : agent.name;
}

function plainly(args: unknown): string {
  const { input, ...rest } = args as { input?: unknown };
  return typeof input === 'string' && Object.keys(rest).length === 0 ? input : JSON.stringify(args);
}

/**
 * Passes the conversation on to another agent: from the next turn on it speaks, with its own instructions and tools. Agents
 * that pass it to each other name one another by name.
 *
 * ```ts
 * tools: [handoff('billing', { description: 'For questions about invoices.' })]
 * ```
 */
export function handoff(
  to: Agent | string,
  { description, name }: { readonly description: string; readonly name?: string },
): Tool {
  const called = name ?? `hand_off_to_${nameOf(to)}`;
  const wrong = (what: string) => new TypeError(`Tool ${JSON.stringify(called)}: ${what}`);
  return { ...callOfTheEngine(called, description, z.object({}), wrong), handoff: to };
}

/** The engine carries it out itself, so that there is nothing to time out or to try again. */
const POLICY = {
  effect: 'idempotent',
  timeoutMs: TOOL_DEFAULTS.timeoutMs,
  heartbeatMs: TOOL_DEFAULTS.heartbeatMs,
  attempts: 1,
  backoff: TOOL_DEFAULTS.backoff,
} as const;

function callOfTheEngine(name: string, description: string, input: ObjectSchema, wrong: (what: string) => Error): Tool {
  if (!NAME_PATTERN.test(name)) throw wrong('a name is a letter, then up to 63 letters, digits, "_" or "-".');
  if (!description) throw wrong('say what the agent does in description: the model chooses by it.');
  const strict = input._zod.def.catchall === undefined ? input.strict() : input;
  return {
    name,
    description,
    input: strict,
    parameters: parametersOf(strict, wrong),
    policy: POLICY,
    approval: 'never',
    workerParallel: undefined,
    present: undefined,
    run: undefined,
    thread: undefined,
    subAgent: undefined,
    handoff: undefined,
  };
}
