// How a run is started: what the caller may say, and what Temporal is told. The same now and by a schedule.
import type { Budget, RunInput } from '../core/types.ts';

export interface StartOptions {
  /**
   * The run's workflow id; `<agent>-<short id>` when not said. Starting an id again gives back the run that has it, also
   * when it is over: so an id made from what the run is about (`refund-4711`) starts it once.
   */
  readonly id?: string;
  readonly maxTurns?: number;
  readonly parallel?: number;
  /** Stays open for messages until it is closed, or idle for long. */
  readonly session?: boolean;
  /** Limits for this run, on top of the agent's own. */
  readonly budget?: Budget;
}

/** All of a start but the workflow's type, its id, and what that id means. */
export function startOptions(input: RunInput, taskQueue: string) {
  return {
    args: [input] as [RunInput],
    taskQueue,
    memo: { agent: input.agent },
    staticSummary: input.agent,
  };
}
