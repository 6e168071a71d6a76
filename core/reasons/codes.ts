// Every reason that the engine gives, as data: a code with its parameters. Only `english.ts` words them.

export type BudgetLimit = 'tokens' | 'cost' | 'modelCalls' | 'toolCalls' | 'activeMs';

/** The parameters of each code. Codes are recorded in histories: add new ones, but change none. */
export interface ReasonParameters {
  // ── Why a run ended, or the turns of a session's message ──
  readonly stopped: { readonly by?: string; readonly why?: string };
  readonly history_full: None;
  readonly approval_timed_out: { readonly timeoutMs: number };
  readonly idle_timeout: { readonly idleMs: number };
  readonly interrupted: None;
  readonly cancelled: None;
  readonly budget_reached: { readonly limit: BudgetLimit; readonly amount: number; readonly spent: number };
  readonly time_limit: { readonly limitMs: number };
  readonly max_turns: { readonly maxTurns: number };
  readonly max_handoffs: { readonly max: number };
  readonly all_tools_failed: { readonly batches: number };
  readonly same_failure: { readonly tool: string; readonly times: number; readonly error: string };
  readonly output_limit: None;
  readonly model_refused: None;
  /** The model that a fork names has no server on this worker. */
  readonly fork_model: { readonly model: string; readonly problem: string };
  /** No worker knows the agent, so the model was not called. */
  readonly unknown_agent: { readonly message: string };
  readonly context_invalid: { readonly agent: string; readonly problem: string };
  /** The agent's `instructions` or `budget` are a function of the context, which failed. */
  readonly agent_function_failed: {
    readonly agent: string;
    readonly option: 'instructions' | 'budget';
    readonly problem: string;
  };
  readonly model_error: { readonly message: string };
  readonly model_worker_lost: { readonly attempts: number };
  readonly model_unavailable: { readonly message: string; readonly forMs: number };
  readonly model_not_started: { readonly waitMs: number };
  readonly model_timed_out: { readonly timeoutMs: number };
  /** `bytes` were read when it was cut. With the `status` of an error. */
  readonly model_answer_too_large: {
    readonly part: 'event' | 'body' | 'stream' | 'answer';
    readonly bytes: number;
    readonly max: number;
    readonly status?: number;
  };
  /** `target`: the origin that it names, if it is one of HTTP. */
  readonly model_redirected: { readonly status: number; readonly target?: string };
  readonly guardrail: { readonly message: string };
  readonly answer_rejected: { readonly times: number; readonly why: string };
  readonly session_ended: None;
  // Ends that only the server knows.
  readonly workflow_failed: { readonly message: string };
  readonly terminated: { readonly reason: string };
  readonly workflow_timed_out: None;

  // ── Why a call failed, or did not run ──
  readonly tool_error: { readonly message: string };
  readonly tool_timed_out: { readonly timeoutMs: number };
  readonly tool_worker_lost: { readonly heartbeatMs: number };
  readonly tool_not_started: { readonly waitMs: number; readonly certain: boolean };
  /** The effect may have happened; `cause` says how the attempt was lost. */
  readonly outcome_unknown: { readonly cause: string };
  /** Its payloads could not be read, so it did not run. */
  readonly call_unreadable: { readonly message: string };
  readonly call_cancelled: None;
  readonly call_not_started: { readonly why: 'cancelled' | 'interrupted' | 'stopped' };
  readonly run_ended_first: None;
  readonly call_rejected: { readonly by?: string; readonly why?: string };
  readonly call_not_answered: { readonly why: string };
  readonly call_asked_too_much: None;
  readonly call_approval_timed_out: { readonly timeoutMs: number };
  readonly call_not_run_approval: { readonly timeoutMs: number };
  readonly call_over_budget: { readonly limit: BudgetLimit; readonly amount: number; readonly spent: number };
  readonly sub_agent_depth: { readonly depth: number; readonly maxDepth: number };
  readonly sub_agent_count: { readonly max: number };
  readonly sub_agent_lost: {
    readonly how: 'terminated' | 'timed_out' | 'id_taken' | 'failed';
    readonly message?: string;
  };
  readonly sub_agent_ended: { readonly status: string; readonly reason?: string; readonly output?: string };
  readonly handed_off_already: { readonly to: string };
  // Problems in the plan: the call was not allowed to run.
  readonly unknown_tool: { readonly name: string; readonly suggestion?: string; readonly available: readonly string[] };
  readonly invalid_arguments: { readonly problem: string };
  readonly arguments_too_large: { readonly bytes: number; readonly max: number };
  readonly turn_too_large: { readonly max: number };
  readonly too_many_calls: { readonly max: number; readonly number: number };
  readonly answer_cut_off: None;
  readonly not_approved: None;
  /** The run is a fork, or below one, in which calls with an effect do not run. */
  readonly fork_blocks: { readonly workflowId: string; readonly tool: string; readonly effect?: string };
  readonly not_permitted: { readonly why: string };
  readonly rejected_by_guardrail: { readonly why: string };
  readonly guardrail_changed_badly: { readonly problem: string };
  readonly sub_agent_input: { readonly tool: string; readonly error: string };

  // ── Why a person is asked about a call ──
  /** The run is a fork, or below one, in which calls with an effect wait for a person. */
  readonly fork_asks: { readonly workflowId: string; readonly tool: string; readonly effect?: string };

  // ── Warnings ──
  readonly calls_failed: {
    readonly turn: number;
    readonly calls: number;
    readonly failed: number;
    /** Every call that ran failed. */
    readonly all: boolean;
    readonly failures: readonly { readonly tool: string; readonly error: string }[];
  };
  readonly compaction_failed: { readonly why: string };
  readonly compaction_fell_back: { readonly why: string };
  /** Of the model's answer in this turn. */
  readonly provider_data_dropped: { readonly turn: number; readonly bytes: number; readonly max: number };
  readonly messages_unanswered: { readonly messages: number };
  readonly signal_unreadable: { readonly signal: string };
  readonly more_warnings: None;

  // ── Why a run refused a command ──
  readonly invalid_request: { readonly problem: string };
  readonly not_a_session: { readonly workflowId: string };
  readonly run_ending: { readonly workflowId: string };
  readonly queue_full: { readonly queued: number };
  readonly reply_forgotten: { readonly message: number };
  readonly not_a_call: { readonly given: string };
  readonly no_such_call: { readonly workflowId: string; readonly call: string };
  readonly call_over: { readonly call: string };
  readonly call_not_pending: { readonly call: string };
  /** It is carried out elsewhere, so it cannot be approved or edited. */
  readonly call_external: { readonly call: string };
  readonly call_changed: { readonly call: string };
  /** Not everybody may decide about the call, and it is not said who does. */
  readonly decider_not_named: { readonly call: string };
  readonly decider_not_allowed: { readonly call: string; readonly by: string; readonly allowed: readonly string[] };
  readonly decider_is_initiator: { readonly call: string; readonly by: string };
  readonly initiator_unknown: { readonly call: string };
  readonly already_decided: { readonly call: string; readonly verdict: string; readonly by?: string };
  readonly edit_rejected: { readonly problem: string };
  readonly edit_not_planned: { readonly error: string };
  readonly invalid_raise: { readonly problem: string };
}

type None = Readonly<Record<string, never>>;

export type ReasonCode = keyof ReasonParameters;

/** A code with its parameters, and their text when it was recorded. */
export type Reason = { readonly [C in ReasonCode]: ReasonOf<C> }[ReasonCode];

export interface ReasonOf<C extends ReasonCode> {
  readonly code: C;
  readonly parameters: ReasonParameters[C];
  readonly text: string;
}

/** A reason as fields of a result: its text, code and parameters; all null without a reason. */
/** The same where there always is one. */
export interface GivenReason {
  readonly reason: string;
  readonly reasonCode: ReasonCode;
  readonly reasonParameters: Reason['parameters'];
}

export interface ReasonFields {
  readonly reason: string | null;
  readonly reasonCode: ReasonCode | null;
  readonly reasonParameters: Reason['parameters'] | null;
}
