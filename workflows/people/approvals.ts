// Decisions about pending approvals, and their timeout.
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  scheduleActivity,
  sleep,
} from '@temporalio/workflow';
import { resultProblem } from '../../core/activityResults.ts';
import { countOpenApprovals } from '../../core/batch/approvals.ts';
import { guardCall } from '../../core/batch/effects.ts';
import { inputOf } from '../../core/batch/input.ts';
import { deciderProblem, decidersOf, roleOf } from '../../core/deciders.ts';
import { RULE_TIMEOUT_MS } from '../../core/limits.ts';
import { callActivityId, editActivityId, FAILURE, PLAN_ACTIVITY, parseActivityId, TIMER } from '../../core/names.ts';
import { reason } from '../../core/reasons/reason.ts';
import { requestProblem } from '../../core/requests.ts';
import { cutText, jsonBytes } from '../../core/text.ts';
import type { AllowedCall, Ask, Decision, PlanCallInput, PlannedCall, RecordedDecision } from '../../core/types.ts';
import { CallScope } from '../runtime/callScope.ts';
import type { Batch } from '../state/batch.ts';
import type { Run } from '../state/run.ts';
import { check, refusal, refusalOf } from './refusal.ts';

interface Pending {
  /** The call id. */
  readonly call: string;
  readonly batch: Batch;
  readonly slot: number;
  readonly ask: Ask;
}

/** Returns the pending call of a decision. Throws a refusal if it is not pending, or differs from what the person saw. */
export function pendingCall(run: Run, decision: Decision): Pending {
  check(requestProblem.decide(decision));
  const ids = parseActivityId(decision.call);
  if (ids === null || ids.slot === null)
    throw refusal('not_a_call', { given: cutText(JSON.stringify(decision.call), 100) });
  const { batch, turns } = run;
  const { turn, slot } = ids;
  const call = callActivityId(turn, slot);
  if (turn < 1 || turn > turns.turn || (turn === turns.turn && slot >= (batch?.calls.length ?? 0)))
    throw refusal('no_such_call', { workflowId: run.workflowId, call });
  const found = turn === turns.turn ? batch?.calls[slot] : undefined;
  if (!batch || !found) throw refusal('call_over', { call });
  if (found.decision) throw alreadyDecided(found.decision);
  if ('problem' in found.planned || !found.planned.ask) throw refusal('call_not_pending', { call });
  if (found.outcome || found.isCancelled || run.control.stop) throw refusal('call_over', { call });
  const { external } = found.planned.ask;
  if (external && decision.verdict !== 'respond' && decision.verdict !== 'reject')
    throw refusal('call_external', { call });
  if (found.planned.digest !== decision.digest) throw refusal('call_changed', { call });
  checkDecider(run, call, found.planned.ask, decision);
  return { call, batch, slot, ask: found.planned.ask };
}

/** Throws a refusal if whoever decides may not, by what the sender says of them. */
function checkDecider({ startedBy }: Run, call: string, ask: Ask | undefined, decision: Decision): void {
  const problem = deciderProblem({ call, ...decidersOf(ask, startedBy) }, decision);
  if (problem) throw refusalOf(problem);
}

/** The details have the decision that counts. */
function alreadyDecided(first: RecordedDecision): ApplicationFailure {
  const { call, verdict, by } = first;
  const { text } = reason('already_decided', { call, verdict, ...(by && { by }) });
  return ApplicationFailure.nonRetryable(text, FAILURE.alreadyDecided, first);
}

export async function decide(run: Run, decision: Decision): Promise<RecordedDecision> {
  // Checked again: another decision may have been accepted after the validator ran.
  let pending = pendingCall(run, decision);
  while (pending.batch.calls[pending.slot]!.isEditing) {
    // The edit came first. If its arguments are not accepted, this decision counts.
    const { batch, slot } = pending;
    await batch.whenEdited(slot);
    pending = pendingCall(run, decision);
  }
  const { verdict, text } = decision;
  if (verdict === 'edit') return edit(run, pending, decision);
  // A model API would refuse ill-formed text.
  if (verdict !== 'respond') return record(run, pending, decision, {});
  // The model still reads that a person changed the arguments.
  const edited = inputOf(pending.batch.calls[pending.slot]!.planned)?.decision?.arguments;
  return record(run, pending, decision, {
    text: text!.toWellFormed(),
    ...(edited !== undefined && { arguments: edited }),
  });
}

async function edit(run: Run, pending: Pending, decision: Decision): Promise<RecordedDecision> {
  const { call, batch, slot, ask } = pending;
  const written = decision.arguments!;
  // If the run is cancelled, the loop ends the call, and the edit with it. If the cancellation reached the edit directly, its
  // outcome would depend on the order of events in an activation.
  const scope = new CallScope();
  batch.beginEdit(slot, scope);
  let planned: AllowedCall;
  try {
    planned = await replan(run, batch, slot, written, scope);
    if (batch.calls[slot]!.outcome) throw refusal('call_over', { call });
    // With other arguments, the call may be for others to decide about.
    checkDecider(run, call, planned.ask, decision);
  } catch (error) {
    batch.endEdit(slot, null);
    run.wake.wake();
    throw error;
  }
  batch.endEdit(slot, planned);
  // A guardrail may change a person's arguments too.
  const ran = planned.arguments ?? written;
  const decided = { ...pending, ask: planned.ask?.by ? planned.ask : ask };
  return record(run, decided, decision, { arguments: ran, ...(ran !== written && { written }) });
}

async function record(
  run: Run,
  { call, batch, slot, ask }: Pending,
  decision: Decision,
  more: Pick<RecordedDecision, 'arguments' | 'written' | 'text'>,
): Promise<RecordedDecision> {
  const { verdict, by, why } = decision;
  const role = verdict === 'reject' ? undefined : roleOf(ask, decision);
  const recorded: RecordedDecision = {
    call,
    verdict,
    by: by ?? null,
    why: why ?? null,
    atMs: Date.now(),
    ...(role !== undefined && { role }),
    ...more,
  };
  batch.decide(slot, recorded);
  run.wake.wakeSoon();
  const later = run.task.until(jsonBytes(recorded));
  if (later) await later;
  return recorded;
}

/** Plans the call with a person's arguments. They are validated, and permissions and guardrails apply to people as well. */
async function replan(run: Run, batch: Batch, slot: number, written: string, scope: CallScope): Promise<AllowedCall> {
  const { turn } = run.turns;
  const { tool } = batch.calls[slot]!;
  const { context } = run.input;
  const input: PlanCallInput = {
    agent: run.agentName,
    turn,
    tool,
    arguments: written,
    ...(context && { context }),
  };
  const options = {
    activityId: editActivityId(turn, slot),
    startToCloseTimeout: 2 * RULE_TIMEOUT_MS,
    retry: { maximumAttempts: 3 },
    summary: `new arguments for ${callActivityId(turn, slot)}`,
  };
  let planned: PlannedCall;
  try {
    const later = run.task.until(jsonBytes(written));
    if (later) await later;
    planned = await scope.run(() => scheduleActivity<PlannedCall>(PLAN_ACTIVITY, [input], options));
  } catch (error) {
    if (isCancellation(error)) throw refusal('call_over', { call: callActivityId(turn, slot) });
    const cause = error instanceof ActivityFailure ? error.cause : error;
    throw refusal('edit_not_planned', { error: cause instanceof Error ? cause.message : String(cause) });
  }
  const problem = resultProblem.plan(planned);
  if (problem !== null) throw refusal('edit_not_planned', { error: problem });
  const guarded = guardCall(planned, tool, run.agent, run.guard);
  if ('problem' in guarded) throw refusal('edit_rejected', { problem: guarded.problem.reason.text });
  return { ...guarded, arguments: guarded.arguments ?? written };
}

/** One timer for the batch: all its approvals became pending together. */
export function watchExpiry(run: Run, batch: Batch): { stop(): void } {
  if (batch.isExpired || countOpenApprovals(batch.calls) === 0) return { stop() {} };
  const scope = new CancellationScope();
  const { askedAtMs } = batch;
  const expiresAtMs = askedAtMs + run.batchRules.approvalTimeoutMs;
  scope
    .run(() => sleep(Math.max(1, expiresAtMs - Date.now()), { summary: TIMER.approval }))
    .then(
      () => {
        // A call that has asked in the same task has its own time.
        if (batch.askedAtMs !== askedAtMs) return;
        batch.expire();
        run.wake.wake();
      },
      (error) => {
        if (!isCancellation(error)) throw error;
      },
    );
  return { stop: () => scope.cancel() };
}
