// A turn's calls while they are carried out: what has become of each, by slot.
import { countsAsRun, handoffTarget } from '../../core/batch/outcomes.ts';
import type { CallView } from '../../core/batch/view.ts';
import type { BatchState } from '../../core/carriedState.ts';
import type { ModelAnswer, Outcome, PlannedCall, RecordedDecision, ToolCall } from '../../core/types.ts';
import type { SubAgent } from './subAgent.ts';

/** A call of the batch; the kernel sees it as it is. */
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
  child: SubAgent | null;
  /** Cancels what runs for it: the call itself, or the planning of new arguments. */
  scope: Cancellable | null;
  /** Whoever decided while new arguments were planned. */
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
  readonly askedAtMs: number;
  readonly #calls: readonly OpenCall[];
  #isExpired: boolean;
  #running = 0;

  constructor(state: BatchState) {
    this.answer = state.answer;
    this.askedAtMs = state.askedAtMs;
    this.#isExpired = state.isExpired;
    this.#calls = state.calls.map((call, slot) => ({
      call,
      tool: call.function.name,
      // One entry a call, as the activity planned it, or as the hand-over was checked.
      planned: state.plan[slot]!,
      outcome: state.outcomes[slot] ?? null,
      isRunning: false,
      decision: state.decisions[slot] ?? null,
      isEditing: false,
      isCancelled: state.cancelled.includes(slot),
      child: null,
      scope: null,
      waiting: [],
    }));
  }

  get calls(): readonly BatchCall[] {
    return this.#calls;
  }

  /** The time to decide about its calls is over. */
  get isExpired(): boolean {
    return this.#isExpired;
  }

  get running(): number {
    return this.#running;
  }

  get isEditing(): boolean {
    return this.#calls.some(({ isEditing }) => isEditing);
  }

  /** Every call has one when the batch is over. */
  get outcomes(): readonly Outcome[] {
    return this.#calls.map(({ outcome }) => outcome!);
  }

  /** Calls that a budget counts as tool calls. */
  get ran(): number {
    return this.#calls.filter(({ outcome, planned, decision }) => countsAsRun(outcome, planned, decision)).length;
  }

  /** To whom the conversation was handed, if it was. */
  get handedTo(): string | null {
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
    // Nobody waits for a rule that takes its time over new arguments.
    else if (call.isEditing) call.scope?.cancel();
    call.isRunning = false;
    call.outcome = outcome;
    call.scope = null;
    call.child = null;
  }

  decide(slot: number, decision: RecordedDecision): void {
    this.#calls[slot]!.decision = decision;
  }

  beginEdit(slot: number, scope: Cancellable): void {
    const call = this.#calls[slot]!;
    call.isEditing = true;
    call.scope = scope;
  }

  /** `planned`: the call as it was planned anew; null where its new arguments are not accepted. */
  endEdit(slot: number, planned: PlannedCall | null): void {
    const call = this.#calls[slot]!;
    call.isEditing = false;
    call.scope = null;
    if (planned) call.planned = planned;
    for (const goOn of call.waiting.splice(0)) goOn();
  }

  /**
   * Resolves when the new arguments of a call are planned, in the order in which it was asked for; and before the loop is
   * woken, so that whoever decided meanwhile has decided in time.
   */
  whenEdited(slot: number): Promise<void> {
    return new Promise((resolve) => this.#calls[slot]!.waiting.push(resolve));
  }

  expire(): void {
    this.#isExpired = true;
  }

  /** A person cancels a call: one that runs is told to stop, another one does not start. */
  cancelCall(slot: number): void {
    const call = this.#calls[slot]!;
    if (call.isRunning) call.scope?.cancel();
    else call.isCancelled = true;
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
      askedAtMs: this.askedAtMs,
      isExpired: this.#isExpired,
    };
  }
}
