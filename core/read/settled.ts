// Calls that end without an event of their own: what keeps them from starting, the reader works out as the run did.
import { beyondBudget, isTimeUp } from '../budget.ts';
import { AGENT_DEFAULTS } from '../limits.ts';
import { CALL_INTERRUPTED, nobodyDecided, notStarted, RUN_STOPPED, refused, whyNoSubAgent } from '../toolFailure.ts';
import type { Outcome } from '../types.ts';
import { settledByItself } from '../unstarted.ts';
import { approvalTimeoutMs, type Reading } from './reading.ts';
import type { RunEvent } from './run.ts';
import { spendOf } from './spend.ts';
import { type OpenCall, type OpenTurn, placeOf, settle, settleAll } from './turns.ts';

/** What the workflow task that is over has settled without an event: it has started all that it may. */
export function settledByNow(reading: Reading, atMs: number): RunEvent[] {
  reading.taskDone = false;
  const turn = reading.turns.at(-1);
  if (!turn?.taken || turn.calls.every(({ ok }) => ok !== null)) return [];
  const halted = whyHalted(reading, turn);
  if (halted !== null) return settleAll(unstartedOf(turn), ({ tool }) => notStarted(tool, halted), atMs);
  const expired = turn.expired ? settledByExpiry(reading, turn, atMs) : [];
  return reading.run.paused || reading.heldByParent ? expired : [...expired, ...settledByRules(reading, turn, atMs)];
}

/** The last turn is over: calls that have not ended, and of which none of its steps tells, did not start. */
export function settledAfterTurn(reading: Reading, atMs: number): RunEvent[] {
  const events = settledByNow(reading, atMs);
  const left = reading.turns.at(-1)?.calls.filter(({ ok }) => ok === null) ?? [];
  return [...events, ...settleAll(left, (call) => keptFromStarting(reading, call), atMs)];
}

/** What becomes of a call that its run's end keeps from starting: in the workflow's own words. */
export function keptFromStarting(reading: Reading, { tool, asks, decision }: OpenCall): Outcome {
  const { status, reason } = reading.run;
  if (status === 'budget' && reason && !isTimeUp(reason)) return refused(tool, beyondBudget(reason));
  if (status !== 'stopped') return notStarted(tool);
  const expired = nobodyDecided(approvalTimeoutMs(reading));
  if (!reason?.includes(expired)) return notStarted(tool, RUN_STOPPED);
  if (asks && !decision) return refused(tool, { kind: 'rejected', error: expired });
  return notStarted(tool, `not run: ${expired}`);
}

function unstartedOf({ calls }: OpenTurn): OpenCall[] {
  return calls.filter(({ ok, scheduledAtMs }) => ok === null && scheduledAtMs === null);
}

function whyHalted({ cancelling, stopped }: Reading, { interrupted }: OpenTurn): string | null {
  if (cancelling) return 'cancelled before it started';
  if (interrupted) return CALL_INTERRUPTED;
  return stopped ? RUN_STOPPED : null;
}

/** Nobody has decided in time: the calls are rejected, and where the run ends for it, no other one starts. */
function settledByExpiry(reading: Reading, turn: OpenTurn, atMs: number): RunEvent[] {
  const error = nobodyDecided(approvalTimeoutMs(reading));
  const undecided = unstartedOf(turn).filter((call) => isUndecided(reading, call));
  const late = settleAll(undecided, ({ tool }) => refused(tool, { kind: 'rejected', error }), atMs);
  const ends = reading.agent?.rules.whenApprovalExpires === 'end';
  if (!ends || !turn.calls.some(({ outcome }) => outcome?.ok === false && outcome.error === error)) return late;
  return [...late, ...settleAll(unstartedOf(turn), ({ tool }) => notStarted(tool, `not run: ${error}`), atMs)];
}

/** Whoever edits was there in time. */
function isUndecided({ decisions }: Reading, call: OpenCall): boolean {
  return call.asks !== null && call.decision === null && ![...decisions.values()].includes(placeOf(call));
}

/** By the rules that a batch goes by, and its budget. */
function settledByRules(reading: Reading, turn: OpenTurn, atMs: number): RunEvent[] {
  const { run, turns, agent, waitingChildren } = reading;
  const calls = turn.calls.map((call) => ({ ...call, isWaiting: waitingChildren.has(call.childId ?? '') }));
  const settled = settledByItself(calls, {
    parallel: reading.parallel ?? agent?.rules.parallel ?? AGENT_DEFAULTS.parallel,
    budget: run.budget,
    spend: spendOf(reading, turns.slice(0, -1)),
    whyNoSubAgent: whyNoMoreSubAgents(reading),
  });
  return [...settled].map(([slot, outcome]) => settle(turn.calls[slot]!, outcome, atMs));
}

function whyNoMoreSubAgents({ agent, parent, childSpend }: Reading): string | null {
  const { maxDepth = AGENT_DEFAULTS.maxDepth, maxSubAgents = AGENT_DEFAULTS.maxSubAgents } = agent?.rules ?? {};
  const depth = (parent?.depth ?? 0) + 1;
  return whyNoSubAgent(depth, Math.min(maxDepth, parent?.maxDepth ?? maxDepth), childSpend.size, maxSubAgents);
}
