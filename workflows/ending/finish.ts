// Ends a run: accepts nothing more, and answers everybody who waits for a reply.
import { allHandlersFinished, CancellationScope, condition } from '@temporalio/workflow';
import { reason } from '../../core/reasons/reason.ts';
import { jsonBytes } from '../../core/text.ts';
import type { RunResult } from '../../core/types.ts';
import { showEnd } from '../people/details.ts';
import type { End, Run } from '../state/run.ts';

export async function finish(run: Run, end: End): Promise<RunResult> {
  await drain(run, end);
  const result = run.result(end);
  const later = run.task.until(jsonBytes(result));
  if (later) await later;
  run.published.showResult(result, run.agent?.index);
  return result;
}

/** A cancelled workflow has no result, so its spend goes to the memo, and to the parent as a report. */
export async function finishCancelled(run: Run): Promise<void> {
  const end: End = { status: 'cancelled', reason: reason('cancelled') };
  await drain(run, end);
  run.published.showResult(run.result(end), run.agent?.index);
  if (!run.parent) return;
  run.published.report(run.spend);
  await run.published.reporting;
}

/** From here on the run accepts nothing more. Updates that wait for a reply return how the run ended. */
async function drain(run: Run, end: End): Promise<void> {
  run.enter({ is: 'ended', end });
  run.batch?.cancelEdits();
  const messages = run.session.queued;
  if (messages > 0) run.tally.warn(reason('messages_unanswered', { messages }));
  if (!allHandlersFinished()) await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  showEnd(run, end);
}
