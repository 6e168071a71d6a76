// The budget of a run: its current limits, the one that is reached, and whether the run asks for more.
import type { BudgetReached } from '../../core/budget.ts';
import { limitOf, limitReached } from '../../core/budget.ts';
import type { BudgetState } from '../../core/carriedState.ts';
import type { Budget, Question, Spend } from '../../core/types.ts';

export class RunBudget {
  #limits: Budget | undefined;
  #reached: BudgetReached | null;
  #askedAtMs: number | null;

  constructor(state: BudgetState) {
    this.#limits = state.limits ?? undefined;
    this.#reached = state.reached;
    this.#askedAtMs = state.askedAtMs;
  }

  get limits(): Budget | undefined {
    return this.#limits;
  }

  /** The limit that kept a call from running; null once it is raised. */
  get callLimitReached(): BudgetReached | null {
    return this.#reached;
  }

  get asksAtLimit(): boolean {
    return this.#limits?.atLimit === 'ask';
  }

  /** Whether the budget limits sub-agents by their reports. Their active time is part of the run's own. */
  get limitsSubAgents(): boolean {
    const { tokens, cost, modelCalls, toolCalls } = this.#limits ?? {};
    return [tokens, cost, modelCalls, toolCalls].some((limit) => limit !== undefined);
  }

  get limitsCost(): boolean {
    return this.#limits?.cost !== undefined;
  }

  /** Active time after which the run ends, even within a turn; infinite if it asks for more instead. */
  get cutOffMs(): number {
    return this.asksAtLimit ? Number.POSITIVE_INFINITY : limitOf(this.#limits, 'activeMs');
  }

  /** Adds the agent's limits; those of the input and raised ones take precedence. */
  addAgentLimits(limits: Budget | undefined): void {
    if (limits || this.#limits) this.#limits = { ...limits, ...this.#limits };
  }

  /** Returns the limit that keeps the run from continuing; null if none is reached. */
  reached(spend: Spend): BudgetReached | null {
    return this.#limits === undefined ? null : (this.#reached ?? limitReached(this.#limits, spend));
  }

  /** Records the limit that keeps a call or a sub-agent from running. */
  recordReached(reached: BudgetReached): void {
    this.#reached = reached;
  }

  ask(): void {
    this.#askedAtMs ??= Date.now();
  }

  raise(limits: Budget, spend: Spend): void {
    this.#limits = { ...this.#limits, ...limits };
    this.stopAsking(spend);
  }

  /** If another limit is reached, the run keeps asking, for that one. */
  stopAsking(spend: Spend): void {
    this.#reached = null;
    if (this.reached(spend) === null) this.#askedAtMs = null;
  }

  question(spend: Spend): Question[] {
    const reached = this.reached(spend);
    if (this.#askedAtMs === null || reached === null) return [];
    return [{ kind: 'budget', reason: reached.text, reached, sinceMs: this.#askedAtMs }];
  }

  carried(): BudgetState {
    return { limits: this.#limits ?? null, reached: this.#reached, askedAtMs: this.#askedAtMs };
  }
}
