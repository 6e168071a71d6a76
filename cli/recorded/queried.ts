// The `--query` of `replay` and `export`.
import { grpcErrorIn } from '../../client/errors/grpc.ts';
import { UsageError } from '../exit.ts';

/** gRPC's code for a query that the server does not understand. */
const INVALID_ARGUMENT = 3;

/** Passes on what a query finds. One that the server does not understand is an error of the command line. */
export async function* withQueryErrors<T>(found: AsyncIterable<T>, query: string): AsyncGenerator<T> {
  try {
    yield* found;
  } catch (error) {
    const refused = grpcErrorIn(error);
    if (refused?.code !== INVALID_ARGUMENT) throw error;
    throw new UsageError(
      `The server does not understand --query ${JSON.stringify(query)}: ${refused.details}. ` +
        `It takes visibility queries of Temporal, such as "StartTime > '2026-01-08T00:00:00Z'".`,
    );
  }
}
