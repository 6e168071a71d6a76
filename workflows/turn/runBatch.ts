// A turn's calls, side by side within their limits. The kernel decides; this carries its steps out and waits for the next
// change. A call that waits for a person takes no place: its siblings run on.
import { allHandlersFinished } from '@temporalio/workflow';
import { decideBatch } from '../../core/batch/decide.ts';
import type { BatchStep, BatchView } from '../../core/batch/view.ts';
import { childRunId } from '../../core/names.ts';
import { jsonBytes } from '../../core/text.ts';
import type { AllowedCall, Outcome } from '../../core/types.ts';
import { type Departure, isFull, leave, mustContinueAsNew, prepareToLeave } from '../ending/continueAsNew.ts';
import { watchExpiry } from '../people/approvals.ts';
import { showTools } from '../people/details.ts';
import { pauseClock, publishWaits, resumeClock } from '../people/waiting.ts';
import { nextTask } from '../runtime/taskBytes.ts';
import type { Batch } from '../state/batch.ts';
import type { Run } from '../state/run.ts';
import { SubAgent } from '../state/subAgent.ts';
import { watchTime } from './budgetTime.ts';
import { runSubAgent } from './runSubAgent.ts';
import { callAsItRuns, runTool } from './runTool.ts';

/** Carries out the open batch, and resolves when every call has an outcome. It throws for continue-as-new alone. */
export async function runBatch(run: Run): Promise<Batch> {
  const batch = run.batch!;
  const expiry = watchExpiry(run, batch);
  let departure: Departure | null = null;
  for (;;) {
    const changed = run.wake.next();
    const { steps, reached, waitsFor } = decideBatch(viewOf(run, batch));
    const isPostponed = carryOut(run, batch, steps);
    if (reached) run.budget.recordReached(reached);
    if (reached && run.budget.asksAtLimit) run.budget.ask();
    if (waitsFor === null) break;
    if (isFull(run) && !run.control.stop) {
      run.control.stopForFullHistory();
      continue;
    }
    if (batch.running === 0 && !batch.isEditing && mustContinueAsNew(run)) {
      if (departure?.isReady && allHandlersFinished()) await leave(run);
      if (!departure || departure.isReady) departure = prepareToLeave(run);
      await changed;
      continue;
    }
    if (departure) run.enter({ is: 'running' });
    departure = null;
    showTools(run, batch);
    if (waitsFor === 'people' && !isPostponed) pauseClock(run);
    else resumeClock(run);
    publishWaits(run);
    await changed;
  }
  expiry.stop();
  if (departure) run.enter({ is: 'running' });
  // A run that asks has no call left that it kept from running.
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

/** Whether a call found no room in this workflow task, and waits for the next. */
function carryOut(run: Run, batch: Batch, steps: readonly BatchStep[]): boolean {
  let isPostponed = false;
  for (const step of steps)
    switch (step.do) {
      case 'settle':
        batch.settle(step.slot, step.outcome);
        break;
      case 'start':
        isPostponed ||= !startCall(run, batch, step.slot);
        break;
      case 'pause':
      case 'resume':
        batch.calls[step.slot]!.child?.tell({ command: step.do });
        break;
      case 'stop':
        batch.calls[step.slot]!.child?.tell({ command: 'stop', ...step.by });
        break;
    }
  if (isPostponed) nextTask().then(() => run.wake.wake());
  return isPostponed;
}

/** False where its arguments would make this workflow task too large. */
function startCall(run: Run, batch: Batch, slot: number): boolean {
  const call = batch.calls[slot]!;
  // The kernel starts what the plan allows.
  const { child } = call.planned as AllowedCall;
  if (!run.task.reserve(jsonBytes(child ?? callAsItRuns(call).function.arguments))) return false;
  const settle = (outcome: Outcome) => {
    batch.settle(slot, outcome);
    run.wake.wake();
  };
  if (!child) {
    batch.start(slot, runTool(run, slot, call, settle), null);
    return true;
  }
  const subAgent = new SubAgent(childRunId(run.workflowId, run.turns.turn, slot));
  watchTime(run);
  batch.start(slot, runSubAgent(run, call.tool, child, subAgent, settle), subAgent);
  return true;
}
