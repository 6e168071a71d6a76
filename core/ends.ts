// Makes results and replies of a status that is only known while the program runs.
import type { CompletedReply, CompletedRun, Reply, RunResult, RunStatus } from './types.ts';

/** One type in place of the union. */
type OfAnyStatus<Completed> = Omit<Completed, 'status'> & { readonly status: RunStatus };
export type AnyReply = OfAnyStatus<CompletedReply>;

/** Every end has its reason, but that of a run which has completed. */
export function runResult(result: OfAnyStatus<CompletedRun>): RunResult {
  return result as RunResult;
}

/** The same for a reply. */
export function replyWith(reply: AnyReply): Reply {
  return reply as Reply;
}
