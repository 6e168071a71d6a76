// Decisions of people about calls that wait: who may decide what, and what becomes of the call.
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  sleep,
} from '@temporalio/workflow';
import { RULE_TIMEOUT_MS } from '../core/limits.ts';
import { callActivityId, FAILURE, PLAN_ACTIVITY, parseActivityId, TIMER } from '../core/names.ts';
import { jsonBytes } from '../core/text.ts';
import { nobodyDecided, refused, rejection } from '../core/toolFailure.ts';
import type { Decision, PlanCallInput, PlannedCall, StandingDecision } from '../core/types.ts';
import { checkDecisionForm, noPlace, refusal } from './checks.ts';
import { type Ask, approvalTimeoutMs, type Batch, type RunState } from './runState.ts';
import { roomFor } from './taskRoom.ts';

interface Open {
  /** The call's place, in the one form that all use. */
  readonly call: string;
  readonly batch: Batch;
  readonly slot: number;
  readonly ask: Ask;
}

/** The call that a decision is about, if it still waits and is the one that was looked at; else an error that says why not. */
export function checkDecision(run: RunState, decision: Decision): Open {
  checkDecisionForm(decision);
  const place = parseActivityId(decision.call);
  if (place === null || place.slot === null) throw noPlace(decision.call);
  const { batch } = run;
  const { turn, slot } = place;
  const call = callActivityId(turn, slot);
  if (turn < 1 || turn > run.turn || (turn === run.turn && slot >= (batch?.calls.length ?? 0)))
    throw refusal(`The run ${run.workflowId} has no call ${call}.`);
  const planned = turn === run.turn ? batch?.plan[slot] : undefined;
  if (!batch || !planned) throw refusal(`The call ${call} is over.`);
  const ask = batch.asks[slot];
  if (ask?.decision) throw decided(ask.decision);
  if (!ask || 'problem' in planned) throw refusal(`The call ${call} does not wait for a decision.`);
  if (batch.outcomes[slot]) throw refusal(`The call ${call} is over: nobody decided before it was.`);
  if (planned.digest !== decision.digest)
    throw refusal(
      `The call ${call} has another tool or other arguments than those that the decision is about. Look again.`,
    );
  return { call, batch, slot, ask };
}

function decided(standing: StandingDecision): ApplicationFailure {
  const by = standing.by ? ` by ${standing.by}` : '';
  return ApplicationFailure.nonRetryable(
    `The call ${standing.call} was decided already${by}: ${standing.verdict}.`,
    FAILURE.alreadyDecided,
    standing,
  );
}

export async function decide(run: RunState, decision: Decision): Promise<StandingDecision> {
  // Looked at again: between the validator and here, another decision may have been taken.
  let open = checkDecision(run, decision);
  while (open.ask.checking) {
    // Whoever edits was first. Should the new arguments not do, the call is still to be decided about.
    const { ask } = open;
    await condition(() => !ask.checking);
    open = checkDecision(run, decision);
  }
  const { call, batch, slot, ask } = open;
  const { verdict } = decision;
  if (verdict === 'edit') {
    ask.checking = true;
    try {
      const replanned = await edited(run, batch, slot, decision.arguments!);
      if (batch.outcomes[slot]) throw refusal(`The call ${call} was over before its new arguments were looked at.`);
      batch.plan[slot] = replanned;
    } finally {
      ask.checking = false;
      run.live.wake();
    }
  }
  const standing: StandingDecision = {
    call,
    verdict,
    by: decision.by ?? null,
    why: decision.why ?? null,
    atMs: Date.now(),
    ...(verdict === 'edit' && editOf(batch.plan[slot], decision.arguments!)),
    // What is no valid text, no model API would take.
    ...(verdict === 'respond' && { text: decision.text!.toWellFormed() }),
  };
  ask.decision = standing;
  const tool = batch.calls[slot]!.function.name;
  if (verdict === 'reject') batch.outcomes[slot] = refused(tool, { kind: 'rejected', error: rejection(standing) });
  if (verdict === 'respond') batch.outcomes[slot] = { ok: true, tool, text: standing.text! };
  run.live.wake();
  const later = roomFor(run, jsonBytes(standing));
  if (later) await later;
  return standing;
}

/** What runs, and what was written: a guardrail may have changed the arguments of a person as well. */
function editOf(planned: PlannedCall | undefined, written: string): Pick<StandingDecision, 'arguments' | 'written'> {
  const ran = (planned && 'arguments' in planned && planned.arguments) || written;
  return { arguments: ran, ...(ran !== written && { written }) };
}

/** The call planned anew: its arguments are read, and every rule that forbids holds for a person as well. */
async function edited(run: RunState, batch: Batch, slot: number, json: string): Promise<PlannedCall> {
  const { planCall } = proxyActivities<{ [PLAN_ACTIVITY](input: PlanCallInput): Promise<PlannedCall> }>({
    startToCloseTimeout: 2 * RULE_TIMEOUT_MS,
    retry: { maximumAttempts: 3 },
    summary: `new arguments for ${callActivityId(run.turn, slot)}`,
  });
  const scope = new CancellationScope();
  run.live.checking.set(slot, scope);
  let replanned: PlannedCall;
  try {
    const tool = batch.calls[slot]!.function.name;
    const later = roomFor(run, jsonBytes(json));
    if (later) await later;
    replanned = await scope.run(() => planCall({ agent: run.agentName, turn: run.turn, tool, arguments: json }));
  } catch (error) {
    if (isCancellation(error)) throw refusal('The call was over while the new arguments were looked at.');
    const cause = error instanceof ActivityFailure ? error.cause : error;
    throw refusal(`The new arguments could not be looked at: ${cause instanceof Error ? cause.message : cause}`);
  } finally {
    run.live.checking.delete(slot);
  }
  if ('problem' in replanned) throw refusal(`The new arguments are not accepted: ${replanned.problem.error}`);
  return { ...replanned, arguments: replanned.arguments ?? json };
}

/** One timer for the batch: all its calls began to wait together. */
export function watchExpiry(run: RunState, batch: Batch): { stop(): void } {
  const scope = new CancellationScope();
  const open = () =>
    Object.keys(batch.asks)
      .map(Number)
      .filter((slot) => waits(batch, slot));
  if (open().length === 0) return { stop() {} };
  const timeoutMs = approvalTimeoutMs(run);
  const error = nobodyDecided(timeoutMs);

  async function watch(): Promise<void> {
    await sleep(Math.max(1, batch.askedAtMs + timeoutMs - Date.now()), { summary: TIMER.approval });
    for (;;) {
      for (const slot of open()) {
        // Whoever edits was there in time; should the new arguments not do, it is over then.
        if (batch.asks[slot]?.checking) continue;
        batch.outcomes[slot] = refused(batch.calls[slot]!.function.name, { kind: 'rejected', error });
        if (run.agent?.rules.whenApprovalExpires === 'end') batch.expired = error;
      }
      run.live.wake();
      if (open().length === 0) return;
      await condition(() => open().some((slot) => !batch.asks[slot]?.checking) || open().length === 0);
    }
  }
  scope.run(watch).catch((failure) => {
    if (!isCancellation(failure)) throw failure;
  });
  return { stop: () => scope.cancel() };
}

function waits({ asks, outcomes }: Batch, slot: number): boolean {
  return !asks[slot]?.decision && !outcomes[slot];
}
