// A call that is cancelled in the workflow task that started it is never sent to the server: it did not run, and history has no
// event of it.
import { workflowInfo } from '@temporalio/workflow';
import { notRun } from '../../core/batch/outcomes.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { Outcome } from '../../core/types.ts';

/** Returns a function that tells whether the current workflow task is still this one: the history grows with each task. */
export function untilSent(): () => boolean {
  const { historyLength } = workflowInfo();
  return () => workflowInfo().historyLength === historyLength;
}

export function neverSent(tool: string): Outcome {
  return notRun(tool, 'cancelled', reason('call_not_started', { why: 'cancelled' }));
}
