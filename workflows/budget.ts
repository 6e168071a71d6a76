// The budget of a run and its sub-agents: whether another model call, or another tool call, is within it.
import { limitInWords, limitOf, limitReached } from '../core/budget.ts';
import { inWords } from '../core/text.ts';
import type { AgentRules, Budget, Question } from '../core/types.ts';
import { type End, type RunState, totalSpend } from './runState.ts';

/** The budget as it stands: the run's own limits before the agent's, and raised ones before both. */
export function budgetOf(run: RunState): Budget | undefined {
  if (run.budget === undefined && run.agent) {
    const { budget } = run.agent.rules;
    if (budget || run.input.budget) run.budget = { ...budget, ...run.input.budget };
  }
  return run.budget;
}

/** Which limit is reached, in words. */
export function overBudget(run: RunState): string | null {
  const budget = budgetOf(run) ?? run.input.budget;
  return budget === undefined ? null : (run.budgetReached ?? limitReached(budget, totalSpend(run)));
}

export function askForBudget(run: RunState): void {
  run.budgetAskedAtMs ??= Date.now();
}

export function budgetQuestion(run: RunState): Question[] {
  const reason = overBudget(run);
  if (run.budgetAskedAtMs === null || reason === null) return [];
  return [{ kind: 'budget', reason, sinceMs: run.budgetAskedAtMs }];
}

/** Why a call may not start, when `started` calls of its batch have; null where it may. */
export function callsAllowed(run: RunState, started: number, isSubAgent: boolean): string | null {
  const budget = budgetOf(run);
  if (budget === undefined) return null;
  const spend = totalSpend(run);
  if (spend.toolCalls + started >= limitOf(budget, 'toolCalls')) return limitInWords(budget, 'toolCalls', spend);
  // What is left to do of a turn costs no tokens, unless it asks models itself.
  return isSubAgent ? limitReached(budget, spend) : null;
}

/** How long the run may be active: its time limit, or its budget of time where that ends it sooner. */
export function timeLimitMs(run: RunState, rules: AgentRules): number {
  return Math.min(rules.timeLimitMs, budgetOfTimeMs(run));
}

function budgetOfTimeMs(run: RunState): number {
  const budget = budgetOf(run);
  // A run that asks is not cut off in the middle of a turn.
  return budget?.atLimit === 'ask' ? Number.POSITIVE_INFINITY : limitOf(budget, 'activeMs');
}

export function timeLimitEnd(run: RunState): End {
  const limitMs = run.agent?.rules.timeLimitMs ?? 0;
  const budget = budgetOf(run);
  if (budget && budgetOfTimeMs(run) < limitMs)
    return { status: 'budget', reason: limitInWords(budget, 'activeMs', totalSpend(run)) };
  return { status: 'time_limit', reason: `The run took longer than its limit of ${inWords(limitMs)}.` };
}
