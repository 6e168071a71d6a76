// The types of a defined agent and tool, and of the arguments that users' functions receive. Read this first.
import type {
  AgentRules,
  Budget,
  InputAnswer,
  Message,
  RecordedDecision,
  RunContext,
  ToolPolicy,
} from '../../core/types.ts';
import type { CompactionRules } from '../compact/compactionOptions.ts';
import type { Script } from '../testing/script.ts';
import type { ModelApi } from './modelApi.ts';
import type { ApprovalRule, Permissions } from './permissions.ts';
import type { Prices } from './prices.ts';
import type { RuleContext } from './rules.ts';
import type { Schema } from './schema.ts';

export interface ReasoningOptions {
  /** How much the model thinks, in its own words: `'low'`, `'medium'`, `'high'`. */
  readonly effort?: string;
  /** Whether the Responses API shows what the model thought, as a summary. It is streamed, and is no part of the answer. */
  readonly summary?: 'auto' | 'concise' | 'detailed';
}

/**
 * An agent with its options checked and defaults filled in. `Output` is the type of its results' `value`, `Given` that of the context
 * that its runs are started with.
 */
// biome-ignore lint/suspicious/noExplicitAny: what is only an `Agent` may be started with any context
export interface Agent<Output = unknown, Given = any> {
  readonly kind: 'agent';
  readonly name: string;
  /** The first of `models`. */
  readonly model: string;
  /** In the order in which they are asked. */
  readonly models: readonly string[];
  readonly instructions: string | FunctionOfContext<string>;
  readonly description: string | undefined;
  /** Set if the budget is a function; otherwise, `rules` has it. */
  readonly budget: FunctionOfContext<Budget | undefined> | undefined;
  readonly tools: ReadonlyMap<string, Tool>;
  /** Tools that are only known once their server is asked for them. */
  readonly sources: readonly ToolSource[];
  /** The agent with the tools of its sources. */
  withTools(tools: readonly Tool[]): Agent<Output, Given>;
  readonly rules: AgentRules;
  readonly toolChoice: ToolChoice | undefined;
  readonly api: ModelApi | undefined;
  readonly reasoning: ReasoningOptions | undefined;
  readonly parallelToolCalls: boolean | undefined;
  readonly temperature: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly present: Presenter | undefined;
  readonly offline: Script | undefined;
  readonly output: OutputFormat | undefined;
  readonly context: Schema | undefined;
  readonly credentials: ((context: RunContext) => Credentials | Promise<Credentials>) | undefined;
  /** For types only; never set. */
  readonly outputType?: Output;
  /** For types only; never set. */
  readonly givenType?: Given;
  readonly approvals: Readonly<Record<string, ApprovalRule>>;
  readonly permissions: Permissions | undefined;
  readonly guardrails: Guardrails;
  readonly prices: Prices;
  readonly compaction: CompactionRules;
  readonly modelTakes: ModelTakes;
  /** undefined: as the worker says. */
  readonly modelOutageMs: number | undefined;
}

/** What the model is known to take beside text. Where nothing is said, its server is asked, and believed. */
export interface ModelTakes {
  readonly images?: boolean;
  readonly files?: boolean;
}

/** Called on the worker when a run has no record of the agent: at its start, after a handoff, and when the agent has changed. */
export type FunctionOfContext<Value, Context = RunContext> = (
  context: Context,
  ctx: RuleContext<Context>,
) => Value | Promise<Value>;

/** Secrets by name. */
export type Credentials = Readonly<Record<string, string>>;

/** Whether the model may call tools, has to, or has to call a certain one. As in the Chat Completions API. */
export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | { readonly type: 'function'; readonly function: { readonly name: string } };

/** The schema of the output, in the forms in which it is checked and sent. */
export interface OutputFormat extends Schema {
  /** For strict mode; null if strict mode cannot express the schema. */
  readonly strict: Readonly<Record<string, unknown>> | null;
}

/** A tool with its options checked and defaults filled in. `Context` is the type of the context that it needs. */
// biome-ignore lint/suspicious/noExplicitAny: what is only a `Tool` may need any context
export interface Tool<Context = any, Args = any> {
  readonly name: string;
  readonly description: string;
  readonly input: Schema;
  /** Of the context, if the tool has one of its own. */
  readonly context: Schema | undefined;
  readonly policy: ToolPolicy;
  readonly workerParallel: number | undefined;
  readonly present: Presenter<never> | undefined;
  readonly approval: ApprovalRule;
  readonly run: ((input: never, ctx: ToolContext) => unknown) | undefined;
  readonly thread: URL | undefined;
  /** Set if a call may start a task, which continues without it. */
  readonly tasks: ToolTasks | undefined;
  /** Set if a call starts a run of this agent; `ask` makes its input. */
  readonly subAgent: SubAgent | undefined;
  /** A call is carried out by a program or a person outside, which responds with the result. */
  readonly external: boolean;
  /** Set if a call hands the conversation off to this agent. */
  readonly handoff: Agent | string | undefined;
  /** For types only; never set. */
  readonly contextType?: (context: Context) => void;
  /** For types only; never set. */
  readonly argsType?: Args;
}

/** How a tool finds the tasks again that its calls have started. */
export interface ToolTasks {
  /** Returns the result, a question, or that the task runs; throws as `run` does. It may look again at any time, and in any process. */
  look(state: string, ctx: ToolContext): Promise<unknown>;
  /** Asks for the end of the task. */
  cancel(state: string, ctx: ToolContext): Promise<void>;
}

export interface SubAgent {
  readonly agent: Agent | string;
  ask(args: unknown): string;
  /** Makes the context of the sub-agent's run; without it, that is the context of this run. */
  readonly context: ((context: RunContext, args: unknown) => Promise<RunContext | null>) | undefined;
}

/** A server of tools, such as `mcp()` makes. A worker opens it when it starts, and closes it when it ends. */
export interface ToolSource {
  readonly kind: 'source';
  /** For messages. */
  readonly name: string;
  open(): Promise<OpenSource>;
  /** Makes the tools from what a model was once told of them, without the server: they cannot run. Leaves out those of others. */
  recall?(told: readonly ToldTool[]): readonly Tool[];
}

/** What a model knows of a tool. */
export interface ToldTool {
  readonly name: string;
  readonly description: string;
  /** Of its arguments, in JSON Schema. */
  readonly input: Readonly<Record<string, unknown>>;
}

export interface OpenSource {
  readonly tools: readonly Tool[];
  /** The digests of the tools as they are now, by the server's names. */
  readonly pins: Readonly<Record<string, string>>;
  /** Whether the definition has digests to compare with. */
  readonly isPinned: boolean;
  close(): Promise<void>;
}

/** The second argument of a tool's `run`. */
export interface ToolContext<Context = RunContext> {
  /** Aborted when the call is cancelled or times out, or the worker stops. Pass it to fetch, timers and queries. */
  readonly signal: AbortSignal;
  /** The same for every attempt of this call, and unique to it. Pass it to services that accept one. */
  readonly idempotencyKey: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** How long an attempt may take: the tool's `timeout`. */
  readonly timeoutMs: number;
  readonly agent: string;
  readonly workflowId: string;
  /**
   * The run's context, as parsed by the agent's `context` schema, and by the tool's own if that is another. {} if the run has
   * none.
   */
  readonly context: Context;
  /** What the agent's `credentials` returned; {} without that. */
  readonly credentials: Credentials;
  /** The decision that approved this call, if a person was asked. For a tool's own records. */
  readonly decision?: Pick<RecordedDecision, 'verdict' | 'by' | 'why'>;
  /** A person's answer, if this call has asked for one with `needsInput`, and the state that it asked with. */
  readonly answer?: InputAnswer;
  readonly log: ToolLog;
  /** Reports progress, shown by `holdfast watch` and the Web UI. Small JSON value. Not written to history. */
  progress(detail: unknown): void;
}

export interface ToolLog {
  info(message: string, meta?: Record<string, unknown>): void;
  warn(message: string, meta?: Record<string, unknown>): void;
}

/** Context of a tool in a thread: the part of ToolContext that can be cloned. */
export interface ThreadContext {
  readonly idempotencyKey: string;
  readonly attempt: number;
  readonly timeoutMs: number;
  readonly agent: string;
  readonly workflowId: string;
  readonly context: RunContext;
  readonly credentials: Credentials;
  readonly answer?: InputAnswer;
}

/** Turns a result into text for the model. `json`: the whole value. `list`: its first items. Or a function. */
export type Presenter<Result = unknown> = 'json' | 'list' | ((result: Result) => string);

/** The verdict of a guardrail. Nothing: allow. `change`: replace. `reject`: with a reason. `end`: end the run. */
export type Guarded<Changed> =
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing allows
  | void
  | { readonly change: Changed }
  | { readonly reject: string }
  | { readonly end: string };

export interface Guardrails<Context = RunContext> {
  /**
   * Runs before each model call, on the instructions and the conversation. `change` applies to this request only; `reject`
   * makes the reason the answer, and the model is not called; `end` ends the run as refused. For an agent with an `output`,
   * `reject` does so too, since a reason does not fit the schema.
   */
  readonly beforeModel?: (
    messages: readonly Message[],
    ctx: RuleContext<Context>,
  ) => Guarded<readonly Message[]> | Promise<Guarded<readonly Message[]>>;
  /**
   * Runs after each answer, even if the model declined. `change` replaces the text; `reject` has the model answer again,
   * with the reason, at most twice. With this guardrail, answers are not streamed.
   */
  readonly afterModel?: (
    answer: GuardedAnswer,
    ctx: RuleContext<Context>,
  ) => Guarded<string> | Promise<Guarded<string>>;
  /** Runs before each call with valid arguments. `change` replaces them; the new ones are validated again. */
  readonly beforeTool?: (call: GuardedCall, ctx: RuleContext<Context>) => Guarded<object> | Promise<Guarded<object>>;
}

export interface GuardedAnswer {
  readonly text: string;
  readonly calls: readonly { readonly tool: string; readonly arguments: string }[];
}

export interface GuardedCall {
  readonly tool: string;
  /** As parsed by the tool's schema. */
  readonly arguments: unknown;
}
