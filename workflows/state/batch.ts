// The batch of a turn: its calls and their outcomes, by slot.
import { countsAsRun, handoffTarget } from '../../core/batch/outcomes.ts';
import type { CallView } from '../../core/batch/view.ts';
import type { BatchState } from '../../core/carriedState.ts';
import type { ModelAnswer, Outcome, PlannedCall, RecordedDecision, ToolCall } from '../../core/types.ts';
import type { SubAgent } from './subAgent.ts';

/** A call of the batch, which is also its view for the kernel. */
export interface BatchCall extends CallView {
  readonly call: ToolCall;
  readonly planned: PlannedCall;
  readonly outcome: Outcome | null;
  readonly child: SubAgent | null;
}

interface Cancellable {
  cancel(): void;
}

interface OpenCall extends BatchCall {
  planned: PlannedCall;
  outcome: Outcome | null;
  isRunning: boolean;
  decision: RecordedDecision | null;
  isEditing: boolean;
  isCancelled: boolean;
  /** A person cancelled it while it ran. */
  isCancelRequested: boolean;
  child: SubAgent | null;
  /** Cancels the running call, or the planning of its new arguments. */
  scope: Cancellable | null;
  /** Resolvers of decisions that were made while new arguments were planned. */
  waiting: (() => void)[];
}

export function newBatch({ message, plan, kind, tell, end, value }: ModelAnswer): BatchState {
  const calls = message.tool_calls ?? [];
  return {
    answer: { kind, ...(tell !== undefined && { tell }), ...(end && { end }), ...(value !== undefined && { value }) },
    calls,
    plan,
    outcomes: calls.map(() => null),
    decisions: calls.map(() => null),
    cancelled: [],
    askedAtMs: Date.now(),
    isExpired: false,
  };
}

export class Batch {
  readonly answer: BatchState['answer'];
  #askedAtMs: number;
  readonly #calls: readonly OpenCall[];
  #isExpired: boolean;
  #running = 0;

  constructor(state: BatchState) {
    this.answer = state.answer;
    this.#askedAtMs = state.askedAtMs;
    this.#isExpired = state.isExpired;
    this.#calls = state.calls.map((call, slot) => ({
      call,
      tool: call.function.name,
      // The plan has one entry for each call; for carried state, that was checked.
      planned: state.plan[slot]!,
      outcome: state.outcomes[slot] ?? null,
      isRunning: false,
      decision: state.decisions[slot] ?? null,
      isEditing: false,
      isCancelled: state.cancelled.includes(slot),
      isCancelRequested: false,
      child: null,
      scope: null,
      waiting: [],
    }));
  }

  /** When its approvals became pending, or a call last asked for input. */
  get askedAtMs(): number {
    return this.#askedAtMs;
  }

  get calls(): readonly BatchCall[] {
    return this.#calls;
  }

  /** Whether its approvals have timed out. */
  get isExpired(): boolean {
    return this.#isExpired;
  }

  get running(): number {
    return this.#running;
  }

  get isEditing(): boolean {
    return this.#calls.some(({ isEditing }) => isEditing);
  }

  /** For a finished batch, in which every call has an outcome. */
  get outcomes(): readonly Outcome[] {
    return this.#calls.map(({ outcome }) => outcome!);
  }

  /** The number of calls that count towards the budget's `toolCalls`. */
  get ran(): number {
    return this.#calls.filter(({ outcome, planned, decision }) => countsAsRun(outcome, planned, decision)).length;
  }

  /** The target of the batch's handoff, if there was one. */
  get handoffTo(): string | null {
    return this.#calls.map(handoffTarget).find((to) => to !== null) ?? null;
  }

  start(slot: number, scope: Cancellable, child: SubAgent | null): void {
    const call = this.#calls[slot]!;
    call.isRunning = true;
    call.scope = scope;
    call.child = child;
    this.#running += 1;
  }

  settle(slot: number, outcome: Outcome): void {
    const call = this.#calls[slot]!;
    if (call.isRunning) this.#running -= 1;
    // The call is over, so its new arguments are not needed.
    else if (call.isEditing) call.scope?.cancel();
    call.isRunning = false;
    call.outcome = outcome;
    call.scope = null;
    call.child = null;
  }

  /**
   * Makes a call that ran pending again, with the question that it asked. The time for an answer begins again, for all calls of the
   * batch, unless the run ends because it is over.
   */
  ask(slot: number, planned: PlannedCall, endsByExpiry: boolean): void {
    const call = this.#calls[slot]!;
    this.#running -= 1;
    call.isRunning = false;
    call.scope = null;
    call.planned = planned;
    call.decision = null;
    // Its question was on the way.
    call.isCancelled = call.isCancelRequested;
    if (endsByExpiry) return;
    this.#askedAtMs = Date.now();
    this.#isExpired = false;
  }

  decide(slot: number, decision: RecordedDecision): void {
    this.#calls[slot]!.decision = decision;
  }

  beginEdit(slot: number, scope: Cancellable): void {
    const call = this.#calls[slot]!;
    call.isEditing = true;
    call.scope = scope;
  }

  /** `planned` is the new plan of the call; null if its new arguments were not accepted. */
  endEdit(slot: number, planned: PlannedCall | null): void {
    const call = this.#calls[slot]!;
    call.isEditing = false;
    call.scope = null;
    if (planned) call.planned = planned;
    for (const resolve of call.waiting.splice(0)) resolve();
  }

  /**
   * Resolves when the new arguments of a call are planned, for waiting decisions in order. It resolves before the loop wakes, so
   * that those decisions are in time.
   */
  whenEdited(slot: number): Promise<void> {
    return new Promise((resolve) => this.#calls[slot]!.waiting.push(resolve));
  }

  expire(): void {
    this.#isExpired = true;
  }

  /** Cancels a running call, or keeps one from starting. */
  cancelCall(slot: number): void {
    const call = this.#calls[slot]!;
    if (call.isRunning) {
      call.isCancelRequested = true;
      call.scope?.cancel();
    } else call.isCancelled = true;
  }

  cancelRunning(): void {
    for (const { isRunning, scope } of this.#calls) if (isRunning) scope?.cancel();
  }

  cancelEdits(): void {
    for (const { isEditing, scope } of this.#calls) if (isEditing) scope?.cancel();
  }

  carried(): BatchState {
    return {
      answer: this.answer,
      calls: this.#calls.map(({ call }) => call),
      plan: this.#calls.map(({ planned }) => planned),
      outcomes: this.#calls.map(({ outcome }) => outcome),
      decisions: this.#calls.map(({ decision }) => decision),
      cancelled: this.#calls.flatMap(({ isCancelled }, slot) => (isCancelled ? [slot] : [])),
      askedAtMs: this.#askedAtMs,
      isExpired: this.#isExpired,
    };
  }
}
