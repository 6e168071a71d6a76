// Decisions of people about calls that wait: who may decide what, and what becomes of the call.
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  sleep,
} from '@temporalio/workflow';
import { RESULT_BYTES_MAX, RULE_TIMEOUT_MS } from '../core/limits.ts';
import { callActivityId, FAILURE, PLAN_ACTIVITY, parseActivityId } from '../core/names.ts';
import { count, inWords, utf8Length } from '../core/text.ts';
import { refused, rejection } from '../core/toolFailure.ts';
import type { AllowedCall, Decision, PlanCallInput, PlannedCall, StandingDecision, Verdict } from '../core/types.ts';
import { type Ask, approvalTimeoutMs, type Batch, type RunState } from './runState.ts';

const VERDICTS: readonly Verdict[] = ['approve', 'edit', 'reject', 'respond'];

interface Open {
  readonly batch: Batch;
  readonly slot: number;
  readonly ask: Ask;
  readonly planned: AllowedCall;
}

/** The call that a decision is about, if it still waits and is the one that was looked at; else an error that says why not. */
export function checkDecision(run: RunState, decision: Decision): Open {
  const { call, digest, verdict, arguments: edited, text } = decision ?? {};
  const place = parseActivityId(String(call));
  if (place === null || place.slot === null)
    throw refusal(`${JSON.stringify(call)} names no call. A call is named by its turn and slot, for example "2.0".`);
  if (!VERDICTS.includes(verdict)) throw refusal(`The verdict must be one of ${VERDICTS.join(', ')}.`);
  if (verdict === 'edit' && typeof edited !== 'string') throw refusal('An edit needs the new arguments, as JSON.');
  if (verdict === 'respond' && typeof text !== 'string') throw refusal('A response needs a text.');
  if (utf8Length(text ?? '') > RESULT_BYTES_MAX)
    throw refusal(`A response has at most ${count(RESULT_BYTES_MAX)} bytes.`);

  const { batch } = run;
  const { turn, slot } = place;
  const name = callActivityId(turn, slot);
  if (turn > run.turn || (turn === run.turn && slot >= (batch?.calls.length ?? 0)))
    throw refusal(`The run ${run.workflowId} has no call ${name}.`);
  const planned = turn === run.turn ? batch?.plan[slot] : undefined;
  if (!batch || !planned) throw refusal(`The call ${name} is over.`);
  const ask = batch.asks[slot];
  if (ask?.decision) throw decided(ask.decision);
  if (!ask || 'problem' in planned) throw refusal(`The call ${name} does not wait for a decision.`);
  if (batch.outcomes[slot]) throw refusal(`The call ${name} is over: nobody decided before it was.`);
  if (planned.digest !== digest)
    throw refusal(
      `The call ${name} has another tool or other arguments than those that the decision is about. Look again.`,
    );
  if (ask.checking) throw refusal(`New arguments for the call ${name} are being looked at. Try again in a moment.`);
  return { batch, slot, ask, planned };
}

function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, FAILURE.refusedOrder);
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
  const { batch, slot, ask } = checkDecision(run, decision);
  if (decision.verdict === 'edit') {
    ask.checking = true;
    try {
      batch.plan[slot] = await edited(run, batch, slot, decision.arguments!);
    } finally {
      ask.checking = false;
      run.live.wake();
    }
    if (batch.outcomes[slot])
      throw refusal(`The call ${decision.call} was over before its new arguments were looked at.`);
  }
  const standing: StandingDecision = {
    call: decision.call,
    verdict: decision.verdict,
    by: decision.by ?? null,
    why: decision.why ?? null,
    atMs: Date.now(),
    ...(decision.verdict === 'edit' && { arguments: decision.arguments! }),
    ...(decision.verdict === 'respond' && { text: decision.text! }),
  };
  ask.decision = standing;
  const tool = batch.calls[slot]!.function.name;
  if (decision.verdict === 'reject')
    batch.outcomes[slot] = refused(tool, { kind: 'rejected', error: rejection(standing) });
  if (decision.verdict === 'respond') batch.outcomes[slot] = { ok: true, tool, text: decision.text! };
  run.live.wake();
  return standing;
}

/** The call planned anew: its arguments are read, and every rule that forbids holds for a person as well. */
async function edited(run: RunState, batch: Batch, slot: number, json: string): Promise<PlannedCall> {
  const { planCall } = proxyActivities<{ [PLAN_ACTIVITY](input: PlanCallInput): Promise<PlannedCall> }>({
    startToCloseTimeout: 2 * RULE_TIMEOUT_MS,
    retry: { maximumAttempts: 3 },
    summary: `new arguments for ${callActivityId(run.turn, slot)}`,
  });
  let replanned: PlannedCall;
  try {
    replanned = await planCall({
      agent: run.agentName,
      turn: run.turn,
      tool: batch.calls[slot]!.function.name,
      arguments: json,
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    const cause = error instanceof ActivityFailure ? error.cause : error;
    throw refusal(`The new arguments could not be looked at: ${cause instanceof Error ? cause.message : cause}`);
  }
  if ('problem' in replanned) throw refusal(`The new arguments are not accepted: ${replanned.problem.error}`);
  return { ...replanned, arguments: replanned.arguments ?? json };
}

/** One timer for the batch: all its calls began to wait together. */
export function watchExpiry(run: RunState, batch: Batch): { stop(): void } {
  const scope = new CancellationScope();
  const open = () =>
    Object.entries(batch.asks).filter(([slot, { decision }]) => !decision && !batch.outcomes[Number(slot)]);
  if (open().length === 0) return { stop() {} };
  const timeoutMs = approvalTimeoutMs(run);
  const expire = () => {
    const error = `nobody decided within ${inWords(timeoutMs)}`;
    for (const [key, { checking }] of open()) {
      const slot = Number(key);
      // Whoever edits was there in time; should the new arguments not do, the call goes with the next look.
      if (checking) continue;
      batch.outcomes[slot] = refused(batch.calls[slot]!.function.name, { kind: 'rejected', error });
      if (run.agent?.rules.whenApprovalExpires === 'end') batch.expired = error;
    }
    run.live.wake();
  };
  scope
    .run(() => sleep(Math.max(1, batch.askedAtMs + timeoutMs - Date.now()), { summary: 'approval' }))
    .then(expire, (error) => {
      if (!isCancellation(error)) throw error;
    });
  return { stop: () => scope.cancel() };
}
