// The state of a run in a list, in one word: how it ended, or that it waits.
import type { RunSummary } from '../../client/index.ts';
import { endedBadly } from '../../core/read/run.ts';
import { listedState } from '../view/json.ts';

export function shownStatus({ state, status, waiting }: Pick<RunSummary, 'state' | 'status' | 'waiting'>): string {
  if (waiting !== null && waiting > 0) return 'waiting';
  return status ?? listedState(state);
}

export function fits(run: RunSummary, wanted: string): boolean {
  const status = shownStatus(run);
  if (wanted === 'failing') return status !== 'waiting' && endedBadly(status);
  if (wanted === 'open') return status === 'waiting' || status === 'running';
  return wanted === '' || wanted === status;
}
