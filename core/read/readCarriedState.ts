// Reads the carried state at the start of a history. If the previous history was read, only what its last task settled is new;
// if the server no longer has it, everything is taken from the carried state.
import { type CarriedState, carriedStateProblem } from '../carriedState.ts';
import { readWaits } from '../waits.ts';
import type { Reading } from './reading.ts';
import type { RunEvent } from './run.ts';
import { type OpenTurn, openCalls, openTurn, settle } from './turns.ts';

/** Returns the carried state that a history begins with; undefined if it has another version. */
export function carriedStateIn(given: unknown): CarriedState | undefined {
  const { handOver } = Object(given) as { readonly handOver?: CarriedState };
  return handOver !== undefined && carriedStateProblem(handOver) === null ? handOver : undefined;
}

/** Takes what the last task of the previous history settled. */
export function continueReading({ run, turns }: Reading, { tally, batch }: CarriedState, atMs: number): RunEvent[] {
  // Only the workflow knows how long it waited for people.
  run.spend = { ...run.spend, activeMs: tally.spend.activeMs };
  const calls = batch ? (turns.at(-1)?.calls ?? []) : [];
  return calls.flatMap((call) => {
    const outcome = batch?.outcomes[call.slot];
    if (call.outcome !== null || !batch) return [];
    call.decision = batch.decisions[call.slot] ?? null;
    return outcome ? [settle(call, outcome, atMs)] : [];
  });
}

/** Takes everything, if the previous histories are gone. */
export function takeOver(reading: Reading, handOver: CarriedState): void {
  const { run, turns, childSpend, messageIds, commandIds } = reading;
  const { agent, conversation, tally, budget, session, control, batch, published } = handOver;
  const { turn } = handOver.turns;
  run.earlier = { turns: batch ? turn - 1 : turn, calls: tally.calls, failedCalls: tally.failedCalls };
  run.startedAtMs = handOver.startedAtMs;
  run.usage = tally.usage;
  run.spend = tally.spend;
  run.budget = budget.limits ?? run.budget;
  run.paused = control.paused ? { by: null } : null;
  run.output = conversation.messages.findLast(({ role, content }) => role === 'assistant' && content)?.content ?? null;
  reading.agent = agent ?? undefined;
  reading.earlierCompactions = conversation.compactions;
  reading.warningsBefore = tally.warnings;
  reading.before = conversation.messages;
  const unseen = conversation.messages.slice(conversation.seen.length);
  reading.unseenBefore = unseen.filter(({ role }) => role === 'user').length;
  reading.carried = handOver;
  reading.isIdle = session.idle;
  reading.replied = session.idle ? session.message : Math.max(0, session.message - 1);
  reading.waits = readWaits(published.waits) ?? null;
  reading.pausedByParent = control.pausedByParent;
  reading.stopped = control.stop !== null;
  for (const { id } of session.messageIds) messageIds.add(id);
  for (const id of session.commandIds) commandIds.add(id);
  for (const [childId, spent] of Object.entries(tally.childSpend)) childSpend.set(childId, spent);
  if (batch) turns.push(turnOf(batch, turn, handOver.agentName));
}

/** Returns the turn whose batch was running. */
function turnOf(batch: NonNullable<CarriedState['batch']>, turn: number, agent: string): OpenTurn {
  const { answer, calls, plan, outcomes, askedAtMs, isExpired } = batch;
  const open: OpenTurn = {
    ...openTurn(turn, agent, askedAtMs),
    answeredAtMs: askedAtMs,
    takenAtMs: askedAtMs,
    retryMessage: answer.tell,
    expired: isExpired,
    calls: openCalls(turn, calls, plan, batch),
  };
  for (const call of open.calls) {
    const outcome = outcomes[call.slot];
    if (outcome) settle(call, outcome, askedAtMs);
  }
  return open;
}
