// Names that clients, workflows and workers share. Most of them are recorded in histories.

export const TASK_QUEUE = 'holdfast';
export const WORKFLOW_TYPE = 'agent';
export const MODEL_ACTIVITY = 'callModel';
/** Plans an edited call, with the person's arguments. */
export const PLAN_ACTIVITY = 'planCall';
/** Compacts the transcript. */
export const COMPACT_ACTIVITY = 'compact';
/** Temporal's name for the activity that a worker runs for unknown activity types. */
export const FALLBACK_ACTIVITY = 'default';

/** Names that the model API accepts. */
export const NAME_PATTERN = /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/;

/** Tools may not have the names of the engine's activities. */
export const RESERVED_TOOL_NAMES: readonly string[] = [
  MODEL_ACTIVITY,
  PLAN_ACTIVITY,
  COMPACT_ACTIVITY,
  FALLBACK_ACTIVITY,
];

/** The activity id of a tool call, which is its call id: turns count from 1, slots from 0. */
export function callActivityId(turn: number, slot: number): string {
  return `${turn}.${slot}`;
}

export function modelActivityId(turn: number): string {
  return `${turn}.model`;
}

/** The activity id of planning an edited call. A call has at most one edit at a time. */
export function editActivityId(turn: number, slot: number): string {
  return `edit.${callActivityId(turn, slot)}`;
}

/** The activity id of cancelling the task that a call has started. */
export function cancelActivityId(turn: number, slot: number): string {
  return `cancel.${callActivityId(turn, slot)}`;
}

/** Returns the call id of the call whose task is cancelled; null for the id of another activity. */
export function parseCancelActivityId(id: string): string | null {
  return /^cancel\.(\d+\.\d+)$/.exec(id)?.[1] ?? null;
}

/** Returns the call id of the edited call; null for the id of another activity. */
export function parseEditActivityId(id: string): string | null {
  return /^edit\.(\d+\.\d+)$/.exec(id)?.[1] ?? null;
}

/** Compactions count from 1, over all histories of the run. */
export function compactActivityId(number: number): string {
  return `compact.${number}`;
}

/** Returns the number of the compaction; null for the id of another activity. */
export function parseCompactActivityId(id: string): number | null {
  const [, number] = /^compact\.(\d+)$/.exec(id) ?? [];
  return number === undefined ? null : Number(number);
}

/** Returns the turn and slot of an activity id; the slot of a model call is null. Returns null for other ids. */
export function parseActivityId(id: string): { turn: number; slot: number | null } | null {
  const [, turn, slot] = /^(\d+)\.(\d+|model)$/.exec(id) ?? [];
  if (turn === undefined) return null;
  return { turn: Number(turn), slot: slot === 'model' ? null : Number(slot) };
}

/**
 * The idempotency key of a call. It stays the same over retries, continue-as-new, and a reset that plans the same call again, of
 * this run or of one above it. It differs for other arguments (the digest) and for another run with the same workflow id (the
 * topmost run's first run id).
 */
export function idempotencyKey(
  workflowId: string,
  rootRunId: string,
  turn: number,
  slot: number,
  digest: string,
): string {
  return `${workflowId}/${rootRunId}/${callActivityId(turn, slot)}/${digest}`;
}

/** The types of failures. They are recorded in histories; change none. */
export const FAILURE = {
  /** The tool threw. */
  tool: 'ToolFailed',
  /** The tool exceeded its own timeout. The attempt's is longer, because it includes the wait for a semaphore. */
  toolTimeout: 'ToolTimedOut',
  /** A tool of effect `once` was stopped in flight, so the effect may or may not have happened. */
  outcomeUnknown: 'OutcomeUnknown',
  /** The task of a call is not over: another attempt looks again. */
  taskRuns: 'TaskRuns',
  invalidArguments: 'InvalidArguments',
  /** The call is not permitted, or needs an approval that it does not have. */
  notPermitted: 'NotPermitted',
  /** The worker does not know the tool or the agent. */
  notRegistered: 'NotRegistered',
  /** The worker shut down before the call ended; another worker retries it. */
  workerShutdown: 'WorkerShutdown',
  /** The transcript that the workflow returned is incomplete, or does not match its digest. */
  transcriptMismatch: 'TranscriptMismatch',
  /** The workflow did not answer the query for its transcript. */
  transcriptUnanswered: 'TranscriptUnanswered',
  /** The context does not fit the agent, or a function of it failed: no model was asked, and another one would not help. */
  notReady: 'AgentNotReady',
  model: 'ModelFailed',
  /** The provider is at fault: it cannot be reached, is overloaded, or answers with a server error. */
  modelUnavailable: 'ModelUnavailable',
  /** The store that has the payloads of the call cannot be read: the attempt did not begin. */
  storeUnavailable: 'StoreUnavailable',
  /** The provider refused the transcript as too long for the model. */
  contextExceeded: 'ContextExceeded',
  refused: 'ModelRefused',
  /** The workflow was started with an input that is not a RunInput. */
  invalidInput: 'InvalidRunInput',
  /** The run refused a command; the details have the reason with its code. */
  refusedCommand: 'CommandRefused',
  alreadyDecided: 'AlreadyDecided',
} as const;

/** Whether a model call failed because of an outage, which a run waits out. */
export function isOutage(type: string | null | undefined): boolean {
  return type === FAILURE.modelUnavailable || type === FAILURE.storeUnavailable;
}

/** Commands: Temporal updates, each with one object as its argument. */
export const UPDATE = {
  decide: 'decide',
  send: 'send',
  close: 'close',
  steer: 'steer',
  interrupt: 'interrupt',
  pause: 'pause',
  resume: 'resume',
  stop: 'stop',
  cancelCall: 'cancelCall',
  raise: 'raise',
} as const;

/** The summaries of a run's timers, by which the read model recognises them. */
export const TIMER = {
  approval: 'approval',
  timeLimit: 'time limit',
  idle: 'idle session',
  outage: 'model unavailable',
} as const;

/** Signals between a run and its sub-agents. */
export const SIGNAL = { fromParent: 'fromParent', fromChild: 'fromChild' } as const;

/** `() → Question[]`: all open questions, uncut. */
export const QUESTIONS_QUERY = 'questions';
/** Returns the agent as it was last recorded. */
export const AGENT_QUERY = 'agent';

/** Keys of a run's memo. */
export const MEMO = {
  agent: 'agent',
  parent: 'parent',
  waits: 'waits',
  status: 'status',
  spend: 'spend',
  /** Of a session: its last reply, without the output. */
  replied: 'replied',
  /** In a history that is not the first: when the run started. */
  startedAt: 'startedAt',
  /** Labels that lists are filtered by. */
  labels: 'labels',
  /** Who started the run; of a sub-agent, who started the topmost one. */
  startedBy: 'startedBy',
  /** Of a fork: the run and the turn that it is a fork of. */
  forkOf: 'forkOf',
} as const;

/**
 * Search attributes that `holdfast setup` registers. With the first, one query finds all runs that wait for people; with the others, the
 * forks of a run, the runs that have a label, and those that ended in some way or have used much.
 */
export const ATTRIBUTE = {
  waitingSince: 'HoldfastWaitingSince',
  agent: 'HoldfastAgent',
  /** How a run ended. */
  status: 'HoldfastStatus',
  turns: 'HoldfastTurns',
  /** Input and output, of the run and its sub-agents. */
  tokens: 'HoldfastTokens',
  /** As far as prices are known. */
  cost: 'HoldfastCost',
  forkOf: 'HoldfastForkOf',
  /** A list of keywords: `tenant=acme`. */
  labels: 'HoldfastLabels',
} as const;

/**
 * The update ids of a decision, in the order in which they are tried. A decision that is sent twice is one update. The server
 * keeps an id that was refused, and after a reset it sends old decisions again before their calls exist.
 */
export function decisionIds(call: string, digest: string): readonly string[] {
  const id = `decide/${call}/${digest}`;
  return [id, `${id}/2`, `${id}/3`, `${id}/4`, `${id}/5`];
}

/** The workflow id of a sub-agent's run: the parent's, with the call id. */
export function childRunId(parent: string, turn: number, slot: number): string {
  return `${parent}.${callActivityId(turn, slot)}`;
}

/** `(from, limit) → TranscriptPage` */
export const TRANSCRIPT_QUERY = 'transcript';
