// How a run is started, in Temporal's words: the same now and by a schedule.
import type { RunInput } from '../core/types.ts';

/** All of a start but the workflow's type, its id, and what that id means. */
export function startOptions(input: RunInput, taskQueue: string) {
  return {
    args: [input] as [RunInput],
    taskQueue,
    memo: { agent: input.agent },
    staticSummary: input.agent,
  };
}
