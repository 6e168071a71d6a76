// The one inbox: every run that waits for a person, sub-agents among them, oldest first. Where the namespace has the search
// attributes of `holdfast setup`, by one query; elsewhere by looking through the memos of all runs that are open.
import type { Client, Connection, WorkflowExecutionInfo } from '@temporalio/client';
import { ATTRIBUTE, MEMO, WORKFLOW_TYPE } from '../core/names.ts';
import type { Question, Waits } from '../core/types.ts';
import { hasAttributes } from './setup.ts';

export interface Waiting {
  readonly workflowId: string;
  readonly runId: string;
  readonly agent: string | null;
  /** The run that this one is a sub-agent of. */
  readonly parentId: string | null;
  readonly sinceMs: number;
  /** How many questions there are; `questions` has the first ten, with long arguments cut. */
  readonly count: number;
  readonly questions: readonly Question[];
}

export interface Inbox {
  /** How many runs wait in all. */
  readonly total: number;
  /** Those that have waited longest. */
  readonly waiting: readonly Waiting[];
}

export interface InboxOptions {
  readonly agent?: string;
  /** 50 when not said. */
  readonly limit?: number;
}

const LIMIT = 50;
/** What the server gives in one page, and what is sorted here at most. */
const PAGE = 1_000;
/** No run of ours is older. */
const EPOCH_MS = Date.UTC(2025, 0, 1);

const OPEN = `WorkflowType = '${WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'`;

export async function readInbox(client: Client, options: InboxOptions = {}): Promise<Inbox> {
  const { agent, limit = LIMIT } = options;
  const indexed = await hasAttributes(client.connection as Connection, client.options.namespace);
  if (!indexed) return scanned(client, agent, limit);

  const ofAgent = agent === undefined ? '' : ` AND ${ATTRIBUTE.agent} = '${agent.replaceAll("'", "''")}'`;
  const query = `${OPEN} AND ${ATTRIBUTE.waitingSince} IS NOT NULL${ofAgent}`;
  const { count: total } = await client.workflow.count(query);
  const oldest = total <= PAGE ? query : await oldestOf(client, query, Math.min(limit, PAGE));
  const found: Waiting[] = [];
  for await (const run of client.workflow.list({ query: oldest, pageSize: PAGE })) {
    const waiting = waitingOf(run);
    if (waiting) found.push(waiting);
  }
  return { total, waiting: sorted(found).slice(0, limit) };
}

/**
 * The query, narrowed to the oldest. A list comes latest first and cannot be asked for in another order, but counting is
 * cheap: so the time before which about as many began to wait as are wanted is found by halves.
 */
async function oldestOf(client: Client, query: string, wanted: number): Promise<string> {
  let [fromMs, toMs] = [EPOCH_MS, Date.now() + 60_000];
  const before = (ms: number) => `${query} AND ${ATTRIBUTE.waitingSince} < '${new Date(ms).toISOString()}'`;
  while (toMs - fromMs > 1) {
    const middleMs = Math.floor((fromMs + toMs) / 2);
    const { count } = await client.workflow.count(before(middleMs));
    if (count >= wanted && count <= PAGE) return before(middleMs);
    if (count < wanted) fromMs = middleMs;
    else toMs = middleMs;
  }
  return before(toMs);
}

async function scanned(client: Client, agent: string | undefined, limit: number): Promise<Inbox> {
  const found: Waiting[] = [];
  for await (const run of client.workflow.list({ query: OPEN, pageSize: PAGE })) {
    const waiting = waitingOf(run);
    if (waiting && (agent === undefined || waiting.agent === agent)) found.push(waiting);
  }
  return { total: found.length, waiting: sorted(found).slice(0, limit) };
}

function waitingOf({ workflowId, runId, memo = {} }: WorkflowExecutionInfo): Waiting | null {
  // Written by the run itself; null when it waits no more.
  const waits = memo[MEMO.waits] as Waits | null | undefined;
  if (!waits) return null;
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return { workflowId, runId, agent: text(memo[MEMO.agent]), parentId: text(memo[MEMO.parent]), ...waits };
}

function sorted(found: Waiting[]): Waiting[] {
  return found.sort((a, b) => a.sinceMs - b.sinceMs || (a.workflowId < b.workflowId ? -1 : 1));
}
