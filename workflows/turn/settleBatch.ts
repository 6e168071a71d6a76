// Makes a batch from a model's answer, and writes the results of a finished batch to the transcript.
import { ApplicationFailure } from '@temporalio/workflow';
import { attachmentsField } from '../../core/attachments.ts';
import { guardPlan } from '../../core/batch/effects.ts';
import { outcomeAttachments, outcomeText } from '../../core/batch/outcomes.ts';
import { batchWarning } from '../../core/batch/report.ts';
import { FAILURE } from '../../core/names.ts';
import type { ModelAnswer } from '../../core/types.ts';
import { spendOfAnswer } from '../../core/usage.ts';
import { Batch, newBatch } from '../state/batch.ts';
import { showLabels } from '../state/labels.ts';
import type { Run } from '../state/run.ts';

/** Records an answer and opens the batch of its calls. */
export function recordAnswer(run: Run, answer: ModelAnswer): void {
  run.conversation.recordAnswer(answer);
  // The activity omits it only if the run has the same record already.
  if (answer.agent) run.recordAgent(answer.agent);
  else if (!run.agent)
    throw ApplicationFailure.nonRetryable('The first answer has no record of the agent.', FAILURE.model);
  if (answer.agent) showLabels(answer.agent);
  run.tally.addUsage(answer.usage);
  run.tally.addSpend(spendOfAnswer(answer));
  if (answer.warning) run.tally.warn(answer.warning);
  const plan = guardPlan(answer.plan, answer.message.tool_calls ?? [], run.agent, run.guard);
  run.openBatch(new Batch(newBatch({ ...answer, plan })));
}

/** Writes exactly one result for each call, in the order of the calls. */
export function settleBatch(run: Run, batch: Batch): void {
  const { calls, outcomes, answer, handoffTo } = batch;
  for (const [slot, { call, decision }] of calls.entries())
    run.conversation.append({
      role: 'tool',
      tool_call_id: call.id,
      content: outcomeText(outcomes[slot]!, decision),
      ...attachmentsField(outcomeAttachments(outcomes[slot]!)),
    });
  run.tally.addCalls({ all: calls.length, failed: outcomes.filter(({ ok }) => !ok).length, ran: batch.ran });
  const warning = batchWarning(run.turns.turn, outcomes);
  if (warning) run.tally.warn(warning);
  if (answer.tell !== undefined) run.conversation.append({ role: 'user', content: answer.tell });
  if (answer.kind === 'final') run.session.setValue(answer.value);
  run.turns.recordRepair(answer.kind === 'again');
  if (handoffTo !== null) run.handOffTo(handoffTo);
  run.closeBatch();
}
