// Lists runs from Temporal's visibility, latest first.
import type { Client, WorkflowClient, WorkflowExecutionInfo } from '@temporalio/client';
import { WORKFLOW_TYPE } from '../core/names.ts';
import type { ForkOf, RunStatus } from '../core/types.ts';
import { readMemo } from './memo.ts';
import { lenientClient } from './payloads/lenient.ts';

export interface RunSummary {
  readonly workflowId: string;
  readonly runId: string;
  /** null if the run was not started by this library; `(not readable here)` if this process cannot read it. */
  readonly agent: string | null;
  /** The workflow id of the parent; null if this run is not a sub-agent's. */
  readonly parentId: string | null;
  /** The run and the turn that it is a fork of; null if it is none. */
  readonly forkOf: ForkOf | null;
  /** Temporal's workflow status in lower case. A run that stopped early is `completed` here. */
  readonly state: string;
  /** How the run ended; null while it runs, or if the workflow did not end by itself. */
  readonly status: RunStatus | null;
  /** Number of open questions; null if this process cannot read them. */
  readonly waiting: number | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
}

const LIST_DEFAULT = 20;

export async function listRuns(
  client: Client,
  { agent, limit = LIST_DEFAULT }: { readonly agent?: string; readonly limit?: number },
): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  const { workflow: workflows } = lenientClient(client);
  const ofStatus = (which: string) =>
    workflows.list({ query: `WorkflowType = '${WORKFLOW_TYPE}' AND ${which}`, pageSize: 100 })[Symbol.asyncIterator]();
  // A run that continued as new is listed once, by its last execution.
  const ended = ofStatus("ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew'");
  // The agent is in the memo, which queries cannot filter on.
  for await (const found of latestOf(ofStatus("ExecutionStatus = 'Running'"), ended)) {
    const { agent: name, parentId, forkOf, status, startedAtMs, waits } = readMemo(found.memo);
    if (agent !== undefined && name !== agent) continue;
    runs.push({
      workflowId: found.workflowId,
      runId: found.runId,
      agent: name,
      parentId,
      forkOf,
      state: found.status.name.toLowerCase(),
      // The run itself writes its status when it ends.
      status: status ?? (await statusInResult(workflows, found)),
      waiting: found.closeTime || waits === null ? 0 : (waits?.count ?? null),
      startedAtMs: startedAtMs ?? found.startTime.getTime(),
      endedAtMs: found.closeTime?.getTime() ?? null,
    });
    if (runs.length >= limit) break;
  }
  return runs;
}

/**
 * Merges the lists of open and ended runs, latest first. A run that ends between the two queries is in both, since the open
 * ones are queried first.
 */
async function* latestOf(open: AsyncIterator<WorkflowExecutionInfo>, ended: AsyncIterator<WorkflowExecutionInfo>) {
  const lists = [open, ended];
  const heads = [await open.next(), await ended.next()];
  const yielded = new Set<string>();
  for (;;) {
    const times = heads.map(({ done, value }) => (done ? -1 : (value.closeTime ?? value.startTime).getTime()));
    const latest = times.indexOf(Math.max(...times));
    const head = heads[latest];
    if (!head || head.done) return;
    const run: WorkflowExecutionInfo = head.value;
    if (!yielded.has(run.runId)) yield run;
    yielded.add(run.runId);
    heads[latest] = await lists[latest]!.next();
  }
}

/** Reads the status from the result: a run that ended before it knew its agent has no status in its memo. */
async function statusInResult(
  workflows: WorkflowClient,
  { workflowId, runId, status }: WorkflowExecutionInfo,
): Promise<RunStatus | null> {
  if (status.name !== 'COMPLETED') return null;
  const result: unknown = await workflows.getHandle(workflowId, runId, { followRuns: false }).result();
  const ended = (result as { status?: unknown } | null)?.status;
  return typeof ended === 'string' ? (ended as RunStatus) : null;
}
