// Converts what a tool threw to a Temporal failure.
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../../core/names.ts';
import { readThrown, type Thrown } from './thrown.ts';

export function toolFailure(thrown: unknown): ApplicationFailure {
  if (!(thrown instanceof ApplicationFailure)) return failureOf(readThrown(thrown));
  const { type, nonRetryable, nextRetryDelay } = thrown;
  const { message, stack } = readThrown(thrown);
  return failure(message, stack, isOurs(type) ? type : FAILURE.tool, nonRetryable ?? false, nextRetryDelay);
}

/** `whatHappened` takes any other type to come from outside of the tool host, so a tool's own types are not passed on. */
function isOurs(type: string | null | undefined): type is string {
  return Object.values<unknown>(FAILURE).includes(type);
}

export function failureOf({ message, stack, retryable, delayMs }: Thrown): ApplicationFailure {
  return failure(message, stack, FAILURE.tool, !retryable, delayMs);
}

function failure(
  message: string,
  stack: string,
  type: string,
  nonRetryable: boolean,
  nextRetryDelay: ApplicationFailure['nextRetryDelay'],
): ApplicationFailure {
  const result = ApplicationFailure.create({
    message,
    type,
    nonRetryable,
    ...(nextRetryDelay !== undefined && nextRetryDelay !== null && { nextRetryDelay }),
  });
  // The stack is the tool's, not this line's.
  result.stack = stack;
  return result;
}
