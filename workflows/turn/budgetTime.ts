// Limits on active time: the run's own, and those of its budget.

import { budgetReached } from '../../core/budget.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { End, Run } from '../state/run.ts';

/** How long the run may be active: its time limit, or its budget of time where that ends it sooner. */
export function timeLimitMs({ rules, budget }: Run): number {
  return Math.min(rules.timeLimitMs ?? Number.POSITIVE_INFINITY, budget.cutOffMs);
}

export function timeLimitEnd({ rules, budget, spend }: Run): End {
  const limitMs = rules.timeLimitMs ?? 0;
  if (budget.limits && budget.cutOffMs < limitMs)
    return { status: 'budget', reason: budgetReached(budget.limits, 'activeMs', spend) };
  return { status: 'time_limit', reason: reason('time_limit', { limitMs }) };
}

/** A run that asks is not cut off at its limit of time; but its sub-agents have to be paused then. */
export function watchTime({ budget, clock, wake }: Run): void {
  const { activeMs } = budget.limits ?? {};
  if (activeMs !== undefined && budget.asksAtLimit) clock.alarmAt(activeMs, () => wake.wake());
}
