// The runs that the server knows of, latest first, from Temporal's visibility.
import { type Client, WorkflowClient, type WorkflowExecutionInfo } from '@temporalio/client';
import { MEMO, WORKFLOW_TYPE } from '../core/names.ts';
import type { RunStatus, Waits } from '../core/types.ts';
import { lenientCodec, UNREADABLE } from './payloads/lenient.ts';

export interface RunSummary {
  readonly workflowId: string;
  readonly runId: string;
  /** null for a run that was not started by our client; `(not readable here)` where its payloads cannot be read. */
  readonly agent: string | null;
  /** The run that this one is a sub-agent of. */
  readonly parentId: string | null;
  /** Temporal's word for it: a run that stopped early is `completed` here. */
  readonly state: string;
  /** How it ended, in its own words; null while it runs, and where the workflow did not end by itself. */
  readonly status: RunStatus | null;
  /** How many questions it waits for people to answer. */
  readonly waiting: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
}

const LIST_DEFAULT = 20;

export async function listRuns(
  client: Client,
  { agent, limit = LIST_DEFAULT }: { readonly agent?: string; readonly limit?: number },
): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  const { connection, options } = client;
  const workflows = new WorkflowClient({
    connection,
    namespace: options.namespace,
    dataConverter: { payloadCodecs: [lenientCodec(options.loadedDataConverter)] },
  });
  const ofStatus = (which: string) =>
    workflows.list({ query: `WorkflowType = '${WORKFLOW_TYPE}' AND ${which}`, pageSize: 100 })[Symbol.asyncIterator]();
  // A run that continued as new is one run: its earlier links are left out.
  const ended = ofStatus("ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew'");
  // The agent is in the memo, which no query can filter: so the filter is here.
  for await (const found of latestOf(ofStatus("ExecutionStatus = 'Running'"), ended)) {
    const memo = readable(found.memo ?? {});
    const text = (key: string) => (typeof memo[key] === 'string' ? memo[key] : null);
    const name = text(MEMO.agent);
    if (agent !== undefined && name !== agent) continue;
    const startedAt = memo[MEMO.startedAt];
    runs.push({
      workflowId: found.workflowId,
      runId: found.runId,
      agent: name,
      parentId: text(MEMO.parent),
      state: found.status.name.toLowerCase(),
      // Written by the run itself, at its end; and what it waits for, which is nothing once it is closed.
      status:
        name === UNREADABLE
          ? null
          : ((text(MEMO.status) as RunStatus | null) ?? (await statusInResult(workflows, found))),
      waiting: found.closeTime ? 0 : ((memo[MEMO.waits] as Waits | null | undefined)?.count ?? 0),
      startedAtMs: typeof startedAt === 'number' ? startedAt : found.startTime.getTime(),
      endedAtMs: found.closeTime?.getTime() ?? null,
    });
    if (runs.length >= limit) break;
  }
  return runs;
}

/**
 * The server gives all that go on, and then all that have ended: here comes the latest of either. What ends between the two
 * questions is in the answers to both, as they are asked in this order.
 */
async function* latestOf(open: AsyncIterator<WorkflowExecutionInfo>, ended: AsyncIterator<WorkflowExecutionInfo>) {
  const lists = [open, ended];
  const heads = [await open.next(), await ended.next()];
  const given = new Set<string>();
  for (;;) {
    const times = heads.map(({ done, value }) => (done ? -1 : (value.closeTime ?? value.startTime).getTime()));
    const latest = times.indexOf(Math.max(...times));
    const head = heads[latest];
    if (!head || head.done) return;
    const run: WorkflowExecutionInfo = head.value;
    if (!given.has(run.runId)) yield run;
    given.add(run.runId);
    heads[latest] = await lists[latest]!.next();
  }
}

/** A run that ended before it knew its agent has no memo of it. */
async function statusInResult(
  workflows: WorkflowClient,
  { workflowId, runId, status }: WorkflowExecutionInfo,
): Promise<RunStatus | null> {
  if (status.name !== 'COMPLETED') return null;
  const result: unknown = await workflows.getHandle(workflowId, runId, { followRuns: false }).result();
  const said = (result as { status?: unknown } | null)?.status;
  return typeof said === 'string' ? (said as RunStatus) : null;
}

/** Of a memo that is not, in whatever part, no more is told than that. */
function readable(memo: Record<string, unknown>): Record<string, unknown> {
  return Object.values(memo).includes(UNREADABLE) ? { [MEMO.agent]: UNREADABLE } : memo;
}
