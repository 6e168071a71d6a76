// A run with the runs of its sub-agents, for `export --family`.
import { type Holdfast, type RunHandle, RunNotFound } from '../../client/index.ts';
import type { History } from '../../core/read/history.ts';
import { readRun } from '../../core/read/readRun.ts';
import { toolCalls } from '../../core/read/run.ts';

export interface ExportedRun {
  readonly workflowId: string;
  readonly histories: readonly History[];
}

export interface Family {
  readonly runs: readonly ExportedRun[];
  /** Ids of sub-agents' runs that the server does not have. */
  readonly missing: readonly string[];
}

/** Fetches the histories of a run and, with `all`, those of its sub-agents, of theirs, and so on. */
export async function fetchFamily(
  holdfast: Holdfast,
  root: RunHandle,
  { all }: { readonly all: boolean },
): Promise<Family> {
  const runs: ExportedRun[] = [];
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
    if (!all) continue;
    for (const { childId } of toolCalls(readRun(...histories))) {
      if (childId === null || seen.has(childId)) continue;
      seen.add(childId);
      open.push(holdfast.get(childId));
    }
  }
  return { runs, missing };
}
