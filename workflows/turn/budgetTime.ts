// Limits on active time: the run's own, and those of its budget.

import { budgetReached } from '../../core/budget.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { End, Run } from '../state/run.ts';

/** The active time that the run may have: its time limit, or its budget's `activeMs` if that ends it sooner. */
export function timeLimitMs({ rules, budget }: Run): number {
  return Math.min(rules.timeLimitMs ?? Number.POSITIVE_INFINITY, budget.cutOffMs);
}

export function timeLimitEnd({ rules, budget, spend }: Run): End {
  const limitMs = rules.timeLimitMs ?? 0;
  if (budget.limits && budget.cutOffMs < limitMs)
    return { status: 'budget', reason: budgetReached(budget.limits, 'activeMs', spend) };
  return { status: 'time_limit', reason: reason('time_limit', { limitMs }) };
}

/** With `atLimit: 'ask'`, the run is not ended at `activeMs`, but its sub-agents have to be paused then. */
export function watchTime({ budget, clock, wake }: Run): void {
  const { activeMs } = budget.limits ?? {};
  if (activeMs !== undefined && budget.asksAtLimit) clock.alarmAt(activeMs, () => wake.wake());
}
