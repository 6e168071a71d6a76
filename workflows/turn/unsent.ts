// A call that is cancelled in the workflow task that started it never reaches the server: it did not run, and no event of the
// history knows of it.
import { workflowInfo } from '@temporalio/workflow';
import { notRun } from '../../core/batch/outcomes.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { Outcome } from '../../core/types.ts';

/** Whether the workflow task at hand is still the one of the call: the history grows with each. */
export function untilSent(): () => boolean {
  const { historyLength } = workflowInfo();
  return () => workflowInfo().historyLength === historyLength;
}

export function neverSent(tool: string): Outcome {
  return notRun(tool, 'cancelled', reason('call_not_started', { why: 'cancelled' }));
}
