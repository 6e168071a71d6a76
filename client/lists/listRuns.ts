// Lists runs from Temporal's visibility, latest first.
import type { Client, WorkflowClient, WorkflowExecutionInfo } from '@temporalio/client';
import { ATTRIBUTE } from '../../core/names.ts';
import type { ForkOf, Labels, RunStatus } from '../../core/types.ts';
import { InvalidList } from '../errors/errors.ts';
import { lenientClient } from '../payloads/lenient.ts';
import { checkLimit, cursorOf, readCursor } from './cursor.ts';
import { runFilter, unlessOther } from './labels.ts';
import { isOpenStatus, LISTED_STATUSES, type ListedStatus, listedStatus } from './listedStatus.ts';
import { readMemo } from './memo.ts';
import { type InputFilter, withInputs } from './runInputs.ts';

export interface ListOptions extends InputFilter<RunSummary> {
  /** Only runs of this agent. */
  readonly agent?: string;
  /** Only runs that have all of these labels. */
  readonly labels?: Labels;
  /** Only runs with one of these statuses. */
  readonly status?: ListedStatus | readonly ListedStatus[];
  /** Only runs that started at this time or later, in milliseconds since 1970. */
  readonly sinceMs?: number;
  /** Only runs that started before this time. */
  readonly untilMs?: number;
  /**
   * Maximum number of runs.
   * @default 20
   */
  readonly limit?: number;
  /** The cursor of an entry; the list continues after it. */
  readonly after?: string | undefined;
}

export interface RunSummary {
  readonly workflowId: string;
  readonly runId: string;
  /** null if the run was not started by this library; `(not readable here)` if this process cannot read it. */
  readonly agent: string | null;
  /** The workflow id of the parent; null if this run is not a sub-agent's. */
  readonly parentId: string | null;
  readonly labels: Labels;
  /** The run and the turn that it is a fork of; null if it is none. */
  readonly forkOf: ForkOf | null;
  /** Temporal's workflow status in lower case. A run that stopped early is `completed` here. */
  readonly state: string;
  /** How the run ended; null while it runs, or if the workflow did not end by itself. */
  readonly status: RunStatus | null;
  /** Number of open questions; null if this process cannot read them. */
  readonly waiting: number | null;
  /** The beginning of the run's input, where the list was asked for it; null if this process cannot read it. */
  readonly input?: string | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  /** The list's `after` continues after this entry. */
  readonly cursor: string;
}

const LIST_DEFAULT = 20;

/** The runs that are open, in a visibility query; and those that have ended, each once, by its last execution. */
export const IS_OPEN = "ExecutionStatus = 'Running'";
export const IS_ENDED = "ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew'";

export async function listRuns(client: Client, options: ListOptions): Promise<RunSummary[]> {
  const { limit = LIST_DEFAULT } = options;
  checkLimit(limit);
  const runs: RunSummary[] = [];
  for await (const run of withInputs(client, summaries(client, options), { ...options, limit })) {
    runs.push(run);
    if (runs.length >= limit) break;
  }
  return runs;
}

async function* summaries(
  client: Client,
  { agent, labels, status: wanted, sinceMs, untilMs = Number.POSITIVE_INFINITY, after }: ListOptions,
): AsyncGenerator<RunSummary> {
  const from = after === undefined ? null : placeAt(after);
  const statuses = wanted === undefined ? null : statusesIn(wanted);
  const filter = await runFilter(client, { agent, labels });
  const { workflow: workflows } = lenientClient(client);
  // One that continued as new started before the execution that is listed.
  const started = sinceMs === undefined ? '' : ` AND StartTime >= '${timeText(sinceMs, 'sinceMs')}'`;
  if (untilMs !== Number.POSITIVE_INFINITY) timeText(untilMs, 'untilMs');
  const ofStatus = (which: string, time: string) => {
    // Inclusive: other runs may have the time of the cursor.
    const since = from ? ` AND ${time} <= '${new Date(from.atMs + 1).toISOString()}'` : '';
    const query = `${filter.query} AND ${which}${started}${since}`;
    return workflows.list({ query, pageSize: 100 })[Symbol.asyncIterator]();
  };
  const howEnded = statuses?.filter((status) => !isOpenStatus(status)) ?? [];
  const endedSo = filter.isIndexed && statuses ? unlessOther(ATTRIBUTE.status, howEnded) : '';
  const open = statuses?.every((status) => !isOpenStatus(status)) ? NONE : ofStatus(IS_OPEN, 'StartTime');
  const ended = statuses && howEnded.length === 0 ? NONE : ofStatus(`${IS_ENDED}${endedSo}`, 'CloseTime');
  for await (const found of latestOf(open, ended)) {
    const place: Place = { atMs: timeOf(found), runId: found.runId };
    if (from && inOrder(place, from) <= 0) continue;
    const memo = readMemo(found.memo);
    if (!filter.keeps(memo)) continue;
    const { agent: name, parentId, labels: has, forkOf, status, startedAtMs, waits } = memo;
    const startMs = startedAtMs ?? found.startTime.getTime();
    if (startMs < (sinceMs ?? Number.NEGATIVE_INFINITY) || startMs >= untilMs) continue;
    const run: RunSummary = {
      workflowId: found.workflowId,
      runId: found.runId,
      agent: name,
      parentId,
      labels: has,
      forkOf,
      state: found.status.name.toLowerCase(),
      // The run itself writes its status when it ends.
      status: status ?? (await statusInResult(workflows, found)),
      waiting: found.closeTime || waits === null ? 0 : (waits?.count ?? null),
      startedAtMs: startMs,
      endedAtMs: found.closeTime?.getTime() ?? null,
      cursor: cursorOf(place.atMs, place.runId),
    };
    // Also where there are attributes: SQLite compares them without case, and not every run has written them.
    if (statuses && !statuses.includes(listedStatus(run) as ListedStatus)) continue;
    yield run;
  }
}

/** As a visibility query has it. */
function timeText(ms: number, name: string): string {
  // What `Date` can say, until the year 9999.
  if (ms >= 0 && ms < 253_402_300_800_000) return new Date(ms).toISOString();
  throw new InvalidList('list_invalid', { problem: `${name} is ${ms}; it must be milliseconds since 1970.` });
}

const NONE: AsyncIterator<WorkflowExecutionInfo> = { next: async () => ({ done: true, value: undefined }) };

function statusesIn(wanted: ListedStatus | readonly ListedStatus[]): readonly ListedStatus[] {
  const statuses = typeof wanted === 'string' ? [wanted] : wanted;
  const unknown = statuses.find((status) => !LISTED_STATUSES.includes(status));
  if (unknown !== undefined || statuses.length === 0)
    throw new InvalidList('list_invalid', {
      problem: `status is ${JSON.stringify(unknown ?? statuses)}. Expected any of ${LISTED_STATUSES.join(', ')}.`,
    });
  return statuses;
}

/** What the list is sorted by. */
interface Place {
  readonly atMs: number;
  readonly runId: string;
}

function placeAt(cursor: string): Place {
  const { numbers, id } = readCursor(cursor, 1);
  return { atMs: numbers[0]!, runId: id };
}

function inOrder(a: Place, b: Place): number {
  return b.atMs - a.atMs || (a.runId === b.runId ? 0 : a.runId < b.runId ? -1 : 1);
}

function timeOf({ closeTime, startTime }: WorkflowExecutionInfo): number {
  return (closeTime ?? startTime).getTime();
}

/**
 * Merges the lists of open and ended runs, latest first, those of one millisecond by run id: a cursor is a place in this order. A run
 * that ends between the two queries is in both, since the open ones are queried first.
 */
async function* latestOf(open: AsyncIterator<WorkflowExecutionInfo>, ended: AsyncIterator<WorkflowExecutionInfo>) {
  const lists = [open, ended];
  const heads = [await open.next(), await ended.next()];
  const yielded = new Set<string>();
  for (;;) {
    const times = heads.map(({ done, value }) => (done ? Number.NEGATIVE_INFINITY : timeOf(value)));
    const latest = Math.max(...times);
    if (latest === Number.NEGATIVE_INFINITY) return;
    const together: WorkflowExecutionInfo[] = [];
    for (const [at, list] of lists.entries())
      for (let head = heads[at]!; !head.done && timeOf(head.value) >= latest; heads[at] = head) {
        together.push(head.value);
        head = await list.next();
      }
    for (const run of together.sort((a, b) => (a.runId < b.runId ? -1 : 1)))
      if (!yielded.has(run.runId)) {
        yielded.add(run.runId);
        yield run;
      }
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
