// Defines an agent. An agent is data: model, instructions, tools and limits.
import { budgetProblem } from '../../core/budget.ts';
import type { Duration } from '../../core/duration.ts';
import { AGENT_DEFAULTS, BODY_BYTES_MAX, INSTRUCTIONS_BYTES_MAX, MODELS_MAX, TOOLS_MAX } from '../../core/limits.ts';
import { NAME_PATTERN } from '../../core/names.ts';
import { count, utf8Length } from '../../core/text.ts';
import type { Budget, RunContext, WhenAllToolsFail, WhenApprovalExpires } from '../../core/types.ts';
import { type CompactionOptions, compactionRules } from '../compact/compactionOptions.ts';
import type { Script } from '../testing/script.ts';
import { toMs } from './defineTool.ts';
import type { JsonSchema } from './jsonSchema.ts';
import { isModelApi, type ModelApi } from './modelApi.ts';
import { outputFormat } from './output.ts';
import { type ApprovalRule, approvalProblem, type Permissions, permissionsProblem } from './permissions.ts';
import type { Prices } from './prices.ts';
import { type StandardSchema, schemaOf } from './schema.ts';
import type {
  Agent,
  Credentials,
  FunctionOfContext,
  Guardrails,
  ModelTakes,
  Presenter,
  ReasoningOptions,
  Tool,
  ToolChoice,
  ToolSource,
} from './types.ts';

// biome-ignore lint/suspicious/noExplicitAny: what is only `AgentOptions` may have any context
export interface AgentOptions<Output = unknown, Context = any, Given = any> extends Guardrails<Context> {
  readonly name: string;
  /**
   * A model of the OpenAI API or of a compatible server: `'gpt-4o'`, or with a provider of the worker: `'local:qwen3'`. Of a list, the next
   * one is asked when one has failed. `OPENAI_MODEL` overrides it for a whole worker.
   */
  readonly model: string | readonly string[];
  /**
   * A function of the context is called on the worker when a run has no record of the agent: at its start, after a handoff, and when a
   * deploy has changed the agent. What it returns is recorded, and kept until then.
   */
  readonly instructions: string | FunctionOfContext<string, NoInfer<Context>>;
  /** What it does, for those who choose among agents: `holdfast mcp` serves it as that of the tool. The model does not see it. */
  readonly description?: string;
  /** Tools, and servers of tools: `mcp({ … })`. */
  readonly tools?: readonly (Tool<NoInfer<Context>> | ToolSource)[];
  /** Maximum number of turns. @default 10 */
  readonly maxTurns?: number;
  /** Maximum number of calls of a turn that run at once. @default 5 */
  readonly parallel?: number;
  readonly whenAllToolsFail?: WhenAllToolsFail;
  /**
   * How long a run waits for a model whose provider is at fault: it cannot be reached, or answers with 429 or 5xx. `false`: not at
   * all. @default the worker's `model.outageMs`, 1 hour
   */
  readonly modelOutage?: Duration | false;
  /** Maximum active time of a run. Waiting for people does not count. @default '24 h' */
  readonly timeLimit?: Duration;
  /**
   * Schema of the output: zod's, another library's, or JSON Schema. It is sent to the model as JSON Schema, the last answer is checked against it, and the parsed
   * value is the result's `value`. If every field is required (`.nullable()`, not `.optional()`) and no object is open,
   * the request uses strict mode, and the server enforces the schema.
   */
  readonly output?: StandardSchema<Output> | JsonSchema;
  /**
   * Schema of the context that its runs are started with. A run whose context does not match ends as `model_failed`, before
   * the model is called. Tools and rules get the parsed context as `ctx.context`.
   * @default any context is accepted
   */
  readonly context?: StandardSchema<Context, Given> | JsonSchema;
  /**
   * Secrets for the tools, which get them as `ctx.credentials`. Called on the worker for each attempt at a call, and never recorded: secrets
   * do not belong into the context, which is.
   */
  readonly credentials?: (context: NoInfer<Context>) => Credentials | Promise<Credentials>;
  /** Approval rules by tool. They override the tool's own `approval`. */
  readonly approvals?: Readonly<Record<string, ApprovalRule<never, NoInfer<Context>>>>;
  /** How long a pending approval waits for a decision. @default '14 days' */
  readonly approvalTimeout?: Duration;
  /** What happens then: the call is rejected, or the run ends. @default 'reject' */
  readonly whenApprovalExpires?: WhenApprovalExpires;
  /** Rules that deny calls, ask a person about them, or allow them. */
  readonly permissions?: Permissions<NoInfer<Context>>;
  /** How the conversation is compacted before it outgrows the context window. `false`: never, and the run ends there. */
  readonly compaction?: CompactionOptions | false;
  /** Limits on the spend of a run and its sub-agents. A function of the context is called when that of the instructions would be. */
  readonly budget?: BudgetOptions | FunctionOfContext<BudgetOptions | undefined, NoInfer<Context>>;
  /** Prices per million tokens, by the provider's name for the model. */
  readonly prices?: Prices;
  /** How long a session waits for its next message. @default '7 days' */
  readonly idleTimeout?: Duration;
  /** Maximum number of sub-agents that a run may start. @default 100 */
  readonly maxSubAgents?: number;
  /** How deep sub-agents may be nested. @default 3 */
  readonly maxDepth?: number;
  /** Events in a run's history after which it continues as new. @default 10_000 */
  readonly maxHistoryEvents?: number;
  /**
   * Which API of the model's server is used. The Responses API gives a model its earlier reasoning again.
   * @default that of the worker's `model` or of the provider, which is 'chat'
   */
  readonly api?: ModelApi;
  /** How much the model thinks, and whether that is shown. */
  readonly reasoning?: ReasoningOptions;
  /** This and the next three options are passed to the model unchanged. */
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  /** Further fields of the request to the model, such as `{ reasoning_effort: 'low' }`. They are recorded with the run. */
  readonly body?: Readonly<Record<string, unknown>>;
  /**
   * What the model takes beside text: `{ images: false }` for one that takes no images, which then reads that there is one. @default
   * what its server does not refuse
   */
  readonly modelTakes?: ModelTakes;
  /** Presenter for tools without one of their own. @default 'json' */
  readonly present?: Presenter;
  /** Plays the model where no key is set, over HTTP and through the same client. See `holdfast/testing`. */
  readonly offline?: Script;
}

type BudgetOptions = Omit<Budget, 'activeMs'> & { readonly activeTime?: Duration };

/**
 * Defines an agent.
 *
 * ```ts
 * export const clock = defineAgent({
 *   name: 'clock',
 *   model: 'gpt-4o-mini',
 *   instructions: 'You tell the time.',
 *   tools: [getTime],
 * });
 * ```
 */
export function defineAgent<Output = unknown, Context = RunContext, Given = RunContext>(
  options: AgentOptions<Output, Context, Given>,
): Agent<Output, Given> {
  const { name } = options;
  const wrong = (problem: string) => new TypeError(`Agent ${JSON.stringify(name)}: ${problem}`);
  if (typeof name !== 'string' || !NAME_PATTERN.test(name))
    throw wrong('name must be a letter, then up to 63 letters, digits, "_" or "-".');
  const models = typeof options.model === 'string' ? [options.model] : [...(options.model ?? [])];
  if (models.length === 0 || models.some((model) => typeof model !== 'string' || model === ''))
    throw wrong('model is missing, for example model: "gpt-4o".');
  if (models.length > MODELS_MAX) throw wrong(`it has more than ${MODELS_MAX} models.`);
  if (new Set(models).size < models.length) throw wrong('model names one twice.');
  if (typeof options.instructions !== 'function') {
    const problem = instructionsProblem(options.instructions);
    if (problem) throw wrong(problem);
  }
  if (
    options.description !== undefined &&
    (typeof options.description !== 'string' || options.description.trim() === '')
  )
    throw wrong('description is empty. Leave it out, or say what the agent does.');
  if ((options.tools?.length ?? 0) > TOOLS_MAX)
    throw wrong(`it has more than ${TOOLS_MAX} tools. Models accept no more.`);
  const tools = new Map<string, Tool>();
  const sources: ToolSource[] = [];
  for (const tool of options.tools ?? []) {
    if ('kind' in tool) {
      sources.push(tool);
      continue;
    }
    if (tools.has(tool.name)) throw wrong(`it has two tools named ${tool.name}. Rename one.`);
    tools.set(tool.name, tool);
  }
  if (options.credentials !== undefined && typeof options.credentials !== 'function')
    throw wrong('credentials must be a function.');
  const maxTurns = options.maxTurns ?? AGENT_DEFAULTS.maxTurns;
  const parallel = options.parallel ?? AGENT_DEFAULTS.parallel;
  // The schema of `context` has parsed what functions of it are given.
  const functions = options as unknown as AgentOptions<Output, RunContext>;
  const { maxSubAgents, maxDepth, maxHistoryEvents, beforeModel, afterModel, beforeTool } = functions;
  const { approvals = {}, permissions, whenApprovalExpires } = functions;
  // What a source has is known later, and checked then.
  const isUnknown = (tool: string) => sources.length === 0 && !tools.has(tool);
  for (const [name, rule] of Object.entries(approvals)) {
    if (isUnknown(name)) throw wrong(`approvals names ${name}, which is not among its tools.`);
    const problem = approvalProblem(rule);
    if (problem) throw wrong(`approvals.${name} ${problem}`);
  }
  const permissionProblem = permissions && permissionsProblem(permissions, isUnknown);
  if (permissionProblem) throw wrong(permissionProblem);
  for (const [guardrail, guard] of Object.entries({ beforeModel, afterModel, beforeTool }))
    if (guard !== undefined && typeof guard !== 'function') throw wrong(`${guardrail} must be a function.`);
  if (whenApprovalExpires !== undefined && !['reject', 'end'].includes(whenApprovalExpires))
    throw wrong("whenApprovalExpires must be 'reject' or 'end'.");
  if (options.whenAllToolsFail !== undefined && !['tell', 'abort', 'continue'].includes(options.whenAllToolsFail))
    throw wrong("whenAllToolsFail must be 'tell', 'abort' or 'continue'.");
  const prices = options.prices ?? {};
  for (const [model, price] of Object.entries(prices))
    for (const part of ['input', 'output', 'cached'] as const)
      if (!(Number(price[part] ?? (part === 'cached' ? 0 : Number.NaN)) >= 0))
        throw wrong(`prices["${model}"].${part} must be a number of at least 0.`);
  const checkedBudget = (given: BudgetOptions | undefined) => {
    const budget = budgetOf(given, wrong);
    if (budget?.cost !== undefined && Object.keys(prices).length === 0)
      throw wrong('budget.cost needs prices. Set prices, for example { "gpt-4o": { input: 2.5, output: 10 } }.');
    return budget;
  };
  const { budget: given } = functions;
  const budget = typeof given === 'function' ? undefined : checkedBudget(given);
  const limits = { maxTurns, parallel, maxSubAgents, maxDepth, maxHistoryEvents };
  for (const [limit, value] of Object.entries(limits))
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw wrong(`${limit} must be a whole number of at least 1.`);
  return {
    kind: 'agent',
    name,
    model: models[0]!,
    models,
    instructions: functions.instructions,
    budget: typeof given === 'function' ? async (context, ctx) => checkedBudget(await given(context, ctx)) : undefined,
    description: options.description,
    tools,
    sources,
    withTools: (more) => defineAgent({ ...options, tools: [...tools.values(), ...more] }),
    rules: {
      maxTurns,
      parallel,
      whenAllToolsFail: options.whenAllToolsFail ?? AGENT_DEFAULTS.whenAllToolsFail,
      timeLimitMs: toMs('timeLimit', options.timeLimit, AGENT_DEFAULTS.timeLimitMs, wrong),
      approvalTimeoutMs: toMs('approvalTimeout', options.approvalTimeout, AGENT_DEFAULTS.approvalTimeoutMs, wrong),
      whenApprovalExpires: whenApprovalExpires ?? AGENT_DEFAULTS.whenApprovalExpires,
      idleMs: toMs('idleTimeout', options.idleTimeout, AGENT_DEFAULTS.idleMs, wrong),
      ...(budget && { budget }),
      ...(maxSubAgents !== undefined && { maxSubAgents }),
      ...(maxDepth !== undefined && { maxDepth }),
      ...(maxHistoryEvents !== undefined && { maxHistoryEvents }),
    },
    toolChoice: options.toolChoice,
    api: apiOption(options.api, wrong),
    reasoning: options.reasoning && reasoningOf(options.reasoning, wrong),
    parallelToolCalls: options.parallelToolCalls,
    temperature: options.temperature,
    maxOutputTokens: options.maxOutputTokens,
    body: options.body && bodyOf(options.body, wrong),
    present: options.present,
    offline: options.offline,
    output: options.output && outputFormat(options.output, wrong),
    context: options.context && schemaOf(options.context, 'context', wrong),
    credentials: functions.credentials,
    approvals,
    permissions,
    guardrails: {
      ...(beforeModel && { beforeModel }),
      ...(afterModel && { afterModel }),
      ...(beforeTool && { beforeTool }),
    },
    prices,
    compaction: compactionRules(options.compaction, wrong),
    modelTakes: takesOf(options.modelTakes, wrong),
    modelOutageMs:
      options.modelOutage === false ? 0 : options.modelOutage && toMs('modelOutage', options.modelOutage, 0, wrong),
  };
}

function apiOption(api: unknown, wrong: (problem: string) => Error): Agent['api'] {
  if (api === undefined || isModelApi(api)) return api;
  throw wrong("api must be 'chat' or 'responses'.");
}

const SUMMARIES: readonly unknown[] = [undefined, 'auto', 'concise', 'detailed'];

function reasoningOf(options: ReasoningOptions, wrong: (problem: string) => Error): ReasoningOptions {
  if (typeof options !== 'object') throw wrong("reasoning must be an object, such as { effort: 'low' }.");
  const { effort, summary, ...others } = options;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw wrong(`reasoning.${unknown} is not an option. There are effort and summary.`);
  if (effort !== undefined && (typeof effort !== 'string' || !/^\w{1,20}$/.test(effort)))
    throw wrong("reasoning.effort must be a word, such as 'low'.");
  if (!SUMMARIES.includes(summary)) throw wrong("reasoning.summary must be 'auto', 'concise' or 'detailed'.");
  return { ...(effort !== undefined && { effort }), ...(summary !== undefined && { summary }) };
}

function takesOf(given: ModelTakes | undefined, wrong: (problem: string) => Error): ModelTakes {
  if (given === undefined) return {};
  const isValid =
    typeof given === 'object' &&
    given !== null &&
    Object.entries(given).every(([what, takes]) => ['images', 'files'].includes(what) && typeof takes === 'boolean');
  if (!isValid) throw wrong('modelTakes must be an object with images and files, each true or false.');
  return given;
}

/** What is wrong with instructions, or with what a function of the context returned; null if nothing is. */
export function instructionsProblem(instructions: unknown): string | null {
  if (typeof instructions !== 'string' || instructions.trim() === '')
    return 'instructions are missing. Say who the agent is and what it should do.';
  return utf8Length(instructions) > INSTRUCTIONS_BYTES_MAX
    ? `instructions are longer than ${count(INSTRUCTIONS_BYTES_MAX)} bytes. Let a tool return the longer material.`
    : null;
}

/** Fields of a request that Holdfast sets. */
const OWN_FIELDS: Readonly<Record<string, string>> = {
  model: 'model',
  messages: 'instructions',
  tools: 'tools',
  tool_choice: 'toolChoice',
  parallel_tool_calls: 'parallelToolCalls',
  temperature: 'temperature',
  max_tokens: 'maxOutputTokens',
  max_completion_tokens: 'maxOutputTokens',
  response_format: 'output',
  input: 'instructions',
  max_output_tokens: 'maxOutputTokens',
};

function bodyOf(body: unknown, wrong: (problem: string) => Error): Agent['body'] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw wrong('body must be an object.');
  for (const name of Object.keys(body)) {
    const option = OWN_FIELDS[name];
    if (option) throw wrong(`body sets ${name}. Use the option ${option} instead.`);
    if (['stream', 'stream_options', 'n', 'store', 'previous_response_id', 'include'].includes(name))
      throw wrong(`body sets ${name}, which Holdfast needs as it is.`);
  }
  let json: string;
  try {
    json = JSON.stringify(body, (_, value) => {
      // They would be lost, or sent as null.
      if (['function', 'symbol'].includes(typeof value) || (typeof value === 'number' && !Number.isFinite(value)))
        throw new TypeError('no JSON');
      return value;
    });
  } catch {
    throw wrong('body must be plain JSON.');
  }
  if (utf8Length(json) > BODY_BYTES_MAX) throw wrong(`body is longer than ${count(BODY_BYTES_MAX)} bytes of JSON.`);
  // As it is recorded.
  return JSON.parse(json);
}

function budgetOf(options: BudgetOptions | undefined, wrong: (problem: string) => Error): Budget | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null) throw wrong('budget must be an object.');
  const { activeTime, ...limits } = options;
  const budget: Budget = {
    ...limits,
    ...(activeTime !== undefined && { activeMs: toMs('budget.activeTime', activeTime, 0, wrong) }),
  };
  const problem = budgetProblem(budget);
  if (problem) throw wrong(problem);
  return budget;
}
