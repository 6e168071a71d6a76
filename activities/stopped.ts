// What an activity reports when it was stopped from outside.
import { ApplicationFailure, type CancelledFailure } from '@temporalio/common';
import { FAILURE } from '../core/names.ts';

/** Work that this worker gives up because it stops is not cancelled: another worker takes it up. */
export function stoppedFailure(cancelled: CancelledFailure): Error {
  if (cancelled.message !== 'WORKER_SHUTDOWN') return cancelled;
  return ApplicationFailure.retryable('the worker was shut down before the call was through', FAILURE.workerShutdown);
}
