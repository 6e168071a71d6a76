// Many runs in numbers, read from their histories.
import type { Run } from '../../core/read/run.ts';
import { EVERY, type Every, everyFor, type RunStats, statsOf } from '../../core/read/stats.ts';
import { HoldfastError, InvalidList, TemporalUnreachable } from '../errors/errors.ts';
import { checkLimit } from './cursor.ts';
import type { ListOptions, RunSummary } from './listRuns.ts';

export interface StatsOptions extends Pick<ListOptions, 'agent' | 'labels' | 'status' | 'sinceMs' | 'untilMs'> {
  /**
   * Maximum number of runs, the latest. Each is read from its history.
   * @default 500
   */
  readonly limit?: number;
  /**
   * What `series` gathers the numbers by.
   * @default minutes for two hours, hours for eight days, and else days: of the time between `sinceMs` and `untilMs` or now, or, without
   * `sinceMs`, of that in which the runs started
   */
  readonly every?: Every;
}

export interface FoundStats extends RunStats {
  /** Runs that fit, and whose histories cannot be read here or are gone. */
  readonly unreadable: readonly string[];
  /** Whether there may be more runs that fit, beyond the limit. */
  readonly hasMore: boolean;
}

const LIMIT = 500;
/** Histories that are read at once. */
const READ_AT_ONCE = 10;

interface StatsSource {
  list(options: ListOptions): Promise<RunSummary[]>;
  read(run: RunSummary): Promise<Run>;
}

export async function readStats(source: StatsSource, options: StatsOptions = {}): Promise<FoundStats> {
  const { limit = LIMIT, every = everyOf(options), ...which } = options;
  checkLimit(limit);
  if (every !== undefined && !EVERY.includes(every))
    throw new InvalidList('list_invalid', {
      problem: `every is ${JSON.stringify(every)}; it must be minute, hour or day.`,
    });
  const found = await source.list({ ...which, limit: limit + 1 });
  const wanted = found.slice(0, limit);
  const runs: (Run | null)[] = [];
  let next = 0;
  const readSome = async () => {
    for (let at = next++; at < wanted.length; at = next++) runs[at] = await readable(source.read(wanted[at]!));
  };
  await Promise.all(Array.from({ length: READ_AT_ONCE }, readSome));
  const read = runs.filter((run) => run !== null);
  const unreadable = wanted.filter((_, at) => runs[at] === null).map(({ workflowId }) => workflowId);
  return { ...statsOf(read, every && { every }), unreadable, hasMore: found.length > limit };
}

/** So that the curve of a period does not change its steps with the runs in it. */
function everyOf({ sinceMs, untilMs = Date.now() }: StatsOptions): Every | undefined {
  return sinceMs === undefined ? undefined : everyFor(untilMs - sinceMs);
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
