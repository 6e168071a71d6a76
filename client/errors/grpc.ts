// gRPC's errors, beneath what the SDK makes of them.
import { isGrpcServiceError } from '@temporalio/client';

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

/** What the server itself said. */
export function grpcErrorIn(error: unknown) {
  for (let at = error; at instanceof Error; at = at.cause) if (isGrpcServiceError(at)) return at;
  return undefined;
}
