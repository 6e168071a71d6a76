// Another agent as a tool, or as the target of a handoff. A sub-agent's run is a child workflow; its output is the result.
import { z } from 'zod';
import { TOOL_DEFAULTS } from '../../core/limits.ts';
import { NAME_PATTERN } from '../../core/names.ts';
import { contextProblem } from '../../core/runInput.ts';
import type { RunContext } from '../../core/types.ts';
import { descriptionProblem } from './defineTool.ts';
import { type ApprovalRule, approvalProblem } from './permissions.ts';
import { type OutputOf, type SchemaSource, schemaOf } from './schema.ts';
import type { Agent, Tool } from './types.ts';

interface AsToolOptions<Input extends SchemaSource, Context> {
  /** Name of the tool. @default the agent's name */
  readonly name?: string;
  /** What the agent does and when to use it, for the model. */
  readonly description: string;
  /** Arguments of the tool. @default z.object({ input: z.string() }) */
  readonly input?: Input;
  /** Makes the sub-agent's input from the arguments. @default the field `input`, or all arguments as JSON */
  readonly ask?: (args: OutputOf<Input>) => string;
  /**
   * Makes the context of the sub-agent's run from that of this one and the arguments; null for none. May do I/O. If it fails, the call
   * does.
   * @default the context of this run
   */
  readonly context?: (context: Context, args: OutputOf<Input>) => RunContext | null | Promise<RunContext | null>;
  readonly approval?: ApprovalRule<OutputOf<Input>>;
  /** Maximum number of its runs at once in one turn. */
  readonly maxParallel?: number;
}

const DEFAULT_INPUT = z.object({ input: z.string().describe('The task or question for the agent.') });

/**
 * Makes an agent a tool of another agent. Agents that use each other, or themselves, refer to each other by name.
 *
 * ```ts
 * tools: [asTool(researcher, { description: 'Finds out what is known about a company.' })]
 * ```
 */
export function asTool<Input extends SchemaSource = typeof DEFAULT_INPUT, Context = RunContext>(
  agent: Agent | string,
  options: AsToolOptions<Input, Context>,
): Tool<Context, OutputOf<Input>> {
  const { name = nameOf(agent), ask, context, maxParallel } = options;
  const wrong = (problem: string) => new TypeError(`Tool ${JSON.stringify(name)}: ${problem}`);
  if (context !== undefined && typeof context !== 'function') throw wrong('context must be a function.');
  const problem = approvalProblem(options.approval ?? 'never');
  if (problem) throw wrong(`approval ${problem}`);
  return {
    ...workflowTool(name, options.description, options.input ?? DEFAULT_INPUT, wrong),
    ...(maxParallel !== undefined && { policy: { ...POLICY, maxParallel } }),
    approval: (options.approval ?? 'never') as ApprovalRule,
    subAgent: {
      agent,
      ask(args) {
        // The schema has parsed the arguments. A user's function may return anything.
        const question: unknown = ask ? ask(args as OutputOf<Input>) : defaultQuestion(args);
        if (typeof question !== 'string' || question.trim() === '') throw new TypeError('its input would be empty.');
        return question;
      },
      // The agent's schema has parsed the context; that this tool fits the agent is a matter of types.
      context:
        context && (async (given, args) => checkedContext(await context(given as Context, args as OutputOf<Input>))),
    },
  };
}

function checkedContext(context: unknown): RunContext | null {
  if (context === null) return null;
  const problem = contextProblem(context);
  if (problem) throw new TypeError(`${problem} The function "context" returns it.`);
  // As it will be read from history.
  return JSON.parse(JSON.stringify(context));
}

/** The name of an agent that is given as an object or by name. */
export function nameOf(agent: Agent | string): string {
  return typeof agent === 'string' ? agent : agent.name;
}

function defaultQuestion(args: unknown): string {
  const { input, ...rest } = args as { input?: unknown };
  return typeof input === 'string' && Object.keys(rest).length === 0 ? input : JSON.stringify(args);
}

/**
 * Makes a tool that hands the conversation off to another agent, which answers from the next turn on, with its own
 * instructions and tools. Agents that hand off to each other refer to each other by name.
 *
 * ```ts
 * tools: [handoff('billing', { description: 'For questions about invoices.' })]
 * ```
 */
export function handoff(
  to: Agent | string,
  { description, name }: { readonly description: string; readonly name?: string },
): Tool {
  const toolName = name ?? `hand_off_to_${nameOf(to)}`;
  const wrong = (problem: string) => new TypeError(`Tool ${JSON.stringify(toolName)}: ${problem}`);
  return { ...workflowTool(toolName, description, z.object({}), wrong), handoff: to };
}

/**
 * Makes a tool that a program or a person outside carries out. A call waits in the inbox, like an approval, until somebody responds with
 * its result or rejects it, or until the agent's `approvalTimeout`.
 *
 * ```ts
 * tools: [external({ name: 'sign', description: 'Has a customer sign a document.', input: z.object({ document: z.string() }) })]
 * ```
 */
export function external({
  name,
  description,
  input,
}: {
  readonly name: string;
  readonly description: string;
  readonly input: SchemaSource;
}): Tool {
  const wrong = (problem: string) => new TypeError(`Tool ${JSON.stringify(name)}: ${problem}`);
  if (typeof name !== 'string') throw wrong('name is missing.');
  return { ...workflowTool(name, description, input, wrong), external: true };
}

/** The workflow carries these calls out itself, or nobody here does, so timeouts and retries do not apply. */
const POLICY = {
  effect: 'idempotent',
  timeoutMs: TOOL_DEFAULTS.timeoutMs,
  heartbeatMs: TOOL_DEFAULTS.heartbeatMs,
  attempts: 1,
  backoff: TOOL_DEFAULTS.backoff,
} as const;

function workflowTool(name: string, description: string, input: SchemaSource, wrong: (problem: string) => Error): Tool {
  if (!NAME_PATTERN.test(name)) throw wrong('name must be a letter, then up to 63 letters, digits, "_" or "-".');
  const problem = descriptionProblem(description);
  if (problem) throw wrong(problem);
  return {
    name,
    description,
    input: schemaOf(input, 'input', wrong),
    context: undefined,
    policy: POLICY,
    approval: 'never',
    workerParallel: undefined,
    present: undefined,
    run: undefined,
    thread: undefined,
    tasks: undefined,
    subAgent: undefined,
    external: false,
    handoff: undefined,
  };
}
