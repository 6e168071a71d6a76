// The calls, spend and warnings of a run so far.
import type { TallyState } from '../../core/carriedState.ts';
import { WARNINGS_CHARS_MAX, WARNINGS_MAX } from '../../core/limits.ts';
import type { Reason } from '../../core/reasons/codes.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { Spend, Usage } from '../../core/types.ts';
import { addSpend, addUsage, NO_SPEND, NO_USAGE } from '../../core/usage.ts';

export function newTally(): TallyState {
  return { calls: 0, failedCalls: 0, usage: NO_USAGE, spend: NO_SPEND, childSpend: {}, warnings: [] };
}

export class Tally {
  #calls: number;
  #failedCalls: number;
  #usage: Usage;
  #spend: Spend;
  readonly #childSpend: Map<string, Spend>;
  readonly #warnings: Reason[];

  constructor(state: TallyState) {
    this.#calls = state.calls;
    this.#failedCalls = state.failedCalls;
    this.#usage = state.usage;
    this.#spend = state.spend;
    this.#childSpend = new Map(Object.entries(state.childSpend));
    this.#warnings = [...state.warnings];
  }

  get calls(): number {
    return this.#calls;
  }

  get failedCalls(): number {
    return this.#failedCalls;
  }

  get usage(): Usage {
    return this.#usage;
  }

  get warnings(): readonly Reason[] {
    return this.#warnings;
  }

  /** How many sub-agents were started. */
  get subAgents(): number {
    return this.#childSpend.size;
  }

  /** Includes sub-agents. Their active time is part of the run's own. */
  spend(activeMs: number): Spend {
    const sum = [...this.#childSpend.values()].reduce(addSpend, this.#spend);
    return { ...sum, activeMs };
  }

  addSpend(spend: Partial<Spend>): void {
    this.#spend = addSpend(this.#spend, spend);
  }

  addUsage(usage: Usage): void {
    this.#usage = addUsage(this.#usage, usage);
  }

  addCalls({ all, failed, ran }: { readonly all: number; readonly failed: number; readonly ran: number }): void {
    this.#calls += all;
    this.#failedCalls += failed;
    this.addSpend({ toolCalls: ran });
  }

  /** Counts a sub-agent that starts; its spend is unknown yet. */
  addSubAgent(workflowId: string): void {
    if (!this.#childSpend.has(workflowId)) this.#childSpend.set(workflowId, NO_SPEND);
  }

  recordSubAgentSpend(workflowId: string, spend: Spend): void {
    this.#childSpend.set(workflowId, spend);
  }

  warn(warning: Reason): void {
    if (this.#warnings.at(-1)?.code === 'more_warnings') return;
    const chars = this.#warnings.reduce((sum, { text }) => sum + text.length, warning.text.length);
    const fits = this.#warnings.length < WARNINGS_MAX && chars <= WARNINGS_CHARS_MAX;
    this.#warnings.push(fits ? warning : reason('more_warnings'));
  }

  /** Unless the run has a warning with this code. */
  warnOnce(warning: Reason): void {
    if (!this.#warnings.some(({ code }) => code === warning.code)) this.warn(warning);
  }

  carried(activeMs: number): TallyState {
    return {
      calls: this.#calls,
      failedCalls: this.#failedCalls,
      usage: this.#usage,
      spend: { ...this.#spend, activeMs },
      childSpend: Object.fromEntries(this.#childSpend),
      warnings: this.#warnings,
    };
  }
}
