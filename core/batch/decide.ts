// The kernel: a pure function from the view of a batch to the steps that are due. The workflow decides with it while a batch
// runs, and the read model reaches the same decisions from history.
import { budgetReached, limitOf, limitReached } from '../budget.ts';
import type { Reason, ReasonOf } from '../reasons/codes.ts';
import { reason } from '../reasons/reason.ts';
import type { AllowedCall, FailureKind, Outcome } from '../types.ts';
import { inputOf } from './input.ts';
import {
  countsAsRun,
  handoffOutcome,
  handoffTarget,
  notRun,
  problemOutcome,
  subAgentRefusal,
  succeeded,
} from './outcomes.ts';
import type { BatchControl, BatchDecision, BatchRules, BatchStep, BatchView, CallView } from './view.ts';

export function decideBatch(view: BatchView): BatchDecision {
  const { calls, control, rules, budget, spend } = view;
  const asks = budget?.atLimit === 'ask';
  const steps: BatchStep[] = [];
  /** Calls that have not started and have no outcome yet. */
  let open: number[] = [];
  let busy = 0;
  let running = 0;
  /** Calls of the batch that count towards the budget's `toolCalls`. */
  let counted = 0;
  let { subAgents, reached } = view;
  let handoffTo: string | null = null;

  const halted = haltReason(control);
  reviewCalls();
  const ended = halted ?? expiryReason(view) ?? cancelReason(control);
  if (ended !== null) {
    for (const slot of open) settle(slot, notStarted(calls[slot]!, 'cancelled', ended));
    open = [];
  } else if (!control.isPaused) {
    startCalls();
    refuseCalls();
  }
  steerSubAgents();
  return { steps, reached, waitsFor: waitsFor() };

  function settle(slot: number, outcome: Outcome): void {
    steps.push({ do: 'settle', slot, outcome });
  }

  /** Counts the running calls, settles those that cannot start, and collects the open ones. */
  function reviewCalls(): void {
    for (const [slot, call] of calls.entries()) {
      const { tool, planned, outcome } = call;
      if (call.isRunning) {
        running += 1;
        counted += 1;
        // A sub-agent that waits for people does not count towards `parallel`, like a pending approval.
        if (!call.child?.isWaiting) busy += 1;
      } else if (outcome) {
        if (countsAsRun(outcome, planned, call.decision)) counted += 1;
        handoffTo ??= handoffTarget(call);
      } else if ('problem' in planned) settle(slot, problemOutcome(tool, planned.problem));
      else {
        // It has run before, and counts, answered or not.
        if (inputOf(planned)) counted += 1;
        const outcome = outcomeByPeople(call) ?? (halted === null ? outcomeByExpiry(call, control, rules) : null);
        if (outcome) settle(slot, outcome);
        else open.push(slot);
      }
    }
  }

  /** Starts calls within the limits, in order. If a tool is at its own limit, later calls of other tools go first. */
  function startCalls(): void {
    if (open.length === 0) return;
    const busyOf = busyByTool(calls);
    open = open.filter((slot) => {
      const call = calls[slot]!;
      const { tool } = call;
      if (!isReady(call)) return true;
      const { handoff, child } = plannedOf(slot);
      if (handoff !== undefined) {
        settle(slot, handoffOutcome(tool, handoff, handoffTo));
        handoffTo ??= handoff;
        return false;
      }
      const ofTool = busyOf.get(tool) ?? 0;
      const isWithinLimits = busy < rules.parallel && ofTool < (rules.maxParallelOf(tool) ?? Number.POSITIVE_INFINITY);
      if (!isWithinLimits || refusalOf(slot) !== null) return true;
      steps.push({ do: 'start', slot });
      busyOf.set(tool, ofTool + 1);
      running += 1;
      busy += 1;
      if (!inputOf(call.planned)) counted += 1;
      if (child) subAgents += 1;
      return false;
    });
  }

  /** Settles calls that may not run in any case, so that nobody waits for them or decides about them. */
  function refuseCalls(): void {
    open = open.filter((slot) => {
      const { tool } = calls[slot]!;
      const { handoff } = plannedOf(slot);
      if (handoff !== undefined) {
        if (handoffTo === null) return true;
        settle(slot, handoffOutcome(tool, handoff, handoffTo));
        return false;
      }
      const refusal = refusalOf(slot);
      if (refusal === null) return true;
      if (refusal.code !== 'budget_reached') {
        settle(slot, notRun(tool, 'rejected', refusal));
        return false;
      }
      reached ??= refusal;
      if (!asks) settle(slot, notRun(tool, 'rejected', reason('call_over_budget', refusal.parameters)));
      return asks;
    });
  }

  function refusalOf(slot: number): ReasonOf<'budget_reached'> | ReturnType<typeof subAgentRefusal> {
    // It has run already, and counts.
    if (inputOf(calls[slot]!.planned)) return null;
    if (budget && spend.toolCalls + counted >= limitOf(budget, 'toolCalls'))
      return budgetReached(budget, 'toolCalls', spend);
    if (!plannedOf(slot).child) return null;
    // Only a sub-agent spends tokens within a turn. A limit of active time that stops the run has its own timer.
    const overBudget = budget ? limitReached(asks ? budget : { ...budget, activeMs: undefined }, spend) : null;
    return overBudget ?? subAgentRefusal(rules.depth, rules.maxDepth, subAgents, rules.maxSubAgents);
  }

  /** Pauses and stops sub-agents with the run, and when they reach a limit together. */
  function steerSubAgents(): void {
    const children = calls.flatMap(({ child, isRunning }, slot) => (child && isRunning ? [{ child, slot }] : []));
    if (children.length === 0) return;
    reached ??= subAgentsOver();
    const stop = control.stop ?? (reached && !asks ? { why: reached.text } : null);
    const pauses = control.isPaused || reached !== null;
    for (const { slot, child } of children) {
      if (!child.isStarted || child.isStopped) continue;
      if (stop) steps.push({ do: 'stop', slot, attribution: stop });
      else if (child.isPaused !== pauses) steps.push({ do: pauses ? 'pause' : 'resume', slot });
    }
  }

  /** The run cannot refuse a sub-agent's calls one by one, so exceeding a limit counts as reaching it. */
  function subAgentsOver(): ReasonOf<'budget_reached'> | null {
    if (!budget) return null;
    const over = limitReached(budget, spend);
    if (over !== null || spend.toolCalls + counted <= limitOf(budget, 'toolCalls')) return over;
    return budgetReached(budget, 'toolCalls', spend);
  }

  function waitsFor(): BatchDecision['waitsFor'] {
    if (running + open.length === 0) return null;
    return busy === 0 && !open.some((slot) => calls[slot]!.isEditing) ? 'people' : 'calls';
  }

  /** The plan of an open call, which has no problem. */
  function plannedOf(slot: number): AllowedCall {
    return calls[slot]!.planned as AllowedCall;
  }
}

/** Returns the outcome that a person's decision or cancellation gives a call before it starts. */
function outcomeByPeople(call: CallView): Outcome | null {
  const { tool, planned, decision, isCancelled } = call;
  if (isCancelled) return notStarted(call, 'cancelled', reason('call_not_started', { why: 'cancelled' }));
  if (decision?.verdict === 'reject') {
    const { by, why } = decision;
    return notStarted(call, 'rejected', reason('call_rejected', { ...(by && { by }), ...(why && { why }) }));
  }
  return decision?.verdict === 'respond' && !inputOf(planned) ? succeeded(tool, decision.text ?? '') : null;
}

/** The outcome of a call that does not start. One that asked for input has run before. */
function notStarted({ tool, planned }: CallView, kind: FailureKind, why: Reason): Outcome {
  if (!inputOf(planned)) return notRun(tool, kind, why);
  return { ok: false, ran: true, tool, kind, reason: reason('call_not_answered', { why: why.text }) };
}

function outcomeByExpiry(call: CallView, control: BatchControl, rules: BatchRules): Outcome | null {
  if (!isOverdue(call, control)) return null;
  const { approvalTimeoutMs: timeoutMs } = rules;
  const why = reason('call_approval_timed_out', { timeoutMs });
  // Its code says that the run ends, if the agent wants that.
  return { ok: false, ran: inputOf(call.planned) !== undefined, tool: call.tool, kind: 'rejected', reason: why };
}

/** Whether the call is a pending approval. */
export function needsDecision({ planned, outcome, decision, isCancelled }: CallView): boolean {
  return !outcome && !decision && !isCancelled && 'ask' in planned && planned.ask !== undefined;
}

function isReady(call: CallView): boolean {
  return !needsDecision(call) && !call.isEditing;
}

/** Whether the approval timed out. An edit in progress counts as in time; if it is rejected, the call expires then. */
function isOverdue(call: CallView, { isExpired }: BatchControl): boolean {
  return isExpired && needsDecision(call) && !call.isEditing;
}

// Events of one workflow task have an order: people's commands come before the timer of approvals, and that before a
// cancellation or the timer of the run, which the workflow notices last.

/** Returns why nothing more of the batch starts, if a person interrupted or stopped the run. */
function haltReason({ isInterrupted, stop }: BatchControl): Reason | null {
  if (isInterrupted) return reason('call_not_started', { why: 'interrupted' });
  if (stop) return reason('call_not_started', { why: 'stopped' });
  return null;
}

/** Returns why nothing more of the batch starts, if the run ends because an approval timed out. */
function expiryReason(view: BatchView): Reason | null {
  const { approvalTimeoutMs: timeoutMs } = view.rules;
  return endsByExpiry(view) ? reason('call_not_run_approval', { timeoutMs }) : null;
}

/** Whether the run ends because an approval timed out. */
export function endsByExpiry({ control, rules, calls }: Pick<BatchView, 'control' | 'rules' | 'calls'>): boolean {
  if (!control.isExpired || rules.whenApprovalExpires !== 'end') return false;
  return calls.some((call) => isOverdue(call, control) || hasTimedOut(call.outcome));
}

function cancelReason({ isCancelled }: BatchControl): Reason | null {
  return isCancelled ? reason('call_not_started', { why: 'cancelled' }) : null;
}

function hasTimedOut(outcome: Outcome | null): boolean {
  return outcome?.ok === false && outcome.reason.code === 'call_approval_timed_out';
}

function busyByTool(calls: readonly CallView[]): Map<string, number> {
  const byTool = new Map<string, number>();
  for (const { tool, isRunning, child } of calls)
    if (isRunning && !child?.isWaiting) byTool.set(tool, (byTool.get(tool) ?? 0) + 1);
  return byTool;
}
