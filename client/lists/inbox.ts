// The inbox: every run that waits for a person, sub-agents included, longest wait first. A query if the namespace has the
// search attributes of `holdfast setup`; otherwise a scan over the memos of all open runs.
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { ATTRIBUTE, WORKFLOW_TYPE } from '../../core/names.ts';
import type { Labels, Question } from '../../core/types.ts';
import { lenientClient } from '../payloads/lenient.ts';
import { attributesOf, indexOf } from '../setup.ts';
import { checkLimit, cursorOf, readCursor } from './cursor.ts';
import { type LabelFilter, labelFilter, quoted } from './labels.ts';
import { readMemo } from './memo.ts';

export interface Waiting {
  readonly workflowId: string;
  readonly runId: string;
  /** null if the run was not started by this library; `(not readable here)` if this process cannot read it. */
  readonly agent: string | null;
  /** The workflow id of the parent; null if this run is not a sub-agent's. */
  readonly parentId: string | null;
  readonly labels: Labels;
  /** Since when it waits, in milliseconds since 1970; if `count` is null, since when this execution runs. */
  readonly sinceMs: number;
  /**
   * Number of questions. `questions` holds the first ten, with long arguments cut field by field: they are no JSON then. null if
   * this process cannot read what the run waits for, if it waits at all.
   */
  readonly count: number | null;
  readonly questions: readonly Question[];
  /** The inbox's `after` continues after this entry. */
  readonly cursor: string;
}

export interface Inbox {
  /** Number of runs that wait, including those beyond `limit` and before `after`. */
  readonly total: number;
  /** The runs that have waited longest; then those that this process cannot read. */
  readonly waiting: readonly Waiting[];
}

export interface InboxOptions {
  /** Only runs of this agent. */
  readonly agent?: string;
  /** Only runs that have all of these labels. */
  readonly labels?: Labels;
  /**
   * Maximum length of `waiting`.
   * @default 50
   */
  readonly limit?: number;
  /** The cursor of an entry; the inbox continues after it. */
  readonly after?: string | undefined;
}

const LIMIT = 50;
/** The server's page size. If more runs wait, only the oldest are fetched. */
const PAGE = 1_000;
/** No run is older than this project. */
const EPOCH_MS = Date.UTC(2025, 0, 1);

const OPEN = `WorkflowType = '${WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'`;

export async function readInbox(client: Client, options: InboxOptions = {}): Promise<Inbox> {
  const { agent, labels, limit = LIMIT, after } = options;
  checkLimit(limit);
  const from = after === undefined ? null : placeAt(after);
  const [filter, names] = await Promise.all([labelFilter(client, labels), attributesOf(client)]);
  const index = indexOf(names);
  const scan: Scan = { agent, filter };
  if (index === 'memo') return inboxOf(await waitingIn(client, `${OPEN}${filter.query}`, scan), limit, from);

  // Workers that started before the attributes were registered write only the memo until they restart. The others write this one as
  // soon as a run has waited.
  const written = index === 'status' ? ATTRIBUTE.turns : ATTRIBUTE.agent;
  const [{ total, waiting }, others] = await Promise.all([
    oldestWaiting(client, { agent, filter, limit, from }),
    waitingIn(client, `${OPEN} AND ${written} IS NULL AND ${ATTRIBUTE.waitingSince} IS NULL${filter.query}`, scan),
  ]);
  return inboxOf([...waiting, ...others], limit, from, total + others.length);
}

interface Scan {
  readonly agent?: string | undefined;
  readonly filter: LabelFilter;
}

interface OldestOptions {
  readonly agent?: string | undefined;
  readonly filter: LabelFilter;
  readonly limit: number;
  readonly from: Place | null;
}

/** The runs that the search attributes find. Those beyond `page` are counted but not fetched. */
export async function oldestWaiting(client: Client, options: OldestOptions, page = PAGE): Promise<Inbox> {
  const { agent, filter, limit, from } = options;
  const ofAgent = agent === undefined ? '' : ` AND ${ATTRIBUTE.agent} = ${quoted(agent)}`;
  const query = `${OPEN} AND ${ATTRIBUTE.waitingSince} IS NOT NULL${ofAgent}`;
  // What only the memo says can be neither counted nor narrowed.
  if (!filter.isExact) return inboxOf(await waitingIn(client, query, { filter }, true), limit, from);

  const counted = async (part: string) => (await client.workflow.count(part)).count;
  const all = `${query}${filter.query}`;
  const total = await counted(all);
  if (!from?.isUnread) {
    const rest = from ? `${all} AND ${since('>=', from.sinceMs)}` : all;
    // Of the cursor's millisecond, some may be before it.
    const tied = from ? await counted(`${rest} AND ${since('<', from.sinceMs + 1)}`) : 0;
    const least = limit + tied;
    const left = from ? await counted(rest) : total;
    const oldest = left <= Math.max(least, page) ? rest : await oldestOf(client, rest, least, least + page);
    const found = inboxOf(await waitingIn(client, oldest, { filter }, true), limit, from, total);
    const isFull = found.waiting.length === limit && found.waiting.every(({ count }) => count !== null);
    if (isFull || oldest === all) return found;
  }
  // Those that this process cannot read come last, in an order that only all of them have.
  return inboxOf(await waitingIn(client, all, { filter }, true), limit, from, total);
}

function since(operator: '<' | '>=', ms: number): string {
  return `${ATTRIBUTE.waitingSince} ${operator} '${new Date(ms).toISOString()}'`;
}

/**
 * Narrows the query to the oldest runs. The server lists latest first and offers no other order, but counting is cheap: a
 * binary search finds a time before which `least` to `most` runs began to wait.
 */
async function oldestOf(client: Client, query: string, least: number, most: number): Promise<string> {
  let [fromMs, toMs] = [EPOCH_MS, Date.now() + 60_000];
  const before = (ms: number) => `${query} AND ${since('<', ms)}`;
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
  { agent, filter }: Scan,
  isWaiting = false,
): Promise<Waiting[]> {
  const found: Waiting[] = [];
  for await (const run of lenientClient(client).workflow.list({ query, pageSize: PAGE })) {
    const waiting = waitingOf(run, isWaiting);
    if (waiting && (agent === undefined || waiting.agent === agent) && filter.keeps(waiting.labels))
      found.push(waiting);
  }
  return found;
}

function inboxOf(found: readonly Waiting[], limit: number, from: Place | null, total = found.length): Inbox {
  const sorted = found
    .map((waiting) => ({ waiting, place: placeAt(waiting.cursor) }))
    .sort((a, b) => inOrder(a.place, b.place));
  const rest = from ? sorted.filter(({ place }) => inOrder(place, from) > 0) : sorted;
  return { total, waiting: rest.slice(0, limit).map(({ waiting }) => waiting) };
}

/** What the inbox is sorted by. */
export interface Place {
  /** Whether this process cannot read what the run waits for. */
  readonly isUnread: boolean;
  readonly sinceMs: number;
  readonly workflowId: string;
}

export function placeAt(cursor: string): Place {
  const { numbers, id } = readCursor(cursor, 2);
  return { isUnread: numbers[0] === 1, sinceMs: numbers[1]!, workflowId: id };
}

function inOrder(a: Place, b: Place): number {
  const before = (x: string, y: string) => (x === y ? 0 : x < y ? -1 : 1);
  return Number(a.isUnread) - Number(b.isUnread) || a.sinceMs - b.sinceMs || before(a.workflowId, b.workflowId);
}

function waitingOf({ workflowId, runId, memo, startTime }: WorkflowExecutionInfo, isWaiting: boolean): Waiting | null {
  // Written by the run itself; null once it no longer waits.
  const { agent, parentId, labels, waits } = readMemo(memo);
  if (waits === null && !isWaiting) return null;
  const { sinceMs, count, questions } = waits ?? { sinceMs: startTime.getTime(), count: null, questions: [] };
  const cursor = cursorOf(Number(count === null), sinceMs, workflowId);
  return { workflowId, runId, agent, parentId, labels, sinceMs, count, questions, cursor };
}
