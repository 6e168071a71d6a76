// Budgets: which limits there are, and which of them is reached.
import { count, inWords, plural } from './text.ts';
import type { Budget, Problem, Spend } from './types.ts';

type Limit = keyof Omit<Budget, 'atLimit'>;

const SPENT: Readonly<Record<Limit, (spend: Spend) => number>> = {
  tokens: ({ inputTokens, outputTokens }) => inputTokens + outputTokens,
  cost: ({ cost }) => cost,
  modelCalls: ({ modelCalls }) => modelCalls,
  toolCalls: ({ toolCalls }) => toolCalls,
  activeMs: ({ activeMs }) => activeMs,
};

const LIMITS = Object.keys(SPENT) as Limit[];

/** What is wrong with a budget, in words; null where nothing is. */
export function budgetProblem(budget: unknown): string | null {
  if (typeof budget !== 'object' || budget === null || Array.isArray(budget)) return 'budget is not an object.';
  for (const [name, value] of Object.entries(budget)) {
    // Left open, as options of programs often are.
    if (value === undefined) continue;
    if (name === 'atLimit') {
      if (value !== 'stop' && value !== 'ask') return "budget.atLimit must be 'stop' or 'ask'.";
    } else if (!(LIMITS as string[]).includes(name))
      return `budget has no limit ${JSON.stringify(name)}; there are ${LIMITS.join(', ')}.`;
    else if (!(typeof value === 'number' && value > 0 && Number.isFinite(value)))
      return `budget.${name} must be a number above 0.`;
  }
  return null;
}

/** The limit that does not allow another model call, in words; null where none is reached. */
export function limitReached(budget: Budget, spend: Spend): string | null {
  // Calls are limited where they start: an agent that has used up its calls may still say what came of them.
  const reached = LIMITS.find((limit) => limit !== 'toolCalls' && SPENT[limit](spend) >= limitOf(budget, limit));
  return reached === undefined ? null : limitInWords(budget, reached, spend);
}

export function limitInWords(budget: Budget, limit: Limit, spend: Spend): string {
  const amount = budget[limit] ?? 0;
  const spent = SPENT[limit](spend);
  switch (limit) {
    case 'tokens':
      return `The budget of ${plural(amount, 'token')} is used up (${count(spent)}).`;
    case 'cost':
      return `The budget of ${amount} is used up (cost so far ${costText(spent)}).`;
    case 'modelCalls':
      return `The budget of ${plural(amount, 'model call')} is used up.`;
    case 'toolCalls':
      return `The budget of ${plural(amount, 'tool call')} is used up.`;
    case 'activeMs':
      return `The budget of ${inWords(amount)} ${TIME_UP}`;
  }
}

/** `0.04665`: what is far below the smallest coin tells nobody anything. */
export function costText(cost: number): string {
  return String(cost >= 100 ? Number(cost.toFixed(2)) : Number(cost.toPrecision(4)));
}

/** A call that a limit kept from running. */
export function beyondBudget(reason: string): Problem {
  return { kind: 'rejected', error: `not run: ${reason}` };
}

const TIME_UP = 'of active time is used up.';

/** Whether it is the time that was used up: then calls were cancelled, not refused. */
export function isTimeUp(reason: string): boolean {
  return reason.endsWith(TIME_UP);
}

export function limitOf(budget: Budget | undefined, limit: Limit): number {
  return budget?.[limit] ?? Number.POSITIVE_INFINITY;
}

/** The first limit of `raised` that is not above what it was, in words. Programs send what the types forbid. */
export function raiseProblem(budget: Budget | undefined, raised: Budget): string | null {
  if (raised.atLimit !== undefined) return 'What happens at a limit is settled at the start: raise takes no atLimit.';
  const named = LIMITS.filter((limit) => raised[limit] !== undefined);
  if (named.length === 0) return `Say which limit to raise: ${LIMITS.join(', ')}.`;
  const unlimited = named.find((limit) => budget?.[limit] === undefined);
  if (unlimited) return `The run has no limit on ${unlimited}.`;
  const low = named.find((limit) => limitOf(budget, limit) >= limitOf(raised, limit));
  return low === undefined ? null : `${low} is ${limitOf(budget, low)} already; a raised limit is above that.`;
}
