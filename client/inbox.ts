// The inbox: every run that waits for a person, sub-agents included, longest wait first. A query if the namespace has the
// search attributes of `holdfast setup`; otherwise a scan over the memos of all open runs.
import type { Client, Connection, WorkflowExecutionInfo } from '@temporalio/client';
import { ATTRIBUTE, WORKFLOW_TYPE } from '../core/names.ts';
import type { Question } from '../core/types.ts';
import { readMemo } from './memo.ts';
import { lenientClient } from './payloads/lenient.ts';
import { hasAttributes } from './setup.ts';

export interface Waiting {
  readonly workflowId: string;
  readonly runId: string;
  /** null if the run was not started by this library; `(not readable here)` if this process cannot read it. */
  readonly agent: string | null;
  /** The workflow id of the parent; null if this run is not a sub-agent's. */
  readonly parentId: string | null;
  /** Since when it waits, in milliseconds since 1970; if `count` is null, since when this execution runs. */
  readonly sinceMs: number;
  /**
   * Number of questions. `questions` holds the first ten, with long arguments cut field by field: they are no JSON then. null if
   * this process cannot read what the run waits for, if it waits at all.
   */
  readonly count: number | null;
  readonly questions: readonly Question[];
}

export interface Inbox {
  /** Number of runs that wait, including those beyond `limit`. */
  readonly total: number;
  /** The runs that have waited longest; then those that this process cannot read. */
  readonly waiting: readonly Waiting[];
}

export interface InboxOptions {
  /** Only runs of this agent. */
  readonly agent?: string;
  /**
   * Maximum length of `waiting`.
   * @default 50
   */
  readonly limit?: number;
}

const LIMIT = 50;
/** The server's page size. If more runs wait, only the oldest are fetched. */
const PAGE = 1_000;
/** No run is older than this project. */
const EPOCH_MS = Date.UTC(2025, 0, 1);

const OPEN = `WorkflowType = '${WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'`;

export async function readInbox(client: Client, { agent, limit = LIMIT }: InboxOptions = {}): Promise<Inbox> {
  const indexed = await hasAttributes(client.connection as Connection, client.options.namespace);
  if (!indexed) return inboxOf(await waitingIn(client, OPEN, agent), limit);

  // Workers that started before the attributes were registered write only the memo until they restart.
  const [{ total, waiting }, others] = await Promise.all([
    oldestWaiting(client, { agent, limit }),
    waitingIn(client, `${OPEN} AND ${ATTRIBUTE.agent} IS NULL AND ${ATTRIBUTE.waitingSince} IS NULL`, agent),
  ]);
  return inboxOf([...waiting, ...others], limit, total + others.length);
}

/** The runs that the search attributes find. Those beyond `page` are counted but not fetched. */
export async function oldestWaiting(
  client: Client,
  { agent, limit }: { readonly agent?: string | undefined; readonly limit: number },
  page = PAGE,
): Promise<Inbox> {
  const ofAgent = agent === undefined ? '' : ` AND ${ATTRIBUTE.agent} = ${quoted(agent)}`;
  const query = `${OPEN} AND ${ATTRIBUTE.waitingSince} IS NOT NULL${ofAgent}`;
  const { count: total } = await client.workflow.count(query);
  const oldest = total <= Math.max(limit, page) ? query : await oldestOf(client, query, limit, limit + page);
  return inboxOf(await waitingIn(client, oldest, undefined, true), limit, total);
}

/**
 * Narrows the query to the oldest runs. The server lists latest first and offers no other order, but counting is cheap: a
 * binary search finds a time before which `least` to `most` runs began to wait.
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

/** The runs of the query whose memo says that they wait; with `isWaiting`, all of them. */
async function waitingIn(
  client: Client,
  query: string,
  agent: string | undefined,
  isWaiting = false,
): Promise<Waiting[]> {
  const found: Waiting[] = [];
  for await (const run of lenientClient(client).workflow.list({ query, pageSize: PAGE })) {
    const waiting = waitingOf(run, isWaiting);
    if (waiting && (agent === undefined || waiting.agent === agent)) found.push(waiting);
  }
  return found;
}

function inboxOf(found: readonly Waiting[], limit: number, total = found.length): Inbox {
  const unread = ({ count }: Waiting) => Number(count === null);
  const waiting = found.toSorted(
    (a, b) => unread(a) - unread(b) || a.sinceMs - b.sinceMs || (a.workflowId < b.workflowId ? -1 : 1),
  );
  return { total, waiting: waiting.slice(0, limit) };
}

/** As a string of a visibility query. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function waitingOf({ workflowId, runId, memo, startTime }: WorkflowExecutionInfo, isWaiting: boolean): Waiting | null {
  // Written by the run itself; null once it no longer waits.
  const { agent, parentId, waits } = readMemo(memo);
  if (waits === null && !isWaiting) return null;
  const known = waits ?? { sinceMs: startTime.getTime(), count: null, questions: [] };
  return { workflowId, runId, agent, parentId, ...known };
}
