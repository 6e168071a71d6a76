// The page to read first: everything that travels between client, workflow and activities, as plain JSON.

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
  readonly input: string;
  /** Model calls at most, for this run; the agent's own limit when not said. */
  readonly maxTurns?: number;
  /** Tool calls at once at most, for this run; the agent's own limit when not said. 1 runs them one after another. */
  readonly parallel?: number;
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
  | 'cancelled';

/** The result of the workflow `agent`. A run that stops early still returns what it has. */
export interface RunResult {
  readonly status: RunStatus;
  /** What the model said last; null when it said nothing. */
  readonly output: string | null;
  /** Why the run stopped, for every status but `completed`. */
  readonly reason: string | null;
  /** What went wrong on the way, one entry a turn at most: the run's report. */
  readonly warnings: readonly string[];
  readonly turns: number;
  readonly calls: number;
  readonly failedCalls: number;
  readonly usage: Usage;
  readonly transcriptLength: number;
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
  /** Digest of the agent as it was last recorded; '' when it was not. */
  readonly recorded: string;
}

/** What `callModel` made of the model's answer: the message for the transcript and the plan to carry out. */
export interface ModelAnswer {
  readonly message: AssistantMessage;
  /**
   * `final`: no calls, the run is complete. `calls`: carry out the plan. `truncated`: cut off by the output limit; its
   * calls are in the plan as problems and none may run. `refused`: the model or its provider declined.
   */
  readonly kind: 'final' | 'calls' | 'truncated' | 'refused';
  /** One entry a call, in the order of `message.tool_calls`. */
  readonly plan: readonly PlannedCall[];
  /** The transcript with `message` at its end. The workflow has no crypto: it hands this back with the next call. */
  readonly mark: Mark;
  /** The agent as it was asked, when that is not as it was last recorded. */
  readonly agent?: AgentRecord;
  /** The model that answered, as the provider names it. */
  readonly model: string;
  readonly usage: Usage;
}

/** A call that may run, with the digest of its tool and arguments; or one that may not, with what to tell the model. */
export type PlannedCall = { readonly digest: string } | { readonly problem: Problem };

export interface Problem {
  readonly kind: 'unknown_tool' | 'invalid_arguments' | 'too_large';
  readonly error: string;
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
}

export interface AgentRules {
  readonly maxTurns: number;
  readonly parallel: number;
  readonly whenAllToolsFail: WhenAllToolsFail;
  readonly timeLimitMs: number;
}

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

/** A failed tool is data: the model reads it, and the run goes on. */
export interface ToolFailure {
  readonly tool: string;
  readonly kind: FailureKind;
  readonly error: string;
}

/** What became of one call of a batch. `ran` is false for a problem that was answered without an activity. */
export type Outcome =
  | { readonly ok: true; readonly tool: string; readonly text: string }
  | ({ readonly ok: false; readonly ran: boolean } & ToolFailure);

/** A page of a running workflow's transcript: the answer of the query `transcript`. */
export interface TranscriptPage {
  readonly messages: readonly Message[];
  /** Length of the whole transcript. */
  readonly length: number;
}
