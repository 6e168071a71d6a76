// The names that clients, workflows and workers must agree on.

export const TASK_QUEUE = 'holdfast';
export const WORKFLOW_TYPE = 'agent';
export const MODEL_ACTIVITY = 'callModel';
/** The worker's fallback for activity types it does not know: Temporal's own name for it. */
export const FALLBACK_ACTIVITY = 'default';

/** A name as the model API takes it, and short enough for every place that shows it. */
export const NAME_PATTERN = /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/;

/** Names of tools that would shadow the engine's own activities. */
export const RESERVED_TOOL_NAMES: readonly string[] = [MODEL_ACTIVITY, FALLBACK_ACTIVITY];

/** The activity id of a tool call: its place in the run, counted from turn 1 and slot 0. */
export function callActivityId(turn: number, slot: number): string {
  return `${turn}.${slot}`;
}

export function modelActivityId(turn: number): string {
  return `${turn}.model`;
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
  model: 'ModelFailed',
  refused: 'ModelRefused',
  /** The workflow was started with an input that is not a RunInput. */
  invalidInput: 'InvalidRunInput',
} as const;

/** `(from, limit) → TranscriptPage`, asked of a running workflow. */
export const TRANSCRIPT_QUERY = 'transcript';
