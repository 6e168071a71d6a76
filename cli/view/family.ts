// A run followed together with its sub-agents: what happens in any of them, as it happens.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Holdfast, type RunHandle, RunNotFound } from '../../client/index.ts';
import { childRunId } from '../../core/names.ts';
import { type Run, type RunEvent, toolCalls } from '../../core/read/run.ts';

export interface FamilyEvent {
  readonly handle: RunHandle;
  readonly event: RunEvent;
}

/** A sub-agent that is over by then is of the past, and has nothing more to ask: a long run may have had hundreds. */
const CHILD_AFTER_MS = 250;

/**
 * The events of `root`, and those of its sub-agents while they are under way; with the run's own end it ends. `get` finds
 * a run by its id.
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

  function finish(how: { readonly error?: unknown }): void {
    end = how;
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
        // The parent has asked for it, and the server has not begun it yet. Any other trouble, the parent will tell.
        if (!(error instanceof RunNotFound)) return;
        await sleep(CHILD_AFTER_MS, undefined, { signal: until }).catch(() => {});
      }
  }
}

/** The sub-agents of a run, and theirs, that wait for people; by what history says now, which a list comes after. */
export async function askedBelow(holdfast: Holdfast, run: Run): Promise<Run[]> {
  const open = toolCalls(run).flatMap(({ ok, childId }) => (ok === null && childId !== null ? [childId] : []));
  const found = await Promise.all(
    open.map(async (id) => {
      const child = await holdfast
        .get(id)
        .read()
        .catch((error) => {
          // Asked for, and not begun yet.
          if (error instanceof RunNotFound) return null;
          throw error;
        });
      if (!child || child.endedAtMs !== null) return [];
      return [...(child.questions.length > 0 ? [child] : []), ...(await askedBelow(holdfast, child))];
    }),
  );
  return found.flat();
}
