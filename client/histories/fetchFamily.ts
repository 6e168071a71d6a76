// A run with the runs of its sub-agents: the histories of each.
import type { History } from '../../core/read/history.ts';
import { readRun } from '../../core/read/readRun.ts';
import { toolCalls } from '../../core/read/run.ts';
import type { Holdfast } from '../connect.ts';
import { RunNotFound } from '../errors/errors.ts';
import type { RunHandle } from '../runHandle.ts';

export interface FamilyRun {
  readonly workflowId: string;
  /** Decoded, in their order: several, if it continued as new. */
  readonly histories: readonly History[];
}

export interface Family {
  /** The run itself is the first. */
  readonly runs: readonly FamilyRun[];
  /** Ids of sub-agents' runs that the server does not have. */
  readonly missing: readonly string[];
}

/**
 * Fetches the histories of a run, of its sub-agents, of theirs, and so on.
 *
 * ```ts
 * const { runs } = await fetchFamily(holdfast, holdfast.get('refund-4711'));
 * await maskHistories(runs.flatMap(({ histories }) => histories), [{ key: 'email' }]);
 * ```
 */
export async function fetchFamily(holdfast: Pick<Holdfast, 'get'>, root: RunHandle): Promise<Family> {
  const runs: FamilyRun[] = [];
  const missing: string[] = [];
  const seen = new Set([root.workflowId]);
  const open = [root];
  for (let handle = open.shift(); handle; handle = open.shift()) {
    const { workflowId } = handle;
    let histories: History[];
    try {
      histories = await handle.histories();
    } catch (error) {
      if (!(error instanceof RunNotFound) || handle === root) throw error;
      // It never started, or the namespace's retention is over.
      missing.push(workflowId);
      continue;
    }
    runs.push({ workflowId, histories });
    for (const { childId } of toolCalls(readRun(...histories))) {
      if (childId === null || seen.has(childId)) continue;
      seen.add(childId);
      open.push(holdfast.get(childId));
    }
  }
  return { runs, missing };
}
