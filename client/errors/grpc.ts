// The gRPC error inside an error of the SDK.
import { isGrpcServiceError } from '@temporalio/client';

/** gRPC status codes, of which we distinguish these few. */
const GRPC = {
  deadlineExceeded: 4,
  notFound: 5,
  failedPrecondition: 9,
  internal: 13,
  unavailable: 14,
} as const;

export function grpcCode(error: unknown): keyof typeof GRPC | undefined {
  const { code } = grpcErrorIn(error) ?? {};
  return (Object.keys(GRPC) as (keyof typeof GRPC)[]).find((name) => GRPC[name] === code);
}

/** Whether the connection refused a message for its size. */
export function isTooLarge(error: unknown): boolean {
  return /Received message larger than max/.test(grpcErrorIn(error)?.message ?? '');
}

/** The server's own error, found in the chain of causes. */
export function grpcErrorIn(error: unknown) {
  for (let at = error; at instanceof Error; at = at.cause) if (isGrpcServiceError(at)) return at;
  return undefined;
}
