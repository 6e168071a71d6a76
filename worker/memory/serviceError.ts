// Errors of the server in memory, in the form in which Temporal's client gets those of a server over gRPC.

/** gRPC's codes. */
const CODE = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  UNAVAILABLE: 14,
} as const;

export class MemoryServiceError extends Error {
  readonly code: number;
  readonly details: string;
  readonly metadata = { get: () => [], getMap: () => ({}) };

  constructor(code: keyof typeof CODE, details: string) {
    super(`${CODE[code]} ${code}: ${details}`);
    this.name = 'MemoryServiceError';
    this.code = CODE[code];
    this.details = details;
  }
}

export const notFound = (details: string) => new MemoryServiceError('NOT_FOUND', details);
export const invalidArgument = (details: string) => new MemoryServiceError('INVALID_ARGUMENT', details);
export const alreadyExists = (details: string) => new MemoryServiceError('ALREADY_EXISTS', details);
export const failedPrecondition = (details: string) => new MemoryServiceError('FAILED_PRECONDITION', details);
export const deadlineExceeded = (details: string) => new MemoryServiceError('DEADLINE_EXCEEDED', details);
export const unimplemented = (details: string) => new MemoryServiceError('UNIMPLEMENTED', details);
export const unavailable = (details: string) => new MemoryServiceError('UNAVAILABLE', details);
export const cancelled = () => new MemoryServiceError('CANCELLED', 'The call was cancelled.');
