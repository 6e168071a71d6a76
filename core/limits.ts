// Every limit of the engine with its reason. An agent or a tool may set those that its definition names.

const KB = 1024;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const AGENT_DEFAULTS = {
  maxTurns: 10,
  parallel: 5,
  whenAllToolsFail: 'tell',
  timeLimitMs: 24 * HOUR_MS,
  // A person may be on holiday; nothing is spent while the run waits.
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
  // For `read` and `idempotent`. More would keep the model waiting for what rarely mends itself in seconds.
  attempts: 3,
  backoff: { initialMs: 500, factor: 2, maxMs: 10_000 },
  // How long a call may wait for a free thread or a place under `workerParallel`, beyond its timeout.
  waitMs: 10 * MINUTE_MS,
} as const;

export const MODEL_CALL = {
  timeoutMs: 10 * MINUTE_MS,
  // A stream that says nothing for this long is given up, and the call is tried again.
  silenceMs: 60_000,
  heartbeatMs: 10_000,
  // Those that said why they failed …
  attempts: 5,
  // … and those that were lost with their workers as well: a worker that dies again and again, of whatever, for a quarter
  // of an hour must not cost the runs that it serves.
  attemptsMax: 25,
  // An attempt ends itself at its limit; the server's comes later.
  graceMs: 30_000,
  backoff: { initialMs: 1_000, factor: 2, maxMs: 30_000 },
} as const;

/** A day without a worker must not cost a call: the queue is where work waits out a deploy or a night. */
export const QUEUE_WAIT_MS = 24 * HOUR_MS;

/** Text of one tool result, in characters of UTF-8. */
export const RESULT_BYTES_MAX = 64 * KB;
/** Arguments of one call. */
export const ARGUMENT_BYTES_MAX = 256 * KB;
/** What a model says in a turn, as JSON: it travels in the plan and again in the tasks, and a payload ends at 2 MiB. */
export const PLAN_BYTES_MAX = 1024 * KB;
/** Calls of a turn: the server allows 2,000 pending activities, and a plan must fit its payload. */
export const PLAN_CALLS_MAX = 1_000;
/** More calls than a payload can hold even as refusals: no answer that can be carried out. */
export const ANSWER_CALLS_MAX = 2_500;
/** An answer that is longer than any model's output limit has lost itself; it is read no further. */
export const ANSWER_CHARS_MAX = 8 * 1024 * KB;
/** New messages that travel in the input of a model call; more than that is asked for by pages. */
export const FRESH_BYTES_MAX = 512 * KB;
/** One page of a transcript query. */
export const PAGE_BYTES_MAX = 1024 * KB;
/** An error's text. Beyond this it is a dump, not a message. */
export const ERROR_CHARS_MAX = 4_000;
/** Nesting of a call's arguments. */
export const ARGUMENT_DEPTH_MAX = 64;
/** Warnings kept in a run's result, and their text: the result is one payload, with the output in it. */
export const WARNINGS_MAX = 50;
export const WARNINGS_CHARS_MAX = 100_000;
/** Failures that one warning lists: more than anybody reads, where a turn may have a thousand calls. */
export const BATCH_FAILURES_SHOWN = 50;
/** What an agent is told. It is recorded with the run, so that it must fit a payload with room to spare. */
export const INSTRUCTIONS_BYTES_MAX = 256 * KB;
/** Tools of an agent: as many as OpenAI takes in a request. */
export const TOOLS_MAX = 128;
/** Consecutive answers cut off by the output limit after which the run ends. */
export const TRUNCATED_MAX = 2;
/** A single call that fails in the same way this often in a row ends the run. */
export const SAME_FAILURE_MAX = 3;
/** Answers in a row that may be sent back to the model: one that has failed twice to repair it will not. */
export const REPAIRS_MAX = 2;
/** Times that a conversation may be passed on: two agents that hand it to each other would do so for ever. */
export const HANDOFFS_MAX = 10;
/** A rule or guardrail that takes longer has hung, and is taken for a failed one. */
export const RULE_TIMEOUT_MS = 30_000;
/**
 * Compaction. At four fifths of the limit there is room for the answer, and for an estimate that was too low; the last
 * turns are what the model works on.
 */
export const CONTEXT_DEFAULTS = { at: 0.8, keepTurns: 3, compact: 'summarise' } as const;
/** Bytes of JSON that make a token, by a cautious guess: English has some four, JSON with numbers and ids some three. */
export const BYTES_A_TOKEN = 3.5;
/** Requests for one summary: a conversation that needs more is far beyond what its model can read. */
export const SUMMARY_REQUESTS_MAX = 20;
/** Messages that wait in a session, and each one's size. */
export const QUEUE_MAX = 1_000;
export const QUEUE_BYTES_MAX = 512 * KB;
export const MESSAGE_BYTES_MAX = 256 * KB;
/** Ids of messages and orders that a run remembers, and replies: whoever sends again does so soon. */
export const MESSAGES_REMEMBERED = 200;
export const REPLIES_BYTES_MAX = 256 * KB;
/** Whoever sends again names the message by it, and a run carries those of a thousand. */
export const MESSAGE_ID_CHARS_MAX = 200;
/** Senders that wait for their reply in an update: the server has 10 in flight for a run, and stop has to get through. */
export const REPLIES_AWAITED_MAX = 5;
/** Who says something to a run, and why: kept in its history, its result and its memo. */
export const ATTRIBUTION_CHARS_MAX = 4_000;
/** Questions in a run's memo, and the arguments of each: enough to see what is asked, small enough to list by the thousand. */
export const WAITS_SHOWN = 10;
export const WAITS_ARGUMENT_CHARS = 400;
/** What the large commands of one workflow task hold together; with a model call and the small ones it stays under the server's 4 MiB. */
export const TASK_BYTES_MAX = 3 * 1024 * KB;
/** A command beside its payload: ids, timeouts, retry policy, summary. */
export const COMMAND_BYTES = 1 * KB;
/** A run continues as new past these, or when the server suggests it; what it hands over must fit one payload. */
export const LONG_HISTORY_EVENTS = 10_000;
/** Fewer, and a run that has just begun a new history would leave it again, for ever. */
export const LONG_HISTORY_EVENTS_MIN = 20;
export const LONG_HISTORY_BYTES = 8 * 1024 * KB;
export const HAND_OVER_BYTES_MAX = 1536 * KB;
/** A transcript of more than this is not handed over, however well it packs: each link begins by reading it. */
export const HAND_OVER_TRANSCRIPT_BYTES_MAX = 32 * 1024 * KB;
/** A transcript is weighed again when it has grown by so much: a new worker may have a store where the old one had none. */
export const WEIGH_AGAIN = 1.1;
/** Where a history cannot be left behind, the run ends here: the server would end it at 51,200 events or 50 MiB, without a result. */
export const HISTORY_EVENTS_MAX = 45_000;
export const HISTORY_BYTES_MAX = 40 * 1024 * KB;
/** From this share of them on, an agent that compacts its conversation does, so that it can leave: a batch and a summary still find room. */
export const HISTORY_NEARLY_FULL = 0.75;
