// Read this first: everything that client, workflow and activities exchange, as plain JSON. What is recorded in histories keeps
// its field names for ever.
import type { GivenReason, Reason, ReasonFields, ReasonOf } from './reasons/codes.ts';

// ── The conversation, in the words of the Chat Completions API ──────────────────────────────────────────────────────

export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface AssistantMessage {
  readonly role: 'assistant';
  readonly content: string | null;
  readonly tool_calls?: readonly ToolCall[];
  readonly provider?: ProviderData;
}

/** What a provider sent beside text and calls, as it came. */
export interface ProviderData {
  /** The address of the model's server. Others do not get it. */
  readonly from: string;
  /** The model that was asked. Another one at the same address gets it as well, unless it refuses it. */
  readonly model?: string;
  readonly message?: Readonly<Record<string, unknown>>;
  /** By slot. */
  readonly calls?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface ToolMessage {
  readonly role: 'tool';
  readonly tool_call_id: string;
  readonly content: string;
  readonly attachments?: readonly Attachment[];
}

/** An image or a file beside the text of a message or a result: at a URL, or in the payload store. */
export interface Attachment {
  readonly kind: 'image' | 'file';
  readonly name?: string;
  /** The media type, such as `image/png`. */
  readonly type?: string;
  /** An `https:` URL, which the model's provider fetches. */
  readonly url?: string;
  readonly stored?: StoredBytes;
}

/** Bytes in the payload store. */
export interface StoredBytes {
  /** The name of the store. */
  readonly store: string;
  /** What the store finds them by. */
  readonly claim: Readonly<Record<string, string>>;
  readonly bytes: number;
  /** Of the bytes, in hexadecimal: nobody gets bytes for a key that he does not know the content of. */
  readonly sha256: string;
}

export type Message =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: string; readonly attachments?: readonly Attachment[] }
  | AssistantMessage
  | ToolMessage;

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The part of `inputTokens` that the provider read from its cache. */
  readonly cachedTokens: number;
  /** The part of `outputTokens` that the model thought in; absent where the provider says nothing of it. */
  readonly reasoningTokens?: number;
}

// ── Starting and ending a run ───────────────────────────────────────────────────────────────────────────────────────

/** What a run is about, beside its input: who asks, for which tenant, in which language. The model does not see it. */
export type RunContext = Readonly<Record<string, unknown>>;

/** Labels of a run, which lists are filtered by: `{ tenant: 'acme' }`. */
export type Labels = Readonly<Record<string, string>>;

/** The input of the workflow `agent`. Any program that can start a Temporal workflow can send it. */
export interface RunInput {
  readonly agent: string;
  /** The prompt. May be '' for a session that begins with its first message. */
  readonly input: string;
  /** Images and files beside the prompt. */
  readonly attachments?: readonly Attachment[];
  /**
   * The most model calls of this run.
   * @default the agent's `maxTurns`
   */
  readonly maxTurns?: number;
  /**
   * The most tool calls at once in this run; 1 runs them one after another.
   * @default the agent's `parallel`
   */
  readonly parallel?: number;
  /** Stays open for messages until it is closed or its idle timeout passes. */
  readonly session?: boolean;
  /** Limits of this run. They override the agent's limits one by one. */
  readonly budget?: Budget;
  /** For tools and rules, here and in sub-agents. Recorded, so it must not contain secrets. */
  readonly context?: RunContext;
}

/** What a run passes to its sub-agents, beside their input. The workflow accepts it from a parent only. */
export interface ParentRun {
  /** How many runs are above this one. */
  readonly depth: number;
  /** The run id of the topmost run's first execution, for idempotency keys. */
  readonly rootRunId?: string;
  /** How deep sub-agents may nest: the smallest limit of the runs above. */
  readonly maxDepth?: number;
  /** Whether to report the spend after each turn, because a run above has a budget. */
  readonly reports: boolean;
  /** Whether a budget above limits the cost: then a model without a price is an error. */
  readonly priced?: boolean;
  /** If a run above is a fork that does not let effects happen unasked. */
  readonly fork?: ForkGuard;
}

/** The turn that a fork begins with: its model call is made again, and everything before it is kept. */
export interface ForkOf {
  readonly workflowId: string;
  /** The run id of the run's first execution. */
  readonly runId: string;
  readonly turn: number;
}

/**
 * What a fork does about calls that may have an effect: all but those of tools with `effect: 'read'`. `ask`: a person decides. `block`:
 * they do not run, and the model reads why. `live`: they run as the agent says.
 */
export type ForkEffects = 'ask' | 'block' | 'live';

/** What keeps a fork, and the runs below it, from repeating effects. */
export interface ForkGuard {
  readonly of: ForkOf;
  readonly effects: ForkEffects;
}

/** How a run is a fork of another. Beside the input, and carried over. */
export interface Fork extends ForkGuard {
  readonly changes?: ForkChanges;
}

/** Changes to the agent whose turn is forked. Its sub-agents, and other agents that get the conversation, stay as they are. */
export interface ForkChanges extends AgentChanges {
  readonly agent: string;
}

/** Changes to an agent, for one run. */
export interface AgentChanges {
  /** In place of the agent's models. */
  readonly model?: string;
  /** In place of the agent's instructions. */
  readonly instructions?: string;
  /** Tools that the model is not offered. */
  readonly dropTools?: readonly string[];
}

/** Limits on the spend of a run and its sub-agents. */
export interface Budget {
  /** Input and output tokens. */
  readonly tokens?: number;
  /** In the currency of the agent's prices. */
  readonly cost?: number;
  readonly modelCalls?: number;
  readonly toolCalls?: number;
  /** Active time, which excludes waiting for people. */
  readonly activeMs?: number | undefined;
  /**
   * At a limit, `stop` ends the run with the status `budget`, and `ask` waits for a person to raise the limit.
   * @default 'stop'
   */
  readonly atLimit?: 'stop' | 'ask';
}

/** The spend of a run and its sub-agents. It includes lost attempts of model calls, as far as their usage is known. */
export interface Spend {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  /** 0 if the agent has no prices. */
  readonly cost: number;
  /** Requests to the model, including each attempt. */
  readonly modelCalls: number;
  /** Tool calls that ran. */
  readonly toolCalls: number;
  readonly activeMs: number;
}

/** How a run ended. Only `cancelled` closes the workflow as Canceled; with all others it completes. */
export type RunStatus =
  | 'completed'
  | 'max_turns'
  | 'all_tools_failed'
  | 'model_failed'
  | 'refused'
  | 'time_limit'
  /** It reached a limit of its budget. */
  | 'budget'
  /** A person stopped it, or an approval timed out. */
  | 'stopped'
  /** The model's last answer did not match the agent's `output` schema, and repairs failed. */
  | 'invalid_output'
  | 'cancelled';

/** The result of the workflow `agent`: a run that stops early returns one as well. `status` tells which of the two it is. */
export type RunResult<Value = unknown> = CompletedRun<Value> | UnfinishedRun;

/** Narrows to what the agent has answered. */
export interface CompletedRun<Value = unknown> extends RunFacts, ReasonFields {
  readonly status: 'completed';
  /** The last answer, parsed by the agent's `output` schema; absent without one, and for a session that was asked nothing. */
  readonly value?: Value;
}

export interface UnfinishedRun extends RunFacts, GivenReason {
  readonly status: Exclude<RunStatus, 'completed'>;
  readonly value?: undefined;
}

/** What the result of every run has. */
export interface RunFacts {
  /** The last text that the model wrote; null if there is none. */
  readonly output: string | null;
  /** Failed calls and compactions that did not end the run. */
  readonly warnings: readonly Reason[];
  readonly turns: number;
  readonly calls: number;
  readonly failedCalls: number;
  /** Tokens of the run's own answers. */
  readonly usage: Usage;
  /** The spend of the run and its sub-agents. */
  readonly spend: Spend;
  readonly transcriptLength: number;
}

/** What a session returns for a message. */
export type Reply<Value = unknown> = CompletedReply<Value> | UnfinishedReply;

export interface CompletedReply<Value = unknown> extends ReplyFacts, ReasonFields {
  readonly status: 'completed';
  readonly value?: Value;
}

export interface UnfinishedReply extends ReplyFacts, GivenReason {
  readonly status: Exclude<RunStatus, 'completed'>;
  readonly value?: undefined;
}

/** How the turns of a message ended. The session stays open in any case. */
interface ReplyFacts {
  /** The number of the message, from 1. The run's input, if there is one, is the first. */
  readonly message: number;
  readonly output: string | null;
}

/** The type of an agent's `value`, from its definition: `start<typeof triage>('triage', …)`. */
export type OutputOf<Agent> = Agent extends { readonly outputType?: infer Output } ? AsJson<Output> : unknown;

/** The type of a value after a round trip through JSON: a `Date` becomes a string. */
export type AsJson<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends { toJSON(...args: never[]): infer Json }
      ? AsJson<Json>
      : T extends bigint | symbol | ((...args: never[]) => unknown)
        ? never
        : { [Key in keyof T]: AsJson<T[Key]> };

// ── One model call ──────────────────────────────────────────────────────────────────────────────────────────────────

/** The first `length` messages of a transcript, and their digest; '' for 0 messages. */
export interface Mark {
  readonly length: number;
  readonly digest: string;
}

/**
 * The input of the activity `callModel`. It has only what is new since the last call, so that history grows linearly. The
 * rest is in the activity's cache, or queried from the workflow.
 */
export interface ModelCallInput {
  readonly agent: string;
  /** From 1, over all histories of the run. */
  readonly turn: number;
  /** The transcript that the model had seen after the last call. */
  readonly known: Mark;
  /** The length of the transcript now. */
  readonly length: number;
  /** The messages from `known.length` on; null if they are too large for a payload, and have to be queried. */
  readonly fresh: readonly Message[] | null;
  /** The user messages among them if `fresh` is null, so that history has them. */
  readonly heard?: readonly Message[];
  /** The run's context, as it was given. */
  readonly context?: RunContext;
  /** Digest of the agent as it was last recorded; '' if it was not. */
  readonly recorded: string;
  /** How many answers in a row had to be repaired; absent for 0. */
  readonly repairs?: number;
  /** Whether the cost is limited: then a model without a price is an error. */
  readonly priced?: boolean;
  /** Whether the run has waited for an unavailable model: then a failure of the provider is not retried here, but by the run. */
  readonly waited?: boolean;
  /** Changes to the agent, of a fork. */
  readonly changes?: AgentChanges;
  /** Whether to return the transcript's `weight`, which decides whether the run can carry it over. */
  readonly weigh?: boolean;
  /** The request that was last recorded in this history; absent if none was. */
  readonly request?: RequestMark;
}

/** The result of the activity `callModel`: the model's message and the plan for its calls. */
export interface ModelAnswer {
  readonly message: AssistantMessage;
  /**
   * `final`: no calls, the run is complete. `calls`: run the plan. `truncated`: cut off at the output limit; all calls in the
   * plan are problems. `refused`: the model or its provider declined. `again`: not acceptable; the model reads why, in `tell`
   * or in the problems of the plan, and answers again. `ended`: the run ends as `end` says.
   */
  readonly kind: 'final' | 'calls' | 'truncated' | 'refused' | 'again' | 'ended';
  /** A message to the model before it answers again. */
  readonly tell?: string;
  /** How and why the run ends. */
  readonly end?: { readonly status: RunStatus; readonly reason: Reason };
  /** The answer, parsed by the agent's `output` schema. */
  readonly value?: unknown;
  /** One entry for each call, in the order of `message.tool_calls`. */
  readonly plan: readonly PlannedCall[];
  /** The transcript including `message`. The sandbox has no crypto, so the workflow passes this to the next call. */
  readonly mark: Mark;
  /** Bytes that the transcript takes in a payload, after compression or storage. */
  readonly weight?: number;
  /** The agent that was used, if it differs from the one last recorded. */
  readonly agent?: AgentRecord;
  /** The model that answered, in the provider's spelling; '' if a guardrail answered in its place. */
  readonly model: string;
  readonly usage: Usage;
  readonly cost?: number;
  /** What was wrong with the answer, and does not keep the run from continuing. */
  readonly warning?: Reason;
  /** Lost attempts at this answer, and what is known of their tokens. */
  readonly lost?: Lost;
  /** The agent's other models that were asked before, and why they did not answer. */
  readonly passedOver?: readonly PassedOver[];
  /** The request that was answered; absent if the model was not asked, and in histories of earlier releases. */
  readonly request?: RequestRecord;
}

/** Digests of a request. */
export interface RequestMark {
  /** Of its frame. */
  readonly frame: string;
  /** Of its messages, as they were sent. */
  readonly messages: string;
}

/** A request to the model, as far as it does not follow from the transcript. */
export interface RequestRecord extends RequestMark {
  /** The frame, if it is not the one that was last recorded in this history. */
  readonly framed?: RequestFrame;
  /**
   * The messages that were sent, in pieces, if a guardrail or the `body` of a provider changed them; null if the change is too
   * large to record.
   */
  readonly pieces?: readonly RequestPiece[] | null;
}

/** What the requests of many turns have in common: everything but their messages. */
export interface RequestFrame {
  readonly form: WireForm;
  /** The body as it was sent, with null in the place of its messages; null if it is not recorded, for the reason in `left`. */
  readonly body: Readonly<Record<string, unknown>> | null;
  /** `too_large` for a payload. `no_messages`: the `body` of the provider sends them in a form that is not known. */
  readonly left?: 'too_large' | 'no_messages';
}

/** How messages are written in a request. The same messages in the same form are the same on the wire. */
export interface WireForm {
  readonly api: 'chat' | 'responses';
  /** The server, as in `ProviderData`: it gets its own data back. */
  readonly from: string;
  /** The model that was asked. */
  readonly model: string;
  /** What its server has refused, and is not sent. */
  readonly refused: readonly string[];
  /** What the agent says that the model takes beside text. */
  readonly takes?: { readonly images?: boolean; readonly files?: boolean };
  /** The output schema, if it is sent in the instructions. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

/** Some of the messages of a request. Ranges are a position and a count. */
export type RequestPiece =
  /** As they follow from the transcript. */
  | { readonly kept: readonly [number, number] }
  /** As in the request that was last recorded in this history. */
  | { readonly before: readonly [number, number] }
  /**
   * The message that follows from the transcript at a position, with its JSON in parts: ranges of what it is without the change, and texts
   * between them.
   */
  | { readonly edited: readonly [number, readonly (string | readonly [number, number])[]] }
  | { readonly put: readonly unknown[] };

export interface PassedOver {
  readonly model: string;
  readonly error: string;
}

/** The input of the activity `compact`. It has the transcript in the same form as `callModel`. */
export interface CompactInput
  extends Pick<ModelCallInput, 'agent' | 'known' | 'length' | 'fresh' | 'heard' | 'priced' | 'context' | 'changes'> {
  /** Digest of the agent as it was last recorded; absent in histories of earlier releases. */
  readonly recorded?: string;
  /** The last turn; compaction takes place before the next. */
  readonly turn: number;
  /** Tokens of the transcript: the provider's last count, plus an estimate of what is new since. */
  readonly tokens: number;
  /** Tokens of the transcript at the last answer, which the model accepted. */
  readonly taken: number;
  /** The provider's message, if it refused the transcript as too long. */
  readonly refusal?: string;
}

/** How a transcript was compacted; `own` is a function of the user. */
export type CompactStrategy = 'summarise' | 'drop-oldest' | 'own';

/** The result of the activity `compact`: which messages replace the oldest ones. */
export interface CompactAnswer {
  readonly strategy: CompactStrategy;
  /** How many messages are replaced, from the first; 0 if there was nothing to gain. */
  readonly replaced: number;
  /** The messages that replace them. */
  readonly messages: readonly Message[];
  /** The whole transcript afterwards. */
  readonly mark: Mark;
  /** Estimated tokens of the whole transcript afterwards. */
  readonly tokens: number;
  /** The model's summary, if it wrote one. */
  readonly summary?: string;
  /** Why the oldest messages were dropped instead of summarised. */
  readonly warning?: Reason;
  /** Requests to the model; several if the older part was too long for one. */
  readonly modelCalls: number;
  readonly usage: Usage;
  readonly cost?: number;
  readonly lost?: Lost;
  /** What the model was asked for a summary; absent if it did not answer. */
  readonly asked?: SummaryRecord;
}

/** The requests for a summary, as far as they do not follow from the conversation. */
export interface SummaryRecord {
  /** How many messages were to be summarised, from the first. */
  readonly messages: number;
  /** The most words that the model was to write. */
  readonly words: number;
  /**
   * The requests that were answered, in order. Their pieces are of the one request for all of the messages: parts of it, what a guardrail
   * changed, and the summary of what came before.
   */
  readonly requests: readonly RequestRecord[];
}

/** Attempts at a model call that were lost, and what is known of their tokens. */
export interface Lost {
  readonly attempts: number;
  readonly usage: Usage;
  readonly cost: number;
}

/** The plan of a call: it may run, or it has a problem, which the model reads. */
export type PlannedCall = AllowedCall | { readonly problem: Problem };

export interface AllowedCall {
  /** Digest of the tool and its arguments, to which decisions and idempotency keys are bound. */
  readonly digest: string;
  /** The call needs a decision. */
  readonly ask?: Ask;
  /** The arguments to run with, if a guardrail or a person changed those of the model. */
  readonly arguments?: string;
  /** The sub-agent, if the call is one. */
  readonly child?: ChildCall;
  /** The target agent, if the call is a handoff. */
  readonly handoff?: string;
}

export interface Ask {
  /** null if the rule has none of its own. */
  readonly question: string | null;
  /** The call is carried out elsewhere, so that it can only be answered or rejected. */
  readonly external?: true;
  /** The call has run, and asked for input: it runs again with the answer. */
  readonly input?: AskedInput;
  /** Why a person is asked, if not only by a rule of the agent. */
  readonly because?: Reason;
  /** Who may decide: names of people, and roles as `role:finance`. Without it, anybody. */
  readonly by?: readonly string[];
  /** Who started the run may not decide. */
  readonly notInitiator?: boolean;
}

/** What a call that asked for input takes along until it is answered. */
export interface AskedInput {
  /** How often the call has asked, from 1. */
  readonly round: number;
  /** The digest of the call as it was planned, of which its idempotency key is made. */
  readonly digest: string;
  /** The tool's own, which it gets back with the answer. */
  readonly state: string;
  /** The decision that approved the call, if there was one. */
  readonly decision?: ApprovedBy;
  /** The task that has asked. */
  readonly task?: CallTask;
}

export type ApprovedBy = Pick<RecordedDecision, 'verdict' | 'by' | 'why' | 'arguments'>;

export interface ChildCall {
  readonly agent: string;
  readonly input: string;
  /** Its context; null for none. Absent: that of this run. */
  readonly context?: RunContext | null;
}

export interface Problem {
  readonly kind: 'unknown_tool' | 'invalid_arguments' | 'too_large' | 'rejected';
  readonly reason: Reason;
}

/**
 * The agent at the time of a model call. It is recorded with the first answer, and again when a deploy has changed it, so
 * that history explains what the agent did.
 */
export interface AgentRecord {
  readonly digest: string;
  readonly instructions: string;
  readonly rules: AgentRules;
  /** The policies of its tools, by name. */
  readonly policies: Readonly<Record<string, ToolPolicy>>;
  /**
   * Where the run publishes its open questions and its status: in the memo, with `attributes` in the search attributes of the inbox too,
   * and with `status` in those of its status and spend as well. The worker checks that they are registered: upserting others would fail
   * every workflow task.
   */
  readonly index?: 'memo' | 'attributes' | 'status';
  /** The search attribute of labels is registered, so that a run which has them in its memo alone may write them there. */
  readonly labels?: boolean;
  /** Further fields of its requests to the model. */
  readonly body?: Readonly<Record<string, unknown>>;
}

export interface AgentRules {
  readonly maxTurns: number;
  readonly parallel: number;
  readonly whenAllToolsFail: WhenAllToolsFail;
  readonly timeLimitMs: number;
  readonly approvalTimeoutMs?: number;
  readonly whenApprovalExpires?: WhenApprovalExpires;
  readonly budget?: Budget;
  /** How long a session waits for its next message. */
  readonly idleMs?: number;
  /** Events of a history after which the run continues as new. */
  readonly maxHistoryEvents?: number;
  /** Tokens of the transcript at which it is compacted; absent if the model's context window is unknown. */
  readonly compactAt?: number;
  /** Absent if the transcript is never compacted. */
  readonly compacts?: true;
  /** The most sub-agents that the run may start. */
  readonly maxSubAgents?: number;
  /** How deep sub-agents may nest. */
  readonly maxDepth?: number;
}

/** When an approval times out: `reject` the call, which the model reads, or `end` the run. */
export type WhenApprovalExpires = 'reject' | 'end';

/**
 * When every call of a batch failed: `tell` lets the model read it, and ends the run at the second such batch in a row;
 * `abort` ends the run at once; `continue` never ends it.
 */
export type WhenAllToolsFail = 'tell' | 'abort' | 'continue';

/**
 * What running a tool twice would do. `read`: nothing. `idempotent`: the same as running it once, given the idempotency key.
 * `once`: the effect would happen twice, so it gets one attempt, and a lost one is reported as `outcome_unknown`.
 */
export type Effect = 'read' | 'idempotent' | 'once';

export interface ToolPolicy {
  readonly effect: Effect;
  /** How long one attempt may run. */
  readonly timeoutMs: number;
  /** How long an attempt may wait, on top of `timeoutMs`, for a free thread or for `workerParallel`. */
  readonly waitMs?: number;
  /** Time without a heartbeat after which the worker counts as lost. */
  readonly heartbeatMs: number;
  readonly attempts: number;
  readonly backoff: { readonly initialMs: number; readonly factor: number; readonly maxMs: number };
  /** The most calls of this tool at once in a turn. */
  readonly maxParallel?: number;
  /** The task queue of the workers that run it, which may be of any language. Without one, the worker of the agent does. */
  readonly queue?: string;
}

// ── People ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A person's decision about a pending approval. `respond`: the model reads the person's text as the call's result. */
export type Verdict = 'approve' | 'edit' | 'reject' | 'respond';

/** The argument of the update `decide`. */
export interface Decision {
  /** The call id, `<turn>.<slot>`. */
  readonly call: string;
  /** Digest of the tool and arguments that the person saw. If they have changed, the decision is refused. */
  readonly digest: string;
  readonly verdict: Verdict;
  /** For `edit`: the new arguments, as JSON. */
  readonly arguments?: string;
  /** For `respond`: what the model reads. */
  readonly text?: string;
  readonly by?: string;
  /** The roles of who decides. Recorded is the one by which they may. */
  readonly roles?: readonly string[];
  /** Recorded with the decision. For `reject`, the model reads it. */
  readonly why?: string;
}

/** The decision that counts, which is the first. */
export interface RecordedDecision {
  readonly call: string;
  readonly verdict: Verdict;
  readonly by: string | null;
  readonly why: string | null;
  readonly atMs: number;
  /** The role by which they may decide; absent if they need none. */
  readonly role?: string;
  /** For `edit`: the arguments that the call ran with. */
  readonly arguments?: string;
  /** For `edit`: the person's own arguments, if a guardrail changed them. */
  readonly written?: string;
  /** For `respond`: what the model reads. */
  readonly text?: string;
}

/** What a run waits for a person to answer: a pending approval, or an exhausted budget. */
export type Question =
  | {
      readonly kind: 'approval';
      readonly call: string;
      readonly digest: string;
      readonly tool: string;
      readonly arguments: string;
      readonly question: string | null;
      /** The call is carried out elsewhere: `respond` with its result, or `reject` it. */
      readonly external?: true;
      /** The call has run, and asks for input: `respond` with the answer, or `reject` it. `external` is set as well. */
      readonly input?: true;
      /** Why a person is asked, if not only by a rule of the agent. */
      readonly because?: Reason;
      /** Who may approve, edit or respond: names of people, and roles as `role:finance`. Absent if anybody may. Anybody may reject. */
      readonly by?: readonly string[];
      /** Who started the run, and may do none of it; null if that is not recorded, so that nobody may. Absent without such a rule. */
      readonly notBy?: string | null;
      readonly sinceMs: number;
      readonly expiresAtMs: number | null;
    }
  | {
      readonly kind: 'budget';
      readonly reason: string;
      readonly reached: ReasonOf<'budget_reached'>;
      readonly sinceMs: number;
    };

/** The open questions in a run's memo, for the inbox: the first ones, with long arguments cut field by field, and their number. */
export interface Waits {
  readonly sinceMs: number;
  readonly count: number;
  readonly questions: readonly Question[];
}

/** Who sends a command, and why. Both are recorded in history. */
export interface Attribution {
  readonly by?: string;
  readonly why?: string;
}

/** The argument of the update `send`: the next message of a session. */
export interface SendInput extends Attribution {
  readonly text: string;
  readonly attachments?: readonly Attachment[];
  /** Makes sending safe to repeat: a message with the same id is accepted once, and has the same reply. */
  readonly id?: string;
  /** Return when the message is answered, and not when it is queued. */
  readonly wait?: boolean;
}

export interface Sent {
  readonly message: number;
  /** null without `wait`, and if the run continued as new meanwhile: send the same id again to wait for the reply. */
  readonly reply: Reply | null;
}

/** The argument of `steer` and `interrupt`. */
export interface SteerInput extends Attribution {
  readonly message?: string;
  /** Images and files beside the message. */
  readonly attachments?: readonly Attachment[];
  /** Makes the command safe to repeat: with the same id, it takes effect once. */
  readonly id?: string;
}

/** The argument of `cancelCall`: a call id, or a model call id. */
export interface CancelCallInput extends Attribution {
  readonly call: string;
}

/** The argument of `raise`: the new limits, each higher than before. */
export interface RaiseInput extends Attribution {
  readonly budget: Omit<Budget, 'atLimit'>;
}

/** The state of a run, which commands return. */
export interface RunSnapshot {
  readonly state: 'running' | 'waiting' | 'paused' | 'idle' | 'stopping';
  readonly turn: number;
}

// ── One tool call ───────────────────────────────────────────────────────────────────────────────────────────────────

/** The input of a tool's activity. */
export interface ToolCallInput {
  readonly agent: string;
  readonly tool: string;
  readonly turn: number;
  readonly slot: number;
  readonly callId: string;
  /** The JSON text. The activity parses it again, because a zod transform cannot parse its own output. */
  readonly arguments: string;
  readonly idempotencyKey: string;
  /** The run's context, as it was given. */
  readonly context?: RunContext;
  /** The decision, if the call needed an approval. */
  readonly decision?: Pick<RecordedDecision, 'verdict' | 'by' | 'why'>;
  /** The answer to the question that the call has asked, and the state that it asked with. */
  readonly answer?: InputAnswer;
  /** The call has run, and started this task: the activity looks at it, or cancels it. */
  readonly task?: CallTask & { readonly cancel?: true };
}

/** A person's answer to a call that asked for input. */
export interface InputAnswer {
  readonly text: string;
  readonly state: string;
}

/** The second argument of a tool's activity on a queue of its own; the first are the arguments of the call. */
export type QueuedCallContext = Omit<ToolCallInput, 'tool' | 'arguments'>;

/** The input of the activity `planCall`: a call with a person's new arguments. */
export interface PlanCallInput {
  readonly agent: string;
  readonly turn: number;
  readonly tool: string;
  readonly arguments: string;
  /** The run's context, as it was given. */
  readonly context?: RunContext;
}

/** The result of a tool's activity: what the model reads. */
export interface ToolCallResult {
  readonly text: string;
  readonly attachments?: readonly Attachment[];
  /** The call is not over: it needs a person's answer first, and runs again with it. */
  readonly needsInput?: NeededInput;
  /** The call is not over: its work continues elsewhere. With `needsInput`, it is the task that continues after the answer. */
  readonly task?: CallTask;
}

/** Work that a call has started elsewhere, such as a task of an MCP server. Activities look at it until it is over. */
export interface CallTask {
  /** The tool's own, by which it finds the task again. */
  readonly state: string;
  /** How long it may still take. */
  readonly limitMs: number;
}

export interface NeededInput {
  readonly question: string;
  readonly state: string;
}

export type FailureKind =
  | 'failed'
  | 'timeout'
  | 'unknown_tool'
  | 'invalid_arguments'
  | 'rejected'
  | 'cancelled'
  | 'outcome_unknown'
  | 'too_large';

/** A failure, as the model reads it. */
export interface ToolFailure {
  readonly tool: string;
  readonly kind: FailureKind;
  readonly error: string;
}

/** The outcome of a call. `ran` is false if no activity or sub-agent was started. */
export type Outcome =
  | { readonly ok: true; readonly tool: string; readonly text: string; readonly attachments?: readonly Attachment[] }
  | {
      readonly ok: false;
      readonly ran: boolean;
      readonly tool: string;
      readonly kind: FailureKind;
      readonly reason: Reason;
    };

/** A page of a run's transcript: the result of the query `transcript`. */
export interface TranscriptPage {
  readonly messages: readonly Message[];
  /** The length of the whole transcript. */
  readonly length: number;
}
