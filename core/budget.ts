// Budgets: their limits, and which of them is reached.
import type { BudgetLimit, ReasonOf } from './reasons/codes.ts';
import { reason } from './reasons/reason.ts';
import { cutText } from './text.ts';
import type { Budget, Spend } from './types.ts';

const SPENT: Readonly<Record<BudgetLimit, (spend: Spend) => number>> = {
  tokens: ({ inputTokens, outputTokens }) => inputTokens + outputTokens,
  cost: ({ cost }) => cost,
  modelCalls: ({ modelCalls }) => modelCalls,
  toolCalls: ({ toolCalls }) => toolCalls,
  activeMs: ({ activeMs }) => activeMs,
};

export const BUDGET_LIMITS = Object.keys(SPENT) as readonly BudgetLimit[];

/** Returns what is wrong with a budget; null if it is valid. */
export function budgetProblem(budget: unknown): string | null {
  if (typeof budget !== 'object' || budget === null || Array.isArray(budget)) return 'budget must be an object.';
  for (const [name, value] of Object.entries(budget)) {
    // Programs may pass undefined for an absent option.
    if (value === undefined) continue;
    if (name === 'atLimit') {
      if (value !== 'stop' && value !== 'ask') return "budget.atLimit must be 'stop' or 'ask'.";
    } else if (!(BUDGET_LIMITS as readonly string[]).includes(name))
      return `budget has no limit ${JSON.stringify(cutText(name, 60))}; there are ${BUDGET_LIMITS.join(', ')}.`;
    else if (!(typeof value === 'number' && value > 0 && Number.isFinite(value)))
      return `budget.${name} must be a number above 0.`;
  }
  return null;
}

export type BudgetReached = ReasonOf<'budget_reached'>;

/** Returns the limit that allows no other model call; null if none is reached. */
export function limitReached(budget: Budget, spend: Spend): BudgetReached | null {
  // `toolCalls` is checked where calls start: an agent that has used them up may still report their results.
  const reached = BUDGET_LIMITS.find((limit) => limit !== 'toolCalls' && SPENT[limit](spend) >= limitOf(budget, limit));
  return reached === undefined ? null : budgetReached(budget, reached, spend);
}

export function budgetReached(budget: Budget, limit: BudgetLimit, spend: Spend): BudgetReached {
  return reason('budget_reached', { limit, amount: budget[limit] ?? 0, spent: SPENT[limit](spend) });
}

export function limitOf(budget: Budget | undefined, limit: BudgetLimit): number {
  return budget?.[limit] ?? Number.POSITIVE_INFINITY;
}

/** Returns why `raised` does not raise `budget`: each limit must be higher than before. */
export function raiseProblem(budget: Budget | undefined, raised: Budget): string | null {
  if (raised.atLimit !== undefined) return 'atLimit is set at the start and cannot be raised.';
  const named = BUDGET_LIMITS.filter((limit) => raised[limit] !== undefined);
  if (named.length === 0) return `Name the limit to raise: ${BUDGET_LIMITS.join(', ')}.`;
  const unlimited = named.find((limit) => budget?.[limit] === undefined);
  if (unlimited) return `The run has no limit on ${unlimited}.`;
  const low = named.find((limit) => limitOf(budget, limit) >= limitOf(raised, limit));
  return low === undefined
    ? null
    : `The limit on ${low} is ${limitOf(budget, low)}; raise it above that, not to ${limitOf(raised, low)}.`;
}
