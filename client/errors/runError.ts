// Errors of the SDK in a request about a run, as errors of this library.
import { WorkflowNotFoundError } from '@temporalio/client';
import { toPayloadError } from '../payloads/payloadError.ts';
import { RunNotFound, unreachable } from './errors.ts';
import { grpcCode } from './grpc.ts';

interface Asked {
  readonly workflowId: string;
  readonly namespace: string;
  readonly address: string;
}

/** Returns errors of others as they are. */
export function runError(error: unknown, { workflowId, namespace, address }: Asked): unknown {
  if (isNotFound(error)) return new RunNotFound('run_not_found', { workflowId, namespace });
  return grpcCode(error) === 'unavailable' ? unreachable(address, error) : toPayloadError(error);
}

export function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || grpcCode(error) === 'notFound';
}
