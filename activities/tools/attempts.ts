// Counts the attempts at one tool call by how they ended. Temporal counts all alike, including those that a lost worker took: one
// that is frozen keeps its connections, and takes attempts that it never begins. Each attempt leaves its counts in its heartbeat
// for the next one; the SDK flushes the last heartbeat before it reports a failure.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { TOOL_LOST } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { reason } from '../../core/reasons/reason.ts';
import { plural } from '../../core/text.ts';
import type { ToolPolicy } from '../../core/types.ts';

/** In the details of each heartbeat of a tool. */
interface Counts {
  /** Attempts that a worker began, this one included. */
  readonly begun: number;
  /** Those of them that ended with a failure, rather than with the worker. */
  readonly failures: number;
}

export interface ToolAttempts {
  /** For the details of heartbeats. */
  readonly counts: Counts;
  /** Returns the failure to throw, which is final if no attempt may follow. Sends a last heartbeat for the next attempt. */
  failed(failure: ApplicationFailure): ApplicationFailure;
  /** Forgets the attempts that failed or were lost, for a call of which more follow although this one did what it should. */
  succeeded(): void;
}

/** Rejects if the call may not run again. */
export async function beginAttempt({ effect, attempts }: ToolPolicy): Promise<ToolAttempts> {
  const context = Context.current();
  const { attempt, heartbeatDetails } = context.info;
  // A `once` call has one attempt, but an operator can raise that on the server while it is pending.
  if (effect === 'once' && attempt > 1) throw outcomeUnknown('an earlier attempt may have run it');
  const before = attempt === 1 ? { begun: 0, failures: 0 } : countsIn(heartbeatDetails);
  const lost = before.begun - before.failures;
  if (lost > TOOL_LOST.begunMax) throw workersLost(lost, effect);
  const counts = { begun: before.begun + 1, failures: before.failures };
  // The first attempt does not say that it began: most calls end before a heartbeat is due.
  if (attempt > 1) await recordNow(counts);
  return {
    counts,
    failed(failure) {
      if (failure.nonRetryable) return failure;
      // The shutdown of a worker says nothing about the call.
      const isShutdown = failure.type === FAILURE.workerShutdown;
      const next = isShutdown ? before : { ...counts, failures: counts.failures + 1 };
      if (next.failures >= attempts) return final(failure);
      context.heartbeat(next);
      return failure;
    },
    succeeded: () => context.heartbeat({ begun: 0, failures: 0 }),
  };
}

/** Resolves when the server has the counts, whatever the tool then does to its process. The SDK's own heartbeat only queues them. */
async function recordNow(counts: Counts): Promise<void> {
  const { client, info } = Context.current();
  const { taskToken, activityId, namespace, workflowExecution } = info;
  const workflowId = workflowExecution?.workflowId;
  const serializationContext = { type: 'activity', namespace, workflowId, activityId, isLocal: false } as const;
  try {
    await client.activity.heartbeat(taskToken, counts, { serializationContext });
  } catch {
    // A cancellation comes with the next heartbeat, too; and without the server, the attempt counts as one that never began.
  }
}

/** Without counts, no attempt after the first has begun, and the first may have. */
function countsIn(details: unknown): Counts {
  const { begun = 1, failures = 0 } = Object(details) as Partial<Counts>;
  return { begun, failures };
}

/** A tool that kills its workers must not do so for ever. */
function workersLost(times: number, effect: ToolPolicy['effect']): ApplicationFailure {
  const cause = `the worker that ran it was lost, ${plural(times, 'time')} in a row`;
  return effect === 'read' ? ApplicationFailure.nonRetryable(cause, FAILURE.tool) : outcomeUnknown(cause);
}

/** Nobody can know whether the effect happened; `cause` says why. */
export function outcomeUnknown(cause: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(reason('outcome_unknown', { cause }).text, FAILURE.outcomeUnknown);
}

function final({ message, type, stack }: ApplicationFailure): ApplicationFailure {
  const failure = ApplicationFailure.nonRetryable(message, type);
  if (stack !== undefined) failure.stack = stack;
  return failure;
}
