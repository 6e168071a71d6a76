// The one inbox: every run that waits for a person, sub-agents among them, oldest first. Where the namespace has the search
// attributes of `holdfast setup`, by a query; elsewhere by looking through the memos of all runs that are open.
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
/** What the server gives in one page; of more than that, only the oldest are fetched. */
const PAGE = 1_000;
/** No run of ours is older. */
const EPOCH_MS = Date.UTC(2025, 0, 1);

const OPEN = `WorkflowType = '${WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'`;

export async function readInbox(client: Client, { agent, limit = LIMIT }: InboxOptions = {}): Promise<Inbox> {
  const indexed = await hasAttributes(client.connection as Connection, client.options.namespace);
  if (!indexed) return inboxOf(await waitingIn(client, OPEN, agent), limit);

  // Workers that started before the attributes were registered say it in the memo only, until they are started again.
  const [{ total, waiting }, others] = await Promise.all([
    oldestWaiting(client, { agent, limit }),
    waitingIn(client, `${OPEN} AND ${ATTRIBUTE.agent} IS NULL`, agent),
  ]);
  return inboxOf([...waiting, ...others], limit, total + others.length);
}

/** Of the runs that the search attributes tell of. Those beyond `page` are counted, and not fetched. */
export async function oldestWaiting(
  client: Client,
  { agent, limit }: { readonly agent?: string | undefined; readonly limit: number },
  page = PAGE,
): Promise<Inbox> {
  const ofAgent = agent === undefined ? '' : ` AND ${ATTRIBUTE.agent} = ${quoted(agent)}`;
  const query = `${OPEN} AND ${ATTRIBUTE.waitingSince} IS NOT NULL${ofAgent}`;
  const { count: total } = await client.workflow.count(query);
  const oldest = total <= Math.max(limit, page) ? query : await oldestOf(client, query, limit, limit + page);
  return inboxOf(await waitingIn(client, oldest, undefined), limit, total);
}

/**
 * The query, narrowed to the oldest. A list comes latest first and cannot be asked for in another order, but counting is
 * cheap: so the time before which `least` to `most` began to wait is found by halves.
 */
async function oldestOf(client: Client, query: string, least: number, most: number): Promise<string> {
  let [fromMs, toMs] = [EPOCH_MS, Date.now() + 60_000];
  const before = (ms: number) => `${query} AND ${ATTRIBUTE.waitingSince} < '${new Date(ms).toISOString()}'`;
  while (toMs - fromMs > 1) {
    const middleMs = Math.floor((fromMs + toMs) / 2);
    const { count } = await client.workflow.count(before(middleMs));
    if (count >= least && count <= most) return before(middleMs);
    if (count < least) fromMs = middleMs;
    else toMs = middleMs;
  }
  return before(toMs);
}

/** Those of the runs in question whose memo says that they wait. */
async function waitingIn(client: Client, query: string, agent: string | undefined): Promise<Waiting[]> {
  const found: Waiting[] = [];
  for await (const run of client.workflow.list({ query, pageSize: PAGE })) {
    const waiting = waitingOf(run);
    if (waiting && (agent === undefined || waiting.agent === agent)) found.push(waiting);
  }
  return found;
}

function inboxOf(found: readonly Waiting[], limit: number, total = found.length): Inbox {
  const waiting = found.toSorted((a, b) => a.sinceMs - b.sinceMs || (a.workflowId < b.workflowId ? -1 : 1));
  return { total, waiting: waiting.slice(0, limit) };
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function waitingOf({ workflowId, runId, memo = {} }: WorkflowExecutionInfo): Waiting | null {
  // Written by the run itself; null when it waits no more.
  const waits = memo[MEMO.waits] as Waits | null | undefined;
  if (!waits) return null;
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return { workflowId, runId, agent: text(memo[MEMO.agent]), parentId: text(memo[MEMO.parent]), ...waits };
}
