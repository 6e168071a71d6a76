// Follows a run together with its sub-agents: the events of all of them, as they happen.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Holdfast, type RunHandle, RunNotFound } from '../../client/index.ts';
import { childRunId } from '../../core/names.ts';
import { type Run, type RunEvent, toolCalls } from '../../core/read/run.ts';

export interface FamilyEvent {
  readonly handle: RunHandle;
  readonly event: RunEvent;
}

/** Sub-agents that have ended by then are not followed: a long run may have had hundreds. */
const CHILD_AFTER_MS = 250;

/**
 * Yields the events of `root`, and those of its sub-agents while they run. Ends with `root`. `get` returns the handle of
 * a run by id.
 */
export async function* followFamily(
  root: RunHandle,
  get: (id: string) => RunHandle,
  signal: AbortSignal,
): AsyncGenerator<FamilyEvent> {
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const queue: FamilyEvent[] = [];
  const children = new Map<string, NodeJS.Timeout>();
  let wake = () => {};
  let end: { readonly error?: unknown } | undefined;

  follow(root).then(
    () => finish({}),
    (error) => finish({ error }),
  );
  try {
    for (;;) {
      const next = queue.shift();
      if (next) yield next;
      else if (end) break;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    if (end?.error !== undefined) throw end.error;
  } finally {
    over.abort();
    for (const timer of children.values()) clearTimeout(timer);
  }

  function finish(result: { readonly error?: unknown }): void {
    end = result;
    wake();
  }

  async function follow(handle: RunHandle): Promise<void> {
    for await (const event of handle.events({ signal: until })) {
      if (event.type === 'call_scheduled' && event.childId !== null) begin(event.childId);
      if (event.type === 'call_ended') forget(childRunId(handle.workflowId, event.call.turn, event.call.slot));
      queue.push({ handle, event });
      wake();
    }
  }

  function begin(id: string): void {
    children.set(
      id,
      setTimeout(() => void followChild(id), CHILD_AFTER_MS),
    );
  }

  function forget(id: string): void {
    clearTimeout(children.get(id));
    children.delete(id);
  }

  async function followChild(id: string): Promise<void> {
    while (children.has(id) && !until.aborted)
      try {
        return await follow(get(id));
      } catch (error) {
        // Scheduled, but not started by the server yet. Other errors will reach us through the parent.
        if (!(error instanceof RunNotFound)) return;
        await sleep(CHILD_AFTER_MS, undefined, { signal: until }).catch(() => {});
      }
  }
}

/** Returns the sub-agents at any depth that wait for people. Reads history, since the list of runs lags behind it. */
export async function waitingSubAgents(holdfast: Holdfast, run: Run): Promise<Run[]> {
  const open = toolCalls(run).flatMap(({ ok, childId }) => (ok === null && childId !== null ? [childId] : []));
  const found = await Promise.all(
    open.map(async (id) => {
      const child = await holdfast
        .get(id)
        .read()
        .catch((error) => {
          // Scheduled, but not started yet.
          if (error instanceof RunNotFound) return null;
          throw error;
        });
      if (!child || child.endedAtMs !== null) return [];
      return [...(child.questions.length > 0 ? [child] : []), ...(await waitingSubAgents(holdfast, child))];
    }),
  );
  return found.flat();
}
