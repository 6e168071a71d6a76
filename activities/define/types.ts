// What an agent and a tool are once they are defined, and what functions of the user are given. Read this first.
import type { z } from 'zod';
import type { AgentRules, Message, RecordedDecision, ToolPolicy } from '../../core/types.ts';
import type { CompactionRules } from '../compact/compactionOptions.ts';
import type { Script } from '../testing/script.ts';
import type { ApprovalRule, Permissions } from './permissions.ts';
import type { Prices } from './prices.ts';
import type { RuleContext } from './rules.ts';

/** An agent, checked and with its defaults filled in. `Output` is what its results are. */
export interface Agent<Output = unknown> {
  readonly kind: 'agent';
  readonly name: string;
  readonly model: string;
  readonly instructions: string;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly rules: AgentRules;
  readonly toolChoice: ToolChoice | undefined;
  readonly parallelToolCalls: boolean | undefined;
  readonly temperature: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly present: Presenter | undefined;
  readonly offline: Script | undefined;
  readonly output: OutputFormat | undefined;
  /** Only for types: what the output is. */
  readonly outputType?: Output;
  readonly approvals: Readonly<Record<string, ApprovalRule>>;
  readonly permissions: Permissions | undefined;
  readonly guardrails: Guardrails;
  readonly prices: Prices;
  readonly compaction: CompactionRules;
}

/** Whether the model has to call a tool, may, or which one. */
export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | { readonly type: 'function'; readonly function: { readonly name: string } };

/** What the last answer has to be, and how the model is asked for it. */
export interface OutputFormat {
  readonly schema: z.ZodType;
  readonly json: Readonly<Record<string, unknown>>;
  /** For a server that holds the model to it; null for a schema that strict mode cannot express. */
  readonly strict: Readonly<Record<string, unknown>> | null;
}

/** A tool, checked and with its defaults filled in. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly input: ObjectSchema;
  /** What the model is told of `input`. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly policy: ToolPolicy;
  readonly workerParallel: number | undefined;
  readonly present: Presenter<never> | undefined;
  readonly approval: ApprovalRule;
  readonly run: ((input: never, ctx: ToolContext) => unknown) | undefined;
  readonly thread: URL | undefined;
  /** The call is a run of this agent, asked this. */
  readonly subAgent: { readonly agent: Agent | string; ask(args: unknown): string } | undefined;
  /** The call passes the conversation on. */
  readonly handoff: Agent | string | undefined;
}

/** What a running tool may use. */
export interface ToolContext {
  /** Aborted when the call is cancelled, timed out, or the worker stops. Pass it on to fetch, timers, queries. */
  readonly signal: AbortSignal;
  /** The same for every attempt of this call, and for no other call. Give it to services that accept one. */
  readonly idempotencyKey: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly agent: string;
  readonly workflowId: string;
  /** Who let this call run, where a person was asked: for the records that a tool keeps. */
  readonly decision?: Pick<RecordedDecision, 'verdict' | 'by' | 'why'>;
  readonly log: ToolLog;
  /** Says how far the call is; seen by `holdfast watch` and in the Web UI. JSON, small, free of charge to history. */
  progress(detail: unknown): void;
}

export interface ToolLog {
  info(message: string, meta?: Record<string, unknown>): void;
  warn(message: string, meta?: Record<string, unknown>): void;
}

/** What a tool in a thread is given: what can cross into one. */
export interface ThreadContext {
  readonly idempotencyKey: string;
  readonly attempt: number;
  readonly agent: string;
  readonly workflowId: string;
}

/** How a result becomes text: `json` as it is, `list` as its head, or a function of yours. */
export type Presenter<Result = unknown> = 'json' | 'list' | ((result: Result) => string);

export type ObjectSchema = z.ZodObject;

/** Allow, by returning nothing; put something else in its place; reject it with a reason; or end the run. */
export type Guarded<Changed> =
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing allows
  | void
  | { readonly change: Changed }
  | { readonly reject: string }
  | { readonly end: string };

export interface Guardrails {
  /**
   * Before each model call, with the instructions and the conversation. `change` is for this request only; `reject`
   * answers with the reason, without the model; `end` ends the run as refused, as `reject` does where the agent has an
   * `output`, which a reason is not.
   */
  readonly beforeModel?: (
    messages: readonly Message[],
    ctx: RuleContext,
  ) => Guarded<readonly Message[]> | Promise<Guarded<readonly Message[]>>;
  /**
   * After each answer, also one in which the model declines. `change` puts another text in its place; `reject` tells the
   * model why and asks it again, twice at most. With it, nobody sees an answer while it is being written.
   */
  readonly afterModel?: (answer: GuardedAnswer, ctx: RuleContext) => Guarded<string> | Promise<Guarded<string>>;
  /** Before each call that may run. `change` gives it other arguments, which its schema reads again. */
  readonly beforeTool?: (call: GuardedCall, ctx: RuleContext) => Guarded<object> | Promise<Guarded<object>>;
}

export interface GuardedAnswer {
  readonly text: string;
  readonly calls: readonly { readonly tool: string; readonly arguments: string }[];
}

export interface GuardedCall {
  readonly tool: string;
  /** As the tool's schema made them. */
  readonly arguments: unknown;
}
