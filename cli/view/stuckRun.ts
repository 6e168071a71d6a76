// Detects a run whose workflow tasks keep failing, without reading its payloads.
import { describeRun } from '../../client/histories/history.ts';
import type { Holdfast } from '../../client/index.ts';
import { idText } from '../terminal/inert.ts';

/** The first attempt may fail on a worker that is shutting down, the second one on its cache. */
const FAILED_ATTEMPTS_MIN = 3;

/** Says that the run's workflow tasks keep failing, and where to look; null if they do not. */
export async function stuckLine({ client }: Holdfast, workflowId: string): Promise<string | null> {
  const { pendingWorkflowTask } = await describeRun(client, { workflowId });
  const attempt = pendingWorkflowTask?.attempt ?? 0;
  return attempt < FAILED_ATTEMPTS_MIN
    ? null
    : `${idText(workflowId)} is stuck: its workflow task keeps failing (attempt ${attempt}). The worker's log says why.`;
}
