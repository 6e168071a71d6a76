// From a model's answer to a batch, and from a finished batch back into the conversation.
import { ApplicationFailure } from '@temporalio/workflow';
import { outcomeText } from '../../core/batch/outcomes.ts';
import { batchWarning } from '../../core/batch/report.ts';
import { FAILURE } from '../../core/names.ts';
import type { ModelAnswer } from '../../core/types.ts';
import { spendOfAnswer } from '../../core/usage.ts';
import { Batch, newBatch } from '../state/batch.ts';
import type { Run } from '../state/run.ts';

/** Takes an answer into the run: its calls are to be carried out now. */
export function recordAnswer(run: Run, answer: ModelAnswer): void {
  run.conversation.recordAnswer(answer);
  // The activity leaves it out only where the run has this record already.
  if (answer.agent) run.recordAgent(answer.agent);
  else if (!run.agent)
    throw ApplicationFailure.nonRetryable('The first answer brought no record of the agent.', FAILURE.model);
  run.tally.addUsage(answer.usage);
  run.tally.addSpend(spendOfAnswer(answer));
  run.openBatch(new Batch(newBatch(answer)));
}

/** Each call is answered once, in the order the model asked, whatever happened to it. */
export function settleBatch(run: Run, batch: Batch): void {
  const { calls, outcomes, answer, handedTo } = batch;
  for (const [slot, { call, decision }] of calls.entries())
    run.conversation.append({
      role: 'tool',
      tool_call_id: call.id,
      content: outcomeText(outcomes[slot]!, decision),
    });
  run.tally.addCalls({ all: calls.length, failed: outcomes.filter(({ ok }) => !ok).length, ran: batch.ran });
  const warning = batchWarning(run.turns.turn, outcomes);
  if (warning) run.tally.warn(warning);
  if (answer.tell !== undefined) run.conversation.append({ role: 'user', content: answer.tell });
  if (answer.kind === 'final') run.session.setValue(answer.value);
  run.turns.recordRepair(answer.kind === 'again');
  if (handedTo !== null) run.handOffTo(handedTo);
  run.closeBatch();
}
