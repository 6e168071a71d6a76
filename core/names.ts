// The names that clients, workflows and workers must agree on.

export const TASK_QUEUE = 'holdfast';
export const WORKFLOW_TYPE = 'agent';
export const MODEL_ACTIVITY = 'callModel';
/** Plans a call anew, with the arguments that a person gave it. */
export const PLAN_ACTIVITY = 'planCall';
/** Makes room in a conversation that nears the model's limit. */
export const COMPACT_ACTIVITY = 'compact';
/** The worker's fallback for activity types it does not know: Temporal's own name for it. */
export const FALLBACK_ACTIVITY = 'default';

/** A name as the model API takes it, and short enough for every place that shows it. */
export const NAME_PATTERN = /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/;

/** Names of tools that would shadow the engine's own activities. */
export const RESERVED_TOOL_NAMES: readonly string[] = [
  MODEL_ACTIVITY,
  PLAN_ACTIVITY,
  COMPACT_ACTIVITY,
  FALLBACK_ACTIVITY,
];

/** The activity id of a tool call: its place in the run, counted from turn 1 and slot 0. */
export function callActivityId(turn: number, slot: number): string {
  return `${turn}.${slot}`;
}

export function modelActivityId(turn: number): string {
  return `${turn}.model`;
}

/** The activity id of planning a call anew, with the arguments of a person: one at a time for each call. */
export function editActivityId(turn: number, slot: number): string {
  return `edit.${callActivityId(turn, slot)}`;
}

/** The call whose new arguments an activity plans, `<turn>.<slot>`; null for another activity. */
export function parseEditActivityId(id: string): string | null {
  return /^edit\.(\d+\.\d+)$/.exec(id)?.[1] ?? null;
}

/** Compactions are counted from 1, over the whole chain of runs. They are no turns. */
export function compactActivityId(time: number): string {
  return `compact.${time}`;
}

/** The place that an activity id names; slot null is the model call. null for an id that is not one of ours. */
export function parseActivityId(id: string): { turn: number; slot: number | null } | null {
  const [, turn, slot] = /^(\d+)\.(\d+|model)$/.exec(id) ?? [];
  if (turn === undefined) return null;
  return { turn: Number(turn), slot: slot === 'model' ? null : Number(slot) };
}

/**
 * The same over retries, continue-as-new and a reset that plans the same call again; another for other arguments (the
 * digest) and for a fork (the chain).
 */
export function idempotencyKey(workflowId: string, chain: string, turn: number, slot: number, digest: string): string {
  return `${workflowId}/${chain}/${callActivityId(turn, slot)}/${digest}`;
}

/** The types of the failures that activities throw. They travel in history; change none. */
export const FAILURE = {
  /** The tool threw. */
  tool: 'ToolFailed',
  /** The tool outlived its timeout while its attempt still had time (it had waited for a place). */
  toolTimeout: 'ToolTimedOut',
  /** A tool of effect `once` was stopped in flight: it may or may not have happened. */
  outcomeUnknown: 'OutcomeUnknown',
  invalidArguments: 'InvalidArguments',
  /** No worker that saw the call knows its tool or agent. */
  notRegistered: 'NotRegistered',
  /** The worker stopped before the call was through; another one takes it up. */
  workerShutdown: 'WorkerShutdown',
  /** What the workflow gave of its transcript does not have the digest that it holds, or is not all of it. */
  transcriptMismatch: 'TranscriptMismatch',
  /** The workflow did not answer when it was asked for its transcript. */
  transcriptUnanswered: 'TranscriptUnanswered',
  model: 'ModelFailed',
  /** The provider refused the conversation as longer than its model can read. */
  contextExceeded: 'ContextExceeded',
  refused: 'ModelRefused',
  /** The workflow was started with an input that is not a RunInput. */
  invalidInput: 'InvalidRunInput',
  /** The run does not carry out a command; the details have the reason with its code. */
  refusedCommand: 'CommandRefused',
  alreadyDecided: 'AlreadyDecided',
} as const;

/** What people, and any program, may ask of a running workflow: Temporal updates, each with an object as its argument. */
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

/** The summaries of a run's timers: the read model tells them apart by these. */
export const TIMER = { approval: 'approval', timeLimit: 'time limit' } as const;

/** Between a run and its sub-agents. */
export const SIGNAL = { fromParent: 'fromParent', fromChild: 'fromChild' } as const;

/** `() → Question[]`: what the run waits for, in full. */
export const QUESTIONS_QUERY = 'questions';

/** The memo of a run: its agent, what it waits for, and how it ended. */
export const MEMO = {
  agent: 'agent',
  parent: 'parent',
  waits: 'waits',
  status: 'status',
  spend: 'spend',
  /** Of a session: the message that was answered last, and how. */
  replied: 'replied',
  /** Of a link that is not the first: when that one began. */
  startedAt: 'startedAt',
} as const;

/** Search attributes that `holdfast setup` registers: with the first, one query finds all that waits. */
export const ATTRIBUTE = { waitingSince: 'HoldfastWaitingSince', agent: 'HoldfastAgent' } as const;

/** The same decision sent twice is one update. */
export function decisionId(call: string, digest: string): string {
  return `decide/${call}/${digest}`;
}

/** The workflow id of a sub-agent: its parent's, and the place of the call there. */
export function childRunId(parent: string, turn: number, slot: number): string {
  return `${parent}.${callActivityId(turn, slot)}`;
}

/** `(from, limit) → TranscriptPage`, asked of a running workflow. */
export const TRANSCRIPT_QUERY = 'transcript';
