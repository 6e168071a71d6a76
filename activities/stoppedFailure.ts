// The failure of an activity that was stopped from outside.
import { ApplicationFailure, type CancelledFailure } from '@temporalio/common';
import { FAILURE } from '../core/names.ts';

/** Turns a worker shutdown into a retryable failure, so that another worker takes over. Other cancellations pass through. */
export function stoppedFailure(cancelled: CancelledFailure): ApplicationFailure | CancelledFailure {
  if (cancelled.message !== 'WORKER_SHUTDOWN') return cancelled;
  return ApplicationFailure.retryable('the worker was shut down before the call finished', FAILURE.workerShutdown);
}
