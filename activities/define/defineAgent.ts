// An agent is data: who it is, what it may use, and its limits.

import type { z } from 'zod';
import { budgetProblem } from '../../core/budget.ts';
import type { Duration } from '../../core/duration.ts';
import { AGENT_DEFAULTS, INSTRUCTIONS_BYTES_MAX, TOOLS_MAX } from '../../core/limits.ts';
import { NAME_PATTERN } from '../../core/names.ts';
import { count, utf8Length } from '../../core/text.ts';
import type { Budget, WhenAllToolsFail, WhenApprovalExpires } from '../../core/types.ts';
import { type CompactionOptions, compactionRules } from '../compact/compactionOptions.ts';
import type { Script } from '../testing/script.ts';
import { toMs } from './defineTool.ts';
import { outputFormat } from './output.ts';
import { type ApprovalRule, approvalProblem, type Permissions, permissionsProblem } from './permissions.ts';
import type { Prices } from './prices.ts';
import type { Agent, Guardrails, Presenter, Tool, ToolChoice } from './types.ts';

export interface AgentOptions<Output = unknown> extends Guardrails {
  readonly name: string;
  /** A model of the OpenAI API or of any compatible server. OPENAI_MODEL overrides it for a whole worker. */
  readonly model: string;
  readonly instructions: string;
  readonly tools?: readonly Tool[];
  /** Model calls at most; 10 when not said. */
  readonly maxTurns?: number;
  /** Tool calls of a turn that run at once; 5 when not said. */
  readonly parallel?: number;
  readonly whenAllToolsFail?: WhenAllToolsFail;
  /** How long a run may be active in all; 24 h when not said. Waiting for people does not count. */
  readonly timeLimit?: Duration;
  /**
   * What the last answer has to be: told to the model as a JSON schema, checked, and given as the result's `value`. Where
   * every field is there (`.nullable()`, not `.optional()`) and nothing is left open, the server holds the model to it.
   */
  readonly output?: z.ZodType<Output>;
  /** Whether a person has to decide before a call runs, by tool; in place of the tool's own `approval`. */
  readonly approvals?: Readonly<Record<string, ApprovalRule>>;
  /** How long a call waits for a decision; 14 days when not said. */
  readonly approvalTimeout?: Duration;
  /** Then the call is rejected, or the run ends; `reject` when not said. */
  readonly whenApprovalExpires?: WhenApprovalExpires;
  /** Which calls are denied, asked about, allowed. */
  readonly permissions?: Permissions;
  /** What becomes of a conversation that nears what the model can read. false: nothing, and the run ends there. */
  readonly compaction?: CompactionOptions | false;
  /** Limits on what a run and its sub-agents spend. */
  readonly budget?: Omit<Budget, 'activeMs'> & { readonly activeTime?: Duration };
  /** What models cost, by the name that the provider gives them, a million tokens. */
  readonly prices?: Prices;
  /** How long a session waits for its next message; 7 days when not said. */
  readonly idleTimeout?: Duration;
  /** Sub-agents that a run may start (100), and how deep they may nest (3). */
  readonly maxSubAgents?: number;
  readonly maxDepth?: number;
  /** Events of a run's history after which it continues as new; 10,000 when not said. */
  readonly maxHistoryEvents?: number;
  /** Passed on to the model as they are. */
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  /** How results become text when a tool does not say: `json` or `list`. */
  readonly present?: Presenter;
  /** Plays the model where there is no key, over HTTP and the same client: see `holdfast/testing`. */
  readonly offline?: Script;
}

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
export function defineAgent<Output = unknown>(options: AgentOptions<Output>): Agent<Output> {
  const { name } = options;
  const wrong = (what: string) => new TypeError(`Agent ${JSON.stringify(name)}: ${what}`);
  if (typeof name !== 'string' || !NAME_PATTERN.test(name))
    throw wrong('a name is a letter, then up to 63 letters, digits, "_" or "-".');
  if (!options.model) throw wrong('say which model it uses, for example model: "gpt-4o".');
  if (!options.instructions) throw wrong('say who it is and what it should do in instructions.');
  if (utf8Length(options.instructions) > INSTRUCTIONS_BYTES_MAX)
    throw wrong(`its instructions are over ${count(INSTRUCTIONS_BYTES_MAX)} bytes. Let a tool read what is longer.`);
  if ((options.tools?.length ?? 0) > TOOLS_MAX)
    throw wrong(`it has more than ${TOOLS_MAX} tools; no model takes more.`);
  const tools = new Map<string, Tool>();
  for (const tool of options.tools ?? []) {
    if (tools.has(tool.name)) throw wrong(`it has two tools named ${tool.name}. Rename one.`);
    tools.set(tool.name, tool);
  }
  const maxTurns = options.maxTurns ?? AGENT_DEFAULTS.maxTurns;
  const parallel = options.parallel ?? AGENT_DEFAULTS.parallel;
  const { maxSubAgents, maxDepth, maxHistoryEvents, beforeModel, afterModel, beforeTool } = options;
  const { approvals = {}, permissions, whenApprovalExpires } = options;
  for (const [name, rule] of Object.entries(approvals)) {
    if (!tools.has(name)) throw wrong(`approvals names ${name}, which is not among its tools.`);
    const unclear = approvalProblem(rule);
    if (unclear) throw wrong(`approvals.${name} ${unclear}`);
  }
  const misruled = permissions && permissionsProblem(permissions, new Set(tools.keys()));
  if (misruled) throw wrong(misruled);
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
        throw wrong(`prices of ${model}: ${part} must be a number from 0.`);
  const budget = budgetOf(options.budget, wrong);
  if (budget?.cost !== undefined && Object.keys(prices).length === 0)
    throw wrong(
      'its budget limits the cost, and it names no prices. Give prices: { "gpt-4o": { input: 2.5, output: 10 } }.',
    );
  const limits = { maxTurns, parallel, maxSubAgents, maxDepth, maxHistoryEvents };
  for (const [limit, value] of Object.entries(limits))
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw wrong(`${limit} must be a whole number from 1.`);
  return {
    kind: 'agent',
    name,
    model: options.model,
    instructions: options.instructions,
    tools,
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
    parallelToolCalls: options.parallelToolCalls,
    temperature: options.temperature,
    maxOutputTokens: options.maxOutputTokens,
    present: options.present,
    offline: options.offline,
    output: options.output && outputFormat(options.output, wrong),
    approvals,
    permissions,
    guardrails: {
      ...(beforeModel && { beforeModel }),
      ...(afterModel && { afterModel }),
      ...(beforeTool && { beforeTool }),
    },
    prices,
    compaction: compactionRules(options.compaction, wrong),
  };
}

function budgetOf(given: AgentOptions['budget'], wrong: (what: string) => Error): Budget | undefined {
  if (given === undefined) return undefined;
  const { activeTime, ...limits } = given;
  const budget: Budget = {
    ...limits,
    ...(activeTime !== undefined && { activeMs: toMs('budget.activeTime', activeTime, 0, wrong) }),
  };
  const problem = budgetProblem(budget);
  if (problem) throw wrong(problem);
  return budget;
}
