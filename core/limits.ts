// The limits that more than one module needs, each with its reason. Definitions of agents and tools can set some of them.

const KB = 1024;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const AGENT_DEFAULTS = {
  maxTurns: 10,
  parallel: 5,
  whenAllToolsFail: 'tell',
  timeLimitMs: 24 * HOUR_MS,
  // A person may be on holiday, and a run that waits costs nothing.
  approvalTimeoutMs: 14 * 24 * HOUR_MS,
  whenApprovalExpires: 'reject',
  idleMs: 7 * 24 * HOUR_MS,
  maxSubAgents: 100,
  maxDepth: 3,
} as const;

export const TOOL_DEFAULTS = {
  timeoutMs: 30_000,
  // A dead worker is noticed after this; heartbeats are sent at least three times as often.
  heartbeatMs: 10_000,
  // For `read` and `idempotent`. What three attempts do not get through rarely recovers within seconds.
  attempts: 3,
  backoff: { initialMs: 500, factor: 2, maxMs: 10_000 },
  // How long a call may wait for a free thread, or for `workerParallel`, on top of its timeout.
  waitMs: 10 * MINUTE_MS,
} as const;

/** Attempts that were lost with their workers count apart from those that failed. */
export const TOOL_LOST = {
  // The call itself may be what kills the worker, so it does not begin again and again.
  begunMax: 5,
  // Those that never began included: a frozen worker takes as many as it had polls open, and without its payload store none can
  // begin, every STORE_RETRY_MS.
  max: 100,
} as const;
/** Between two attempts to read the input of a call from a payload store that is away. */
export const STORE_RETRY_MS = 10_000;

export const MODEL_CALL = {
  timeoutMs: 10 * MINUTE_MS,
  // A stream that sends nothing for this long is aborted, and the call is retried.
  silenceMs: 60_000,
  heartbeatMs: 10_000,
  // Attempts that failed with an error.
  attempts: 5,
  // All attempts, including those that were lost with their workers: a worker that crashes again and again for a quarter of an
  // hour must not end the runs that it serves.
  attemptsMax: 25,
  // An attempt ends itself at its timeout; the server's timeout comes this much later.
  graceMs: 30_000,
  backoff: { initialMs: 1_000, factor: 2, maxMs: 30_000 },
} as const;

/** Until an MCP server can be called. Its package may have to be installed first. */
export const MCP_START_MS = MINUTE_MS;
/** A call of an MCP tool; the tool's own timeout ends it sooner. */
export const MCP_CALL_MS_MAX = 24 * 24 * HOUR_MS;

/** A task that a call has started elsewhere. */
export const TASK = {
  limitMs: 24 * HOUR_MS,
  // Above what `mcp()` takes: an activity may be completed by hand, with any number.
  limitMsMax: 25 * 24 * HOUR_MS,
  // Between two looks. The task says how long it should be.
  pollMsMin: 1_000,
  pollMs: 5_000,
  pollMsMax: 5 * MINUTE_MS,
  // Looks in a row that fail, with pauses that double up to a minute: half an hour, in which a server is started again.
  failuresMax: 32,
  failureMsMax: MINUTE_MS,
  // It is in history, and a batch may have a thousand calls.
  stateBytesMax: 2 * KB,
  // To cancel one is best effort, and a run that ends waits for it.
  cancelMs: 10_000,
} as const;

/** While the model's provider is at fault, the run waits and calls again. */
export const MODEL_OUTAGE = {
  // Shorter ones are the rule, and for longer ones somebody should look.
  limitMs: HOUR_MS,
  // The pauses, which double.
  firstMs: 10_000,
  maxMs: MINUTE_MS,
} as const;

/** How long a run waits for its payload store. Longer than for a model: a model's outage may have begun it. */
export const STORE_OUTAGE_MS = 24 * HOUR_MS;

/** A day without a worker must not fail a call: work waits in the queue during a deploy or overnight. */
export const QUEUE_WAIT_MS = 24 * HOUR_MS;

/** What a call may ask a person, and take along until it is answered. Both are carried over, for each call of a batch. */
export const INPUT = {
  questionBytesMax: 4 * KB,
  stateBytesMax: 16 * KB,
  // A server that is never content would ask for ever.
  roundsMax: 10,
} as const;

/** The text of one tool result, in UTF-8. */
export const RESULT_BYTES_MAX = 64 * KB;
/** The arguments of one call. */
export const ARGUMENT_BYTES_MAX = 256 * KB;
/** The model's answer as JSON: it is in the plan and again in workflow commands, and a payload ends at 2 MiB. */
export const PLAN_BYTES_MAX = 1024 * KB;
/** What a provider sends beside text and calls. It shares the plan's payload with them; what is more is not kept. */
export const PROVIDER_BYTES_MAX = PLAN_BYTES_MAX / 2;
/** Calls of a turn: the server allows 2,000 pending activities, and a plan must fit its payload. */
export const PLAN_CALLS_MAX = 1_000;
/** An answer with more calls does not fit a payload even if all are rejected, so the attempt fails. */
export const ANSWER_CALLS_MAX = 2_500;
/** The texts of a model's answer, in UTF-8. No model has an output limit of this; reading stops here. */
export const ANSWER_BYTES_MAX = 8 * 1024 * KB;
/**
 * What a model's server sends to be parsed in one piece: an event of a stream, an answer that is not streamed, an error. A usable
 * answer (PLAN_BYTES_MAX) may be twice as long with its escapes, and has its reasoning beside it.
 */
export const MODEL_JSON_BYTES_MAX = 4 * 1024 * KB;
/** A whole stream: an event of a few hundred bytes for each of more tokens than a model can write. */
export const MODEL_STREAM_BYTES_MAX = 128 * 1024 * KB;
/** New messages in the input of a model call; if there are more, the activity queries for them in pages. */
export const FRESH_BYTES_MAX = 512 * KB;
/** One page of the transcript query. */
export const PAGE_BYTES_MAX = 1024 * KB;
/** The text of an error; longer ones are dumps rather than messages. */
export const ERROR_CHARS_MAX = 4_000;
/** The nesting of a call's arguments. */
export const ARGUMENT_DEPTH_MAX = 64;
/** Warnings in a run's result, and their text: the result is one payload, and includes the output. */
export const WARNINGS_MAX = 50;
export const WARNINGS_CHARS_MAX = 100_000;
/** Failures that one warning lists; a turn may have a thousand calls. */
export const BATCH_FAILURES_SHOWN = 50;
/** An agent's instructions. They are recorded with the run, in one payload with the rest of the agent. */
export const INSTRUCTIONS_BYTES_MAX = 256 * KB;
/** An agent's further fields of a request; recorded with its instructions. */
export const BODY_BYTES_MAX = 64 * KB;
/** What is recorded of a request to the model, with the answer: its parameters and tools, and what guardrails changed in its messages. */
export const REQUEST_RECORD_BYTES_MAX = 256 * KB;
/** An answer and what is recorded beside it, in one payload of 2 MiB: the record of its request has what is left. */
export const ANSWER_PAYLOAD_BYTES_MAX = 1900 * KB;
/** Models of an agent, of which the next one is asked when one has failed. Each attempt asks one. */
export const MODELS_MAX = 4;
/** The text of why a model was passed over. */
export const PASSED_OVER_CHARS_MAX = 300;
/** Tools of an agent: OpenAI's limit for a request. */
export const TOOLS_MAX = 128;
/** Consecutive answers that are cut off at the output limit, after which the run ends. */
export const TRUNCATED_MAX = 2;
/** The run ends when a single call fails in the same way this often in a row. */
export const SAME_FAILURE_MAX = 3;
/** Consecutive repairs of an answer: a model that fails twice will fail again. */
export const REPAIRS_MAX = 2;
/** Handoffs in a run: two agents could hand the conversation to each other for ever. */
export const HANDOFFS_MAX = 10;
/** A rule or guardrail that takes longer counts as failed. */
export const RULE_TIMEOUT_MS = 30_000;
/**
 * Compaction at four fifths of the limit leaves room for the answer and for a low estimate. The last turns are kept, because the
 * model is working on them.
 */
export const CONTEXT_DEFAULTS = { at: 0.8, keepTurns: 3, compact: 'summarise' } as const;
/** Activities that a worker runs at once. */
export const WORKER_ACTIVITIES = 200;
/** On SIGTERM, calls have the grace time to finish and are cancelled then; after the force time, the process exits. */
export const SHUTDOWN_GRACE_MS = 10_000;
export const SHUTDOWN_FORCE_MS = 20_000;
/** Whoever kills a worker that does not exit waits this long. */
export const SHUTDOWN_KILL_MS = SHUTDOWN_FORCE_MS + 5_000;
/** A cautious estimate of the bytes of JSON in a token: English has about four, JSON with numbers and ids about three. */
export const BYTES_PER_TOKEN = 3.5;
/** Requests for one summary: a transcript that needs more is far longer than its model can read. */
export const SUMMARY_REQUESTS_MAX = 20;
/** Messages that wait in a session, and their size. */
export const QUEUE_MAX = 1_000;
export const QUEUE_BYTES_MAX = 512 * KB;
export const MESSAGE_BYTES_MAX = 256 * KB;
/** An image or a file: OpenAI's limit for an image. */
export const ATTACHMENT_BYTES_MAX = 20_000_000;
/** Images and files of one message or result, and their references as JSON. */
export const ATTACHMENTS_MAX = 20;
export const ATTACHMENTS_BYTES_MAX = 32 * KB;
/** Images and files in one request, newest first. As base64 they are a third larger; Anthropic takes 32 MB, OpenAI 50 MB. */
export const REQUEST_ATTACHMENTS_MAX = 50;
export const REQUEST_ATTACHMENT_BYTES_MAX = 22_000_000;
/** A run's context: it is in the input of each model call and tool call. */
export const RUN_CONTEXT_BYTES_MAX = 4 * KB;
/** Ids of messages and commands, and replies, that a run remembers: a client that retries does so soon. */
export const MESSAGES_REMEMBERED = 200;
export const REPLIES_BYTES_MAX = 256 * KB;
/** The id of a message or command; the carried state has hundreds of them. */
export const MESSAGE_ID_CHARS_MAX = 200;
/** Updates that wait for a reply: the server allows 10 in flight, and `stop` has to get through. */
export const REPLIES_AWAITED_MAX = 5;
/** A signal between a run and its sub-agents, with \u escapes for all of `by` and `why`. */
export const SIGNAL_BYTES_MAX = 64 * KB;
/** `by` and `why` of a command, each: they are in history, and may be in the result and the memo. */
export const ATTRIBUTION_CHARS_MAX = 4_000;
/** Who may approve a call, and who started a run: names are in the plan, in each question, and in the memo. */
export const DECIDERS = { max: 10, nameCharsMax: 200, rolesMax: 1_000 } as const;
/**
 * Questions in a run's memo, and the arguments of each, which only many fields make longer: small, because an inbox lists thousands
 * of runs.
 */
export const WAITS_SHOWN = 10;
export const WAITS_ARGUMENT_CHARS = 400;
/** The large workflow commands of one task; with a model call and the small ones they stay under the server's 4 MiB. */
export const TASK_BYTES_MAX = 3 * 1024 * KB;
/** A workflow command without its payload: ids, timeouts, retry policy, summary. */
export const COMMAND_BYTES = 1 * KB;
/** A run continues as new after this many events or bytes, or when the server suggests it. */
export const LONG_HISTORY_EVENTS = 10_000;
/** With fewer events, a run would continue as new right after it has, for ever. */
export const LONG_HISTORY_EVENTS_MIN = 20;
export const LONG_HISTORY_BYTES = 8 * 1024 * KB;
/** The carried state must fit one payload. */
export const CARRIED_STATE_BYTES_MAX = 1536 * KB;
/** A larger transcript is not carried over, however well it compresses: each new history begins by reading it. */
export const CARRIED_TRANSCRIPT_BYTES_MAX = 32 * 1024 * KB;
/** A transcript is weighed again when it has grown by this factor: a new worker may have a payload store. */
export const WEIGH_AGAIN = 1.1;
/** A run that cannot continue as new ends here: the server would end it at 51,200 events or 50 MiB, without a result. */
export const HISTORY_EVENTS_MAX = 45_000;
export const HISTORY_BYTES_MAX = 40 * 1024 * KB;
/** At this share of those limits, an agent with compaction compacts, so that it can continue as new. It leaves room for a batch and a summary. */
export const HISTORY_NEARLY_FULL = 0.75;
