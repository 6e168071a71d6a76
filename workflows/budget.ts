// The budget of a run and its sub-agents: whether another model call, or another tool call, is within it.
import { limitInWords, limitOf, limitReached } from '../core/budget.ts';
import { inWords } from '../core/text.ts';
import type { AgentRules, Budget, Question } from '../core/types.ts';
import { type End, type RunState, totalSpend } from './runState.ts';

/** The budget as it stands: raised limits before the run's own, and those before the agent's. */
export function budgetOf(run: RunState): Budget | undefined {
  return run.budget ?? run.input.budget;
}

export function asksAtLimit(run: RunState): boolean {
  return budgetOf(run)?.atLimit === 'ask';
}

/** Whether a budget limits what sub-agents spend; their time is in this run's own. */
export function wantsReports(run: RunState): boolean {
  const { tokens, cost, modelCalls, toolCalls } = budgetOf(run) ?? {};
  return [tokens, cost, modelCalls, toolCalls].some((limit) => limit !== undefined);
}

/** Whether the cost is limited, here or above: then every model has to have a price. */
export function limitsCost(run: RunState): boolean {
  return budgetOf(run)?.cost !== undefined || run.input.parent?.priced === true;
}

/** Which limit is reached, in words. */
export function overBudget(run: RunState): string | null {
  const budget = budgetOf(run);
  return budget === undefined ? null : (run.budgetReached ?? limitReached(budget, totalSpend(run)));
}

/**
 * Which limit keeps sub-agents from going on. Their calls cannot be refused one by one from here, so that more of them than
 * allowed count as well.
 */
export function childrenOverBudget(run: RunState, started: number): string | null {
  const over = overBudget(run);
  const budget = budgetOf(run);
  if (over !== null || budget === undefined) return over;
  const spend = totalSpend(run);
  if (spend.toolCalls + started <= limitOf(budget, 'toolCalls')) return null;
  run.budgetReached = limitInWords(budget, 'toolCalls', spend);
  return run.budgetReached;
}

export function askForBudget(run: RunState): void {
  run.budgetAskedAtMs ??= Date.now();
}

/** After a batch: a run that asks has no call left that it kept from running. */
export function askNoMoreForCalls(run: RunState): void {
  if (!asksAtLimit(run)) return;
  run.budgetReached = null;
  if (overBudget(run) === null) run.budgetAskedAtMs = null;
}

export function budgetQuestion(run: RunState): Question[] {
  const reason = overBudget(run);
  if (run.budgetAskedAtMs === null || reason === null) return [];
  return [{ kind: 'budget', reason, sinceMs: run.budgetAskedAtMs }];
}

/** Why no more calls may run, when `started` of its batch have; null where they may. */
export function callsUsedUp(run: RunState, started: number): string | null {
  const budget = budgetOf(run);
  if (budget === undefined) return null;
  const spend = totalSpend(run);
  return spend.toolCalls + started >= limitOf(budget, 'toolCalls') ? limitInWords(budget, 'toolCalls', spend) : null;
}

/** Why a call may not start, when `started` calls of its batch have; null where it may. */
export function callsAllowed(run: RunState, started: number, isSubAgent: boolean): string | null {
  const budget = budgetOf(run);
  const usedUp = callsUsedUp(run, started);
  if (usedUp !== null || budget === undefined) return usedUp;
  // What is left to do of a turn costs no tokens, unless it asks models itself.
  return isSubAgent ? limitReached(budget, totalSpend(run)) : null;
}

/** A run that asks is not cut off at its limit of time; but its sub-agents have to hear of it while they run. */
export function watchTime(run: RunState): void {
  const { activeMs } = budgetOf(run) ?? {};
  if (activeMs !== undefined && asksAtLimit(run)) run.live.clock.alarmAt(activeMs, () => run.live.wake());
}

/** How long the run may be active: its time limit, or its budget of time where that ends it sooner. */
export function timeLimitMs(run: RunState, rules: AgentRules): number {
  return Math.min(rules.timeLimitMs, budgetOfTimeMs(run));
}

function budgetOfTimeMs(run: RunState): number {
  // A run that asks is not cut off in the middle of a turn.
  return asksAtLimit(run) ? Number.POSITIVE_INFINITY : limitOf(budgetOf(run), 'activeMs');
}

export function timeLimitEnd(run: RunState): End {
  const limitMs = run.agent?.rules.timeLimitMs ?? 0;
  const budget = budgetOf(run);
  if (budget && budgetOfTimeMs(run) < limitMs)
    return { status: 'budget', reason: limitInWords(budget, 'activeMs', totalSpend(run)) };
  return { status: 'time_limit', reason: `The run took longer than its limit of ${inWords(limitMs)}.` };
}
