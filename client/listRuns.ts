// The runs that the server knows of, latest first, from Temporal's visibility.
import type { Client } from '@temporalio/client';
import { WORKFLOW_TYPE } from '../core/names.ts';

export interface RunSummary {
  readonly workflowId: string;
  readonly runId: string;
  readonly agent: string | null;
  /** Temporal's word for it: a run that stopped early is `completed` here; `show` says how it ended. */
  readonly state: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
}

const LIST_DEFAULT = 20;

export async function listRuns(
  client: Client,
  { agent, limit = LIST_DEFAULT }: { readonly agent?: string; readonly limit?: number },
): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  // The agent is in the memo, which no query can filter: so the filter is here.
  for await (const found of client.workflow.list({ query: `WorkflowType = '${WORKFLOW_TYPE}'`, pageSize: 100 })) {
    const name = typeof found.memo?.['agent'] === 'string' ? found.memo['agent'] : null;
    if (agent !== undefined && name !== agent) continue;
    runs.push({
      workflowId: found.workflowId,
      runId: found.runId,
      agent: name,
      state: found.status.name.toLowerCase(),
      startedAtMs: found.startTime.getTime(),
      endedAtMs: found.closeTime?.getTime() ?? null,
    });
    if (runs.length >= limit) break;
  }
  return runs;
}
