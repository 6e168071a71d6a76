// Errors that a person can act on, by what stands between them and a run.
import { isGrpcServiceError } from '@temporalio/client';

/** No Temporal server answered, or the one that did would not let us in. */
export class TemporalUnreachable extends Error {
  override readonly name = 'TemporalUnreachable';
}

/** There is no run of that id. */
export class RunNotFound extends Error {
  override readonly name = 'RunNotFound';
}

/** The run was started, and no worker took its first task. */
export class NoWorker extends Error {
  override readonly name = 'NoWorker';
}

/** The run cannot do what was asked of it; the message says why. */
export class OrderRefused extends Error {
  override readonly name = 'OrderRefused';
}

/** The run has ended, so that there is nobody to ask. */
export class RunOver extends Error {
  override readonly name = 'RunOver';
}

export function runOver(workflowId: string): RunOver {
  return new RunOver(`The run "${workflowId}" is over. "holdfast show" tells how it ended.`);
}

export function unreachable(address: string, error: unknown): TemporalUnreachable {
  const message = error instanceof Error ? error.message : String(error);
  // gRPC wraps what happened in much that did not: "14 UNAVAILABLE: No connection established. Last error: …".
  const detail = /connect E\w+/.exec(message)?.[0] ?? message;
  return new TemporalUnreachable(
    `No Temporal server answers at ${address} (${detail}). Start one with "holdfast dev", or set TEMPORAL_ADDRESS.`,
    { cause: error },
  );
}

export function namespaceMissing(namespace: string, address: string): TemporalUnreachable {
  return new TemporalUnreachable(
    `The Temporal server at ${address} has no namespace "${namespace}". Create it, or set TEMPORAL_NAMESPACE.`,
  );
}

/** gRPC's own numbers, for the few codes that we tell apart. */
const GRPC = {
  deadlineExceeded: 4,
  notFound: 5,
  failedPrecondition: 9,
  unavailable: 14,
} as const;

export function grpcCode(error: unknown): keyof typeof GRPC | undefined {
  const { code } = grpcErrorIn(error) ?? {};
  return (Object.keys(GRPC) as (keyof typeof GRPC)[]).find((name) => GRPC[name] === code);
}

/** What the server itself said, beneath what the SDK made of it. */
export function grpcErrorIn(error: unknown) {
  for (let at = error; at instanceof Error; at = at.cause) if (isGrpcServiceError(at)) return at;
  return undefined;
}
