// The page to read first: everything that travels between client, workflow and activities, as plain JSON.
import type { Reason, ReasonFields, ReasonOf } from './reasons/codes.ts';

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
}

export interface ToolMessage {
  readonly role: 'tool';
  readonly tool_call_id: string;
  readonly content: string;
}

export type Message =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: string }
  | AssistantMessage
  | ToolMessage;

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The part of `inputTokens` that the provider served from its cache. */
  readonly cachedTokens: number;
}

// ── Starting and ending a run ───────────────────────────────────────────────────────────────────────────────────────

/** The input of the workflow `agent`. Anything that can start a Temporal workflow can send it. */
export interface RunInput {
  readonly agent: string;
  /** What the agent is asked; may be '' for a session that begins with its first message. */
  readonly input: string;
  /** Model calls at most, for this run; the agent's own limit when not said. */
  readonly maxTurns?: number;
  /** Tool calls at once at most, for this run; the agent's own limit when not said. 1 runs them one after another. */
  readonly parallel?: number;
  /** Stays open for messages, until it is closed or has been idle for long. */
  readonly session?: boolean;
  /** Limits of this run, on top of the agent's own; a limit that is named in both is this one. */
  readonly budget?: Budget;
}

/** What a run tells the sub-agents that it starts; the workflow takes it beside the input, and only from a parent. */
export interface ParentRun {
  /** How many runs are above this one. */
  readonly depth: number;
  /** How deep the runs above allow sub-agents to nest: the least of their limits. */
  readonly maxDepth?: number;
  /** Whether a budget above is to be told what is spent, turn by turn. */
  readonly reports: boolean;
  /** Whether a budget above limits the cost: then a model without a price is an error. */
  readonly priced?: boolean;
}

/** Limits on what a run and all its sub-agents spend. At a limit the run ends as `budget`, or asks for more. */
export interface Budget {
  /** Tokens in and out. */
  readonly tokens?: number;
  /** In the currency of the prices that the agent names. */
  readonly cost?: number;
  readonly modelCalls?: number;
  readonly toolCalls?: number;
  /** Time in which something ran: waiting for people does not count. */
  readonly activeMs?: number | undefined;
  readonly atLimit?: 'stop' | 'ask';
}

/** What a run and its sub-agents have spent. Lost attempts of model calls count, as far as the provider told of them. */
export interface Spend {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  /** 0 where the agent names no prices. */
  readonly cost: number;
  /** Requests to the model, each attempt counted. */
  readonly modelCalls: number;
  /** Calls that ran. */
  readonly toolCalls: number;
  readonly activeMs: number;
}

/**
 * How a run ended. Only `cancelled` closes the workflow as Canceled: an agent that stopped is not a workflow that broke.
 */
export type RunStatus =
  | 'completed'
  | 'max_turns'
  | 'all_tools_failed'
  | 'model_failed'
  | 'refused'
  | 'time_limit'
  /** A limit of its budget was reached. */
  | 'budget'
  /** Asked to stop, or nobody decided in time what it was waiting for. */
  | 'stopped'
  /** The model's last answer did not fit the agent's `output`, and it could not repair it. */
  | 'invalid_output'
  | 'cancelled';

/** The result of the workflow `agent`. A run that stops early still returns what it has. */
export interface RunResult extends ReasonFields {
  readonly status: RunStatus;
  /** What the model said last; null when it said nothing. */
  readonly output: string | null;
  /** The last answer as the agent's `output` schema made it; only of an agent with one, and only when completed. */
  readonly value?: unknown;
  /** What went wrong on the way, one entry a turn at most: the run's report. */
  readonly warnings: readonly Reason[];
  readonly turns: number;
  readonly calls: number;
  readonly failedCalls: number;
  /** Tokens of this run's own answers. */
  readonly usage: Usage;
  /** What the run and all its sub-agents have spent. */
  readonly spend: Spend;
  readonly transcriptLength: number;
}

/** What a session answered to one of its messages. */
export interface Reply extends ReasonFields {
  /** Messages are counted from 1; the run's input, if there is one, is the first. */
  readonly message: number;
  /** `completed`, or how this message's turns ended; the session goes on after all of them. */
  readonly status: RunStatus;
  readonly output: string | null;
  readonly value?: unknown;
}

// ── One model call ──────────────────────────────────────────────────────────────────────────────────────────────────

/** A place in a transcript: its first `length` messages, and their digest. The empty transcript is `{0, ''}`. */
export interface Mark {
  readonly length: number;
  readonly digest: string;
}

/**
 * The input of the activity `callModel`. It carries only what is new since the model was last called, so that history
 * grows linearly; the rest is in the activity's cache, or asked of the workflow.
 */
export interface ModelCallInput {
  readonly agent: string;
  /** Model calls are counted from 1, over the whole chain of runs. */
  readonly turn: number;
  /** What the model had seen at the end of the last call. */
  readonly known: Mark;
  /** How long the transcript is now. */
  readonly length: number;
  /** The messages from `known.length` on; null when they are too large for a payload and must be asked for. */
  readonly fresh: readonly Message[] | null;
  /** Where `fresh` is null: the user's messages among them, so that history says what the model was told. */
  readonly heard?: readonly Message[];
  /** Digest of the agent as it was last recorded; '' when it was not. */
  readonly recorded: string;
  /** Answers in a row that had to be repaired; left out for 0. */
  readonly repairs?: number;
  /** Whether a cost is limited: then a model without a price is an error. */
  readonly priced?: boolean;
  /** Whether to tell the transcript's weight: the run would hand it over, and cannot tell what compression makes of it. */
  readonly weigh?: boolean;
}

/** What `callModel` made of the model's answer: the message for the transcript and the plan to carry out. */
export interface ModelAnswer {
  readonly message: AssistantMessage;
  /**
   * `final`: no calls, the run is complete. `calls`: carry out the plan. `truncated`: cut off by the output limit; its
   * calls are in the plan as problems and none may run. `refused`: the model or its provider declined. `again`: not
   * acceptable; the model is told why, in `tell` or in the plan's problems, and asked again. `ended`: the run ends here,
   * for `reason`.
   */
  readonly kind: 'final' | 'calls' | 'truncated' | 'refused' | 'again' | 'ended';
  /** What to tell the model before it is asked again. */
  readonly tell?: string;
  /** Why the run ends: with `status`. */
  readonly end?: { readonly status: RunStatus; readonly reason: Reason };
  /** The answer as the agent's `output` schema made it. */
  readonly value?: unknown;
  /** One entry a call, in the order of `message.tool_calls`. */
  readonly plan: readonly PlannedCall[];
  /** The transcript with `message` at its end. The workflow has no crypto: it hands this back with the next call. */
  readonly mark: Mark;
  /** Bytes that this transcript takes in a payload: compressed, or as the reference to where it is stored. */
  readonly weight?: number;
  /** The agent as it was asked, when that is not as it was last recorded. */
  readonly agent?: AgentRecord;
  /** The model that answered, as the provider names it; '' where a guardrail answered in its place. */
  readonly model: string;
  readonly usage: Usage;
  readonly cost?: number;
  /** Attempts at this answer that were lost, and what is known of their tokens. */
  readonly lost?: Lost;
}

/**
 * The input of the activity `compact`, which makes room in a conversation that nears what the model can read. The
 * transcript comes as it does to `callModel`.
 */
export interface CompactInput
  extends Pick<ModelCallInput, 'agent' | 'known' | 'length' | 'fresh' | 'heard' | 'priced'> {
  /** The last turn: the conversation is compacted before the next. */
  readonly turn: number;
  /** Tokens of the conversation: as the provider counted them last, and estimated for what came since. */
  readonly tokens: number;
  /** Tokens of it at the last answer: so many the model took. */
  readonly taken: number;
  /** What the provider said, where it refused the conversation as too long. */
  readonly refusal?: string;
}

/** How room was made: `own` is a function of the user. */
export type CompactStrategy = 'summarise' | 'drop-oldest' | 'own';

/** What `compact` put in the place of older messages. The rest of the transcript stays as it is. */
export interface CompactAnswer {
  readonly strategy: CompactStrategy;
  /** The first so many messages of the transcript go, 0 where there was nothing to gain. */
  readonly replaced: number;
  /** What stands in their place. */
  readonly messages: readonly Message[];
  /** The whole transcript afterwards. */
  readonly mark: Mark;
  /** Tokens of it, estimated. */
  readonly tokens: number;
  /** What the model wrote, where it was asked for a summary. */
  readonly summary?: string;
  /** What went wrong: the oldest messages were dropped instead. */
  readonly warning?: Reason;
  /** Requests to the model: several where the older part was too long for one. */
  readonly modelCalls: number;
  readonly usage: Usage;
  readonly cost?: number;
  readonly lost?: Lost;
}

export interface Lost {
  readonly attempts: number;
  readonly usage: Usage;
  readonly cost: number;
}

/** A call that may run, or one that may not, with what to tell the model. */
export type PlannedCall = AllowedCall | { readonly problem: Problem };

export interface AllowedCall {
  /** Of its tool and arguments: decisions and idempotency keys are bound to it. */
  readonly digest: string;
  /** A person has to decide first; what to ask, where there is more to it than whether the call may run. */
  readonly ask?: { readonly question: string | null };
  /** What it runs with, where a guardrail or a person changed what the model wrote. */
  readonly arguments?: string;
  /** The call is a run of another agent. */
  readonly child?: ChildCall;
  /** The conversation is passed on to this agent. */
  readonly handoff?: string;
}

export interface ChildCall {
  readonly agent: string;
  readonly input: string;
}

export interface Problem {
  readonly kind: 'unknown_tool' | 'invalid_arguments' | 'too_large' | 'rejected';
  readonly reason: Reason;
}

/**
 * An agent as it was when the model was asked: what it was told, and the rules that its run goes by. It is recorded with
 * the first answer and again whenever a deploy has changed it, so that history says why the agent did what it did.
 */
export interface AgentRecord {
  readonly digest: string;
  readonly instructions: string;
  readonly rules: AgentRules;
  /** The policy of each of its tools, by name. */
  readonly policies: Readonly<Record<string, ToolPolicy>>;
  /**
   * Where a run says that it waits and how it ended: in its memo, which any server takes; and in search attributes where
   * the worker found them registered. Upserting one that is not would fail the workflow's tasks for ever.
   */
  readonly index?: 'memo' | 'attributes';
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
  /** Tokens of the conversation from which on it is compacted; left out where the model's limit is not known. */
  readonly compactAt?: number;
  /** Left out where its conversation is never compacted. */
  readonly compacts?: true;
  /** Runs of other agents that this one may start, and how deep they may nest. */
  readonly maxSubAgents?: number;
  readonly maxDepth?: number;
}

/** When nobody has decided in time: `reject` the call and tell the model, or `end` the run. */
export type WhenApprovalExpires = 'reject' | 'end';

/**
 * When every call of a batch failed: `tell` the model, and stop at the second such batch in a row; `abort` at once; or
 * `continue` always.
 */
export type WhenAllToolsFail = 'tell' | 'abort' | 'continue';

/**
 * What running a tool twice would do. `read`: nothing. `idempotent`: the same as once, given the idempotency key.
 * `once`: it would happen twice; so it gets one attempt, and a lost one is reported as `outcome_unknown`.
 */
export type Effect = 'read' | 'idempotent' | 'once';

export interface ToolPolicy {
  readonly effect: Effect;
  /** How long one attempt may run. */
  readonly timeoutMs: number;
  /** How long an attempt may wait for a place (a process's limit, a free thread) on top of `timeoutMs`. */
  readonly waitMs?: number;
  /** Silence after which the worker is taken for dead. */
  readonly heartbeatMs: number;
  readonly attempts: number;
  readonly backoff: { readonly initialMs: number; readonly factor: number; readonly maxMs: number };
  /** Calls of this tool at once in a turn. */
  readonly maxParallel?: number;
}

// ── People ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a person can decide about a call that waits. `respond`: the person's text stands for the tool's result. */
export type Verdict = 'approve' | 'edit' | 'reject' | 'respond';

/** The argument of the update `decide`. */
export interface Decision {
  /** The call's place in the run, `<turn>.<slot>`. */
  readonly call: string;
  /** Of the tool and the arguments that were looked at: other arguments want another decision. */
  readonly digest: string;
  readonly verdict: Verdict;
  /** For `edit`: the new arguments, as JSON. */
  readonly arguments?: string;
  /** For `respond`: what the model is told. */
  readonly text?: string;
  readonly by?: string;
  /** Kept with the decision; for `reject`, also what the model is told. */
  readonly why?: string;
}

/** The decision that counts: the first one. */
export interface RecordedDecision {
  readonly call: string;
  readonly verdict: Verdict;
  readonly by: string | null;
  readonly why: string | null;
  readonly atMs: number;
  /** For `edit`: the arguments that the call ran with. */
  readonly arguments?: string;
  /** For `edit`: as the person wrote them, where a guardrail changed them. */
  readonly written?: string;
  /** For `respond`: what the model was told. */
  readonly text?: string;
}

/** What a run waits for a person to say. */
export type Question =
  | {
      readonly kind: 'approval';
      readonly call: string;
      readonly digest: string;
      readonly tool: string;
      readonly arguments: string;
      readonly question: string | null;
      readonly sinceMs: number;
      readonly expiresAtMs: number | null;
    }
  | {
      readonly kind: 'budget';
      readonly reason: string;
      readonly reached: ReasonOf<'budget_reached'>;
      readonly sinceMs: number;
    };

/** What an inbox shows of a waiting run, in its memo: the first questions, their arguments cut, and how many there are. */
export interface Waits {
  readonly sinceMs: number;
  readonly count: number;
  readonly questions: readonly Question[];
}

/** Who asks for something, and why; both are kept in history. */
export interface Attribution {
  readonly by?: string;
  readonly why?: string;
}

/** The argument of the update `send`: the next message of a session. */
export interface SendInput extends Attribution {
  readonly text: string;
  /** Chosen by the sender: the same message sent again is taken once, and gives the same answer. */
  readonly id?: string;
  /** Answer with the reply; else as soon as the message is queued. */
  readonly wait?: boolean;
}

export interface Sent {
  readonly message: number;
  /** null without `wait`, and where the run continued as new meanwhile: send the same id again to wait on. */
  readonly reply: Reply | null;
}

/** The argument of `steer` and `interrupt`. */
export interface SteerInput extends Attribution {
  readonly message?: string;
  /** Chosen by the sender: the same order sent again is carried out once. */
  readonly id?: string;
}

/** The argument of `cancelCall`: a call by its place `<turn>.<slot>` or by the id that the model gave it. */
export interface CancelCallInput extends Attribution {
  readonly call: string;
}

/** The argument of `raise`: the new limits, each above what it was. */
export interface RaiseInput extends Attribution {
  readonly budget: Omit<Budget, 'atLimit'>;
}

/** The state of a run, as updates answer with it. */
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
  /** As the model wrote them, parsed again by the activity: a zod transform does not parse twice. */
  readonly arguments: string;
  readonly idempotencyKey: string;
  /** Where a person was asked about it. */
  readonly decision?: Pick<RecordedDecision, 'verdict' | 'by' | 'why'>;
}

/** The input of the activity `planCall`: a call with the arguments that a person gave it. */
export interface PlanCallInput {
  readonly agent: string;
  readonly turn: number;
  readonly tool: string;
  readonly arguments: string;
}

/** The result of a tool's activity: what the model will read. */
export interface ToolCallResult {
  readonly text: string;
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

/** A failed tool is data: what the model reads of it. */
export interface ToolFailure {
  readonly tool: string;
  readonly kind: FailureKind;
  readonly error: string;
}

/** The outcome of one call of a batch. `ran` is false for a call that no activity was started for. */
export type Outcome =
  | { readonly ok: true; readonly tool: string; readonly text: string }
  | {
      readonly ok: false;
      readonly ran: boolean;
      readonly tool: string;
      readonly kind: FailureKind;
      readonly reason: Reason;
    };

/** A page of a running workflow's transcript: the answer of the query `transcript`. */
export interface TranscriptPage {
  readonly messages: readonly Message[];
  /** Length of the whole transcript. */
  readonly length: number;
}
