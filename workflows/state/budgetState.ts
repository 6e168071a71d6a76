// The budget of a run: its limits as raised, the one that is reached, and whether the run asks for more.
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

  /** The limit that kept a call from running, until it is raised. */
  get callLimitReached(): BudgetReached | null {
    return this.#reached;
  }

  get asksAtLimit(): boolean {
    return this.#limits?.atLimit === 'ask';
  }

  /** Whether a budget limits what sub-agents spend; their time is in the run's own. */
  get limitsSubAgents(): boolean {
    const { tokens, cost, modelCalls, toolCalls } = this.#limits ?? {};
    return [tokens, cost, modelCalls, toolCalls].some((limit) => limit !== undefined);
  }

  get limitsCost(): boolean {
    return this.#limits?.cost !== undefined;
  }

  /** Active time after which the run is cut off: a run that asks is not, in the middle of a turn. */
  get cutOffMs(): number {
    return this.asksAtLimit ? Number.POSITIVE_INFINITY : limitOf(this.#limits, 'activeMs');
  }

  /** The agent's own limits, where neither the input nor a raise named others. */
  addAgentLimits(limits: Budget | undefined): void {
    if (limits || this.#limits) this.#limits = { ...limits, ...this.#limits };
  }

  /** The limit that keeps the run from going on. */
  reached(spend: Spend): BudgetReached | null {
    return this.#limits === undefined ? null : (this.#reached ?? limitReached(this.#limits, spend));
  }

  /** A limit has kept a call or a sub-agent from going on. */
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

  /** Unless another limit is reached: then the run asks on, for that. */
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
