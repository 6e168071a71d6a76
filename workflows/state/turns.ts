// Counts turns and consecutive failures, which decide whether there is another turn.

import { allToolsFailed } from '../../core/batch/report.ts';
import type { TurnState } from '../../core/carriedState.ts';
import type { Outcome, ToolCall } from '../../core/types.ts';

const NO_FAILURE = { key: '', times: 0 } as const;

export function newTurns(): TurnState {
  return { turn: 0, limitFrom: 0, failedBatches: 0, sameFailure: NO_FAILURE, truncated: 0, repairs: 0, handoffs: 0 };
}

export class Turns {
  #turn: number;
  #limitFrom: number;
  #failedBatches: number;
  #sameFailure: TurnState['sameFailure'];
  #truncated: number;
  #repairs: number;
  #handoffs: number;
  #outage: TurnState['outage'];

  constructor(state: TurnState) {
    this.#turn = state.turn;
    this.#limitFrom = state.limitFrom;
    this.#failedBatches = state.failedBatches;
    this.#sameFailure = state.sameFailure;
    this.#truncated = state.truncated;
    this.#repairs = state.repairs;
    this.#handoffs = state.handoffs;
    this.#outage = state.outage;
  }

  /** The current turn. */
  get turn(): number {
    return this.#turn;
  }

  /** The number of turns that count against `maxTurns`. */
  get limited(): number {
    return this.#turn - this.#limitFrom;
  }

  get failedBatches(): number {
    return this.#failedBatches;
  }

  get sameFailures(): number {
    return this.#sameFailure.times;
  }

  get truncated(): number {
    return this.#truncated;
  }

  get repairs(): number {
    return this.#repairs;
  }

  get handoffs(): number {
    return this.#handoffs;
  }

  get outage(): TurnState['outage'] {
    return this.#outage;
  }

  begin(): void {
    this.#turn += 1;
  }

  /** The turn has not begun: the model is to be called again for it. */
  retract(): void {
    this.#turn -= 1;
  }

  recordOutage(sinceMs: number): void {
    this.#outage = { sinceMs, tries: (this.#outage?.tries ?? 0) + 1 };
  }

  endOutage(): void {
    this.#outage = undefined;
  }

  /** Excludes the current turn, which the provider refused, from `maxTurns`. */
  uncount(): void {
    this.#limitFrom += 1;
  }

  /** A message of a person resets all limits: earlier failures say nothing about what follows. */
  startOver(): void {
    this.#limitFrom = this.#turn;
    this.#failedBatches = 0;
    this.#sameFailure = NO_FAILURE;
    this.#truncated = 0;
    this.#repairs = 0;
    this.#handoffs = 0;
  }

  recordTruncated(isTruncated: boolean): void {
    this.#truncated = isTruncated ? this.#truncated + 1 : 0;
  }

  recordRepair(isRepair: boolean): void {
    this.#repairs = isRepair ? this.#repairs + 1 : 0;
  }

  recordHandoff(): void {
    this.#handoffs += 1;
  }

  recordBatch(calls: readonly ToolCall[], outcomes: readonly Outcome[]): void {
    if (allToolsFailed(outcomes)) this.#failedBatches += 1;
    else if (outcomes.some(({ ok }) => ok)) this.#failedBatches = 0;
    const [call] = calls;
    const [outcome] = outcomes;
    if (calls.length !== 1 || !call || !outcome || outcome.ok) {
      this.#sameFailure = NO_FAILURE;
      return;
    }
    const { name, arguments: args } = call.function;
    const key = JSON.stringify([name, args, outcome.kind, outcome.reason.text]);
    this.#sameFailure = { key, times: key === this.#sameFailure.key ? this.#sameFailure.times + 1 : 1 };
  }

  carried(): TurnState {
    return {
      turn: this.#turn,
      limitFrom: this.#limitFrom,
      failedBatches: this.#failedBatches,
      sameFailure: this.#sameFailure,
      truncated: this.#truncated,
      repairs: this.#repairs,
      handoffs: this.#handoffs,
      ...(this.#outage && { outage: this.#outage }),
    };
  }
}
