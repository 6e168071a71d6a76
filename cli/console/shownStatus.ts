// The state of a run in a list, in one word: how it ended, or that it waits.
import type { RunSummary } from '../../client/index.ts';

export function shownStatus({ state, status, waiting }: Pick<RunSummary, 'state' | 'status' | 'waiting'>): string {
  if (waiting !== null && waiting > 0) return 'waiting';
  // Temporal spells it with one l; we use two everywhere.
  return status ?? (state === 'canceled' ? 'cancelled' : state);
}

export function fits(run: RunSummary, wanted: string): boolean {
  const status = shownStatus(run);
  if (wanted === 'failing') return !['completed', 'running', 'waiting'].includes(status);
  return wanted === '' || wanted === status;
}
