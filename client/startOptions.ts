// The options of a start, and what they are to Temporal; shared by `start` and by schedules.
import { MEMO } from '../core/names.ts';
import type { Attachment, Budget, Labels, RunContext, RunInput } from '../core/types.ts';

export interface StartOptions<Context = RunContext> {
  /**
   * The run's workflow id. Starting an id again returns the run that has it, even if that has ended: an id that is derived
   * from the run's subject (`refund-4711`) starts it once.
   * @default `<agent>-<short random id>`
   */
  readonly id?: string;
  /** Images and files beside the input, from `upload`. */
  readonly attachments?: readonly Attachment[];
  /**
   * Maximum number of model calls.
   * @default the agent's `maxTurns`
   */
  readonly maxTurns?: number;
  /**
   * Maximum number of tool calls in flight. 1 runs them one after another.
   * @default the agent's `parallel`
   */
  readonly parallel?: number;
  /** Keeps the run open for messages until it is closed or has been idle for too long. */
  readonly session?: boolean;
  /** Limits of this run, on top of the agent's own. Where both set a limit, this one applies. */
  readonly budget?: Budget;
  /**
   * What the run is about, such as its tenant, user and language: a small JSON object for tools and rules, here and in
   * sub-agents. The agent's `context` schema checks it. It is in history, so it must not contain secrets.
   */
  readonly context?: Context;
  /**
   * Labels that lists are filtered by, such as `{ tenant: 'acme' }`; sub-agents carry them as well. At most 10, with keys of letters,
   * digits and `_ . -`, and values of 1 to 128 characters. The server keeps them unencrypted, so they must not contain secrets.
   */
  readonly labels?: Labels;
  /**
   * Who starts the run, as decisions name people, for approvals with `notInitiator`; sub-agents take it over. Recorded as it is given, so
   * name who you know it is.
   */
  readonly by?: string;
}

/** All workflow start options but the workflow's type, its id and the id reuse policy. */
export function startOptions(input: RunInput, taskQueue: string, by?: string) {
  return {
    args: [input] as [RunInput],
    taskQueue,
    memo: { [MEMO.agent]: input.agent, ...(by !== undefined && { [MEMO.startedBy]: by }) },
    staticSummary: input.agent,
  };
}
