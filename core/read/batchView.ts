// The batch of a run, for the kernel. Some calls end without an event in history; the reader asks the kernel for them, as the
// workflow did.
import { openApprovals } from '../batch/approvals.ts';
import { decideBatch, endsByExpiry } from '../batch/decide.ts';
import { type BatchRules, type BatchView, rulesOf } from '../batch/view.ts';
import { TIMER } from '../names.ts';
import type { Question } from '../types.ts';
import { budgetQuestions } from '../waits.ts';
import { endFailedEdits, isBeingEdited } from './openDecisions.ts';
import type { Reading } from './reading.ts';
import type { RunEvent } from './run.ts';
import { spendOf } from './spend.ts';
import { askAgain, callIdOf, type OpenCall, type OpenTurn, settle } from './turns.ts';

/** Settles the calls that the completed workflow task settled without an event. */
export function settleByKernel(reading: Reading, atMs: number): RunEvent[] {
  reading.taskDone = false;
  const turn = reading.turns.at(-1);
  if (turn?.takenAtMs === null || !turn?.calls.some(({ outcome }) => !outcome)) return [];
  endFailedEdits(reading);
  const { steps } = decideBatch(viewOf(reading, turn));
  return steps.flatMap((step) => (step.do === 'settle' ? [settle(turn.calls[step.slot]!, step.outcome, atMs)] : []));
}

/** Returns the pending approvals of a turn. */
export function approvalsIn(reading: Reading, { turn, takenAtMs, askedAtMs, calls }: OpenTurn): Question[] {
  if (takenAtMs === null) return [];
  return openApprovals({
    turn,
    askedAtMs: askedAtMs ?? takenAtMs,
    approvalTimeoutMs: rulesIn(reading).approvalTimeoutMs,
    startedBy: reading.run.startedBy ?? null,
    calls: calls.map((call) => callView(reading, call)),
  });
}

/** The workflow has received the questions of calls that ask for input, so they are pending now. */
export function questionsTaken(reading: Reading, atMs: number): RunEvent[] {
  const taken = reading.asked.splice(0);
  const turn = reading.turns.at(-1);
  if (taken.length === 0 || !turn) return [];
  for (const { call, planned } of taken) {
    const isOver = endsByExpiry(viewOf(reading, turn));
    askAgain(call, planned);
    if (!isOver) restartExpiry(reading, turn);
  }
  const ids = new Set(taken.map(({ call }) => callIdOf(call)));
  return approvalsIn(reading, turn).flatMap((question) =>
    question.kind === 'approval' && ids.has(question.call) ? [{ type: 'question', atMs, question }] : [],
  );
}

/** Begins the time for an answer again, as the workflow does when a call asks for input. */
function restartExpiry({ timers, taskStartedAtMs }: Reading, turn: OpenTurn): void {
  turn.askedAtMs = taskStartedAtMs;
  turn.expired = false;
  // The workflow has cancelled it, or the timer has fired and no longer matters.
  for (const [id, kind] of timers) if (kind === TIMER.approval) timers.delete(id);
}

function viewOf(reading: Reading, turn: OpenTurn): BatchView {
  const { run, turns, childSpend, cancelling, stopped, pausedByParent } = reading;
  return {
    calls: turn.calls.map((call) => callView(reading, call)),
    control: {
      isCancelled: cancelling,
      isInterrupted: turn.interrupted,
      isPaused: run.paused !== null || pausedByParent,
      stop: stopped ? {} : null,
      isExpired: turn.expired,
    },
    rules: rulesIn(reading),
    budget: run.budget ?? undefined,
    spend: { ...spendOf(reading, turns.slice(0, -1)), activeMs: activeMsIn(reading) },
    reached: null,
    subAgents: childSpend.size,
  };
}

/** Only the workflow knows its active time. It tells it where the budget for it is used up, and calls wait for more. */
function activeMsIn({ waits }: Reading): number {
  const used = budgetQuestions(waits).find(({ reached }) => reached.parameters.limit === 'activeMs');
  return used?.reached.parameters.spent ?? 0;
}

function rulesIn({ agent, parallel, parent }: Reading): BatchRules {
  return rulesOf(agent, parallel, parent);
}

function callView(reading: Reading, call: OpenCall) {
  const { waitingChildren } = reading;
  const { tool, planned, outcome, decision, isCancelled, childId, scheduledAtMs } = call;
  const isRunning = outcome === null && scheduledAtMs !== null;
  return {
    call: { id: call.callId, type: 'function', function: { name: tool, arguments: call.arguments } } as const,
    tool,
    planned,
    outcome,
    isRunning,
    decision,
    isEditing: isBeingEdited(reading, call),
    isCancelled,
    // Commands to the sub-agent are in its own history.
    child:
      childId === null || !isRunning
        ? null
        : { isWaiting: waitingChildren.has(childId), isStarted: false, isPaused: false, isStopped: false },
  };
}
