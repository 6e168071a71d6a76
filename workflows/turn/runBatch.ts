// Runs the batch of a turn: applies the steps that the kernel decides, and waits for the next change. A pending approval does not
// count towards the limits, so the other calls keep running.
import { allHandlersFinished } from '@temporalio/workflow';
import { decideBatch, endsByExpiry } from '../../core/batch/decide.ts';
import { inputOf } from '../../core/batch/input.ts';
import { askedByTask } from '../../core/batch/task.ts';
import type { BatchStep, BatchView } from '../../core/batch/view.ts';
import { childRunId } from '../../core/names.ts';
import { jsonBytes } from '../../core/text.ts';
import type { AllowedCall, Outcome, PlannedCall } from '../../core/types.ts';
import {
  continueNow,
  isFull,
  mustContinueAsNew,
  type Preparation,
  prepareToContinue,
} from '../ending/continueAsNew.ts';
import { watchExpiry } from '../people/approvals.ts';
import { showTools } from '../people/details.ts';
import { pauseClock, publishWaits, resumeClock } from '../people/waiting.ts';
import { nextTask } from '../runtime/taskBytes.ts';
import type { Batch } from '../state/batch.ts';
import type { Run } from '../state/run.ts';
import { SubAgent } from '../state/subAgent.ts';
import { watchTime } from './budgetTime.ts';
import { runSubAgent } from './runSubAgent.ts';
import { answerOf, callToRun, cancelTask, runTool } from './runTool.ts';

/** Runs the open batch. Resolves when every call has an outcome; throws only to continue as new. */
export async function runBatch(run: Run): Promise<Batch> {
  const batch = run.batch!;
  let expiry = watchExpiry(run, batch);
  let { askedAtMs } = batch;
  let preparation: Preparation | null = null;
  const cancelling = new Set<Promise<void>>();
  for (;;) {
    run.wake.reset();
    if (batch.askedAtMs !== askedAtMs) {
      expiry.stop();
      expiry = watchExpiry(run, batch);
      askedAtMs = batch.askedAtMs;
    }
    const { steps, reached, waitsFor } = decideBatch(viewOf(run, batch));
    const isPostponed = applySteps(run, batch, steps, cancelling);
    if (reached) run.budget.recordReached(reached);
    if (reached && run.budget.asksAtLimit) run.budget.ask();
    if (waitsFor === null) break;
    if (isFull(run) && !run.control.stop) {
      run.control.stopForFullHistory();
      continue;
    }
    const isAtRest = batch.running === 0 && !batch.isEditing && cancelling.size === 0;
    if (isAtRest && mustContinueAsNew(run)) {
      if (preparation?.isReady && allHandlersFinished()) await continueNow(run);
      if (!preparation || preparation.isReady) preparation = prepareToContinue(run);
      await run.wake.next();
      continue;
    }
    if (preparation) run.enter({ is: 'running' });
    preparation = null;
    showTools(run, batch);
    if (waitsFor === 'people' && !isPostponed) pauseClock(run);
    else resumeClock(run);
    publishWaits(run);
    await run.wake.next();
  }
  expiry.stop();
  if (cancelling.size > 0) await Promise.all(cancelling);
  if (preparation) run.enter({ is: 'running' });
  // The budget keeps no call of this batch from running any more.
  if (run.budget.asksAtLimit) run.budget.stopAsking(run.spend);
  resumeClock(run);
  publishWaits(run);
  return batch;
}

function viewOf(run: Run, { calls, isExpired }: Batch): BatchView {
  const { control, clock, budget, tally } = run;
  return {
    calls,
    control: {
      isCancelled: clock.isCancelled,
      isInterrupted: control.isInterrupted,
      isPaused: control.isPaused,
      stop: control.stop,
      isExpired,
    },
    rules: run.batchRules,
    budget: budget.limits,
    spend: run.spend,
    reached: budget.callLimitReached,
    subAgents: tally.subAgents,
  };
}

/** Returns whether a call did not fit this workflow task, and waits for the next. `cancelling` receives the tasks that are being cancelled. */
function applySteps(run: Run, batch: Batch, steps: readonly BatchStep[], cancelling: Set<Promise<void>>): boolean {
  let isPostponed = false;
  for (const step of steps)
    switch (step.do) {
      case 'settle': {
        const call = batch.calls[step.slot]!;
        const task = askedByTask(call.planned);
        // Nobody answers its question.
        if (task) keep(cancelling, cancelTask(run, step.slot, call, task), run);
        batch.settle(step.slot, step.outcome);
        break;
      }
      case 'start':
        isPostponed ||= !startCall(run, batch, step.slot);
        break;
      case 'pause':
      case 'resume':
        batch.calls[step.slot]!.child?.send({ command: step.do });
        break;
      case 'stop':
        batch.calls[step.slot]!.child?.send({ command: 'stop', ...step.attribution });
        break;
    }
  if (isPostponed) nextTask().then(() => run.wake.wake());
  return isPostponed;
}

/** The run does not continue as new before it has ended: its activity would be lost. */
function keep(cancelling: Set<Promise<void>>, cancel: Promise<void>, run: Run): void {
  const ended = cancel.then(() => {
    cancelling.delete(ended);
    run.wake.wake();
  });
  cancelling.add(ended);
}

/** Starts the call; returns false if its arguments would make this workflow task too large. */
function startCall(run: Run, batch: Batch, slot: number): boolean {
  const call = batch.calls[slot]!;
  // The kernel starts what the plan allows.
  const { child } = call.planned as AllowedCall;
  const answerBytes = inputOf(call.planned) ? jsonBytes(answerOf(call)) : 0;
  const contextBytes = run.input.context ? jsonBytes(run.input.context) : 0;
  if (!run.task.reserve(jsonBytes(child ?? callToRun(call).function.arguments) + contextBytes + answerBytes))
    return false;
  const settle = (outcome: Outcome) => {
    batch.settle(slot, outcome);
    run.wake.wake();
  };
  if (!child) {
    const ask = (planned: PlannedCall) => {
      batch.ask(slot, planned, endsByExpiry(viewOf(run, batch)));
      run.wake.wake();
    };
    batch.start(slot, runTool(run, slot, call, settle, ask), null);
    return true;
  }
  const subAgent = new SubAgent(childRunId(run.workflowId, run.turns.turn, slot));
  watchTime(run);
  batch.start(slot, runSubAgent(run, call.tool, child, subAgent, settle), subAgent);
  return true;
}
