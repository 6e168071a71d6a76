// What the server knows of a run that nobody gets on with, without any of its payloads.
import { describeRun } from '../../client/history.ts';
import type { Holdfast } from '../../client/index.ts';

/** The first attempt may have met a worker that was about to go, and the second one its cache. */
const FAILED_ATTEMPTS_MIN = 3;

/** Where the workflow's tasks fail one after the other: that it is so, and where to look. */
export async function stuckLine({ client }: Holdfast, workflowId: string): Promise<string | null> {
  const { pendingWorkflowTask } = await describeRun(client, { workflowId });
  const attempt = pendingWorkflowTask?.attempt ?? 0;
  return attempt < FAILED_ATTEMPTS_MIN
    ? null
    : `No worker gets on with ${workflowId}: each fails at it, and this is attempt ${attempt}. The worker's log says why.`;
}
