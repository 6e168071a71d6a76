// Tasks: what a tool returns whose work continues without it, and how the host looks at it. A look that finds the task running is an
// attempt that fails, with the time until the next one: Temporal waits, no process does, and history does not grow.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { TASK } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { CallTask, ToolPolicy } from '../../core/types.ts';
import { outcomeUnknown, type ToolAttempts } from './attempts.ts';

/** Returned by a tool's `run` once the task is found again by `state`, whatever happens to this process. */
export class TaskStarted implements CallTask {
  readonly state: string;
  readonly limitMs: number;

  constructor({ state, limitMs }: CallTask) {
    this.state = state;
    this.limitMs = limitMs;
  }
}

/** Returned by a look: the task is not over. */
export class TaskRuns {
  /** What it does, for people. */
  readonly text: string;
  readonly pollMs: number;

  constructor(text: string, pollMs: number) {
    this.text = text;
    this.pollMs = pollMs;
  }
}

/** Looks may be repeated, whatever the effect of the tool. */
export function lookPolicy(policy: ToolPolicy): ToolPolicy {
  return { ...policy, effect: policy.effect === 'read' ? 'read' : 'idempotent', attempts: TASK.failuresMax };
}

/** Returns the failure of a look that found the task running. */
export function taskRuns({ text, pollMs }: TaskRuns, task: CallTask, attempts: ToolAttempts): ApplicationFailure {
  attempts.succeeded();
  return again(text, clamped(pollMs, TASK.pollMsMax), task);
}

/** Returns the failure of a look that failed: final, or with the time until the next look. */
export function lookFailed(
  failure: ApplicationFailure,
  task: CallTask,
  attempts: ToolAttempts,
  { effect }: ToolPolicy,
) {
  // Another worker looks at once.
  if (failure.nonRetryable || failure.type === FAILURE.workerShutdown) return attempts.failed(failure);
  const { failures } = attempts.counts;
  const counted = attempts.failed(failure);
  if (!counted.nonRetryable)
    return again(failure.message, clamped(TASK.pollMsMin * 2 ** failures, TASK.failureMsMax), task);
  return effect === 'read' ? counted : outcomeUnknown(failure.message);
}

/** Returns the time that the task has left. Its limit begins with the first look. */
export function leftOf({ limitMs }: CallTask): number {
  return limitMs - (Date.now() - Context.current().info.scheduledTimestampMs);
}

/** Returns the failure of a call whose task has taken too long. */
export function taskTimedOut({ limitMs }: CallTask): ApplicationFailure {
  return ApplicationFailure.nonRetryable(reason('tool_timed_out', { timeoutMs: limitMs }).text, FAILURE.toolTimeout);
}

function again(text: string, pollMs: number, task: CallTask): ApplicationFailure {
  // The last look is when the time is over.
  const nextRetryDelay = Math.max(Math.min(pollMs, leftOf(task)), 1);
  return ApplicationFailure.create({ message: text, type: FAILURE.taskRuns, nextRetryDelay });
}

function clamped(ms: number, maxMs: number): number {
  return Math.min(Math.max(ms, TASK.pollMsMin), maxMs);
}
