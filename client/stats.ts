// Many runs in numbers, read from their histories.
import type { Run } from '../core/read/run.ts';
import { type RunStats, statsOf } from '../core/read/stats.ts';
import { HoldfastError, TemporalUnreachable } from './errors/errors.ts';
import type { ListOptions, RunSummary } from './listRuns.ts';

export interface StatsOptions extends Pick<ListOptions, 'agent' | 'labels' | 'status'> {
  /** Only runs that started at this time or later, in milliseconds since 1970. */
  readonly sinceMs?: number;
  /** Only runs that started before this time. */
  readonly untilMs?: number;
  /**
   * Maximum number of runs, the latest. Each is read from its history.
   * @default 500
   */
  readonly limit?: number;
}

export interface FoundStats extends RunStats {
  /** Runs that fit, and whose histories cannot be read here or are gone. */
  readonly unreadable: readonly string[];
  /** Whether there may be more runs that fit, beyond the limit. */
  readonly hasMore: boolean;
}

const LIMIT = 500;
/** Runs of a page of the list. */
const PAGE = 200;
/** Histories that are read at once. */
const READ_AT_ONCE = 10;

interface StatsSource {
  list(options: ListOptions): Promise<RunSummary[]>;
  read(run: RunSummary): Promise<Run>;
}

export async function readStats(source: StatsSource, options: StatsOptions = {}): Promise<FoundStats> {
  const { limit = LIMIT } = options;
  const found = await fitting(source, { ...options, limit: limit + 1 });
  const wanted = found.slice(0, limit);
  const runs: (Run | null)[] = [];
  let next = 0;
  const readSome = async () => {
    for (let at = next++; at < wanted.length; at = next++) runs[at] = await readable(source.read(wanted[at]!));
  };
  await Promise.all(Array.from({ length: READ_AT_ONCE }, readSome));
  const read = runs.filter((run) => run !== null);
  const unreadable = wanted.filter((_, at) => runs[at] === null).map(({ workflowId }) => workflowId);
  return { ...statsOf(read), unreadable, hasMore: found.length > limit };
}

async function fitting(
  { list }: StatsSource,
  { agent, labels, status, sinceMs = 0, untilMs = Number.POSITIVE_INFINITY, limit = LIMIT }: StatsOptions,
): Promise<RunSummary[]> {
  const found: RunSummary[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await list({
      ...(agent !== undefined && { agent }),
      ...(labels && { labels }),
      ...(status !== undefined && { status }),
      limit: PAGE,
      after,
    });
    found.push(...page.filter(({ startedAtMs }) => startedAtMs >= sinceMs && startedAtMs < untilMs));
    // The list is by the end of runs: a page on which all ended before the time has none that started after it.
    const isPast = page.every(({ endedAtMs, startedAtMs }) => (endedAtMs ?? startedAtMs) < sinceMs);
    if (page.length < PAGE || isPast || found.length >= limit) return found.slice(0, limit);
    after = page.at(-1)!.cursor;
  }
}

/** null for a run that another program has started, whose payloads are gone, or that retention has taken meanwhile. */
async function readable(run: Promise<Run>): Promise<Run | null> {
  try {
    return await run;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error instanceof TemporalUnreachable) throw error;
    return null;
  }
}
