// The status of a run in a list, in one word: how it ended, or what it does.
import type { RunStatus } from '../../core/types.ts';

/**
 * How a run ended; for one that did not end by itself, how Temporal has ended its workflow; for an open one, `waiting` if it waits for a
 * person, otherwise `running`.
 */
export type ListedStatus = RunStatus | 'running' | 'waiting' | 'failed' | 'terminated' | 'timed_out';

/** Of runs that are open. */
const OPEN = { running: true, waiting: true } as const;

const ENDED: Readonly<Record<Exclude<ListedStatus, keyof typeof OPEN>, true>> = {
  completed: true,
  max_turns: true,
  all_tools_failed: true,
  model_failed: true,
  refused: true,
  time_limit: true,
  budget: true,
  stopped: true,
  invalid_output: true,
  cancelled: true,
  failed: true,
  terminated: true,
  timed_out: true,
};

export const LISTED_STATUSES = [...Object.keys(OPEN), ...Object.keys(ENDED)] as readonly ListedStatus[];

export function isOpenStatus(status: ListedStatus): boolean {
  return status in OPEN;
}

interface Listed {
  readonly state: string;
  readonly status: string | null;
  readonly waiting: number | null;
}

export function listedStatus({ state, status, waiting }: Listed): string {
  if (waiting !== null && waiting > 0) return 'waiting';
  return status ?? listedState(state);
}

/** Temporal's word for the state of a workflow, as we spell it. */
export function listedState(state: string): string {
  return state === 'canceled' ? 'cancelled' : state;
}
