// People in tests: the questions that a run asks them, and answers in random order.
import type { Holdfast, RunHandle, Waiting } from '../../client/index.ts';
import type { History } from '../../core/read/history.ts';
import type { Question } from '../../core/types.ts';
import { eventually } from './waits.ts';

export type Asked = Extract<Question, { kind: 'approval' }>;

/** Resolves with the pending approvals once there are `n`. */
export function asked(handle: RunHandle, n = 1): Promise<Asked[]> {
  return eventually(async () => {
    const open = (await handle.questions()).flatMap((question) => (question.kind === 'approval' ? [question] : []));
    return open.length === n && open;
  });
}

/** Returns the inbox of a run and its sub-agents. Tests share a server, so other runs of the agent may wait too. */
export async function inboxOf(holdfast: Holdfast, id: string): Promise<Waiting[]> {
  const { waiting } = await holdfast.inbox({ limit: 100_000 });
  return waiting.filter(({ workflowId }) => workflowId === id || workflowId.startsWith(`${id}.`));
}

/** Returns pseudo-random numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/**
 * WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND: the server has ended a task in flight, since more than 2 MiB of events waited for its
 * end (`history.maximumBufferedEventsSizeInBytes`). It is no fault of the worker's, and the task is there again at once.
 */
const FORCE_CLOSE = 17;
/** A run wanted to end while there was news for it. */
const UNHANDLED_COMMAND = 1;

/** The failed workflow tasks, with their causes: there may be none for any input. */
export function failedTasks({ events }: History): string[] {
  return (events ?? []).flatMap((event) => {
    // Our type of an event leaves out what we do not read.
    const { workflowTaskFailedEventAttributes: failed } = event as WithFailedTask;
    const isFault = failed && failed.cause !== FORCE_CLOSE && failed.cause !== UNHANDLED_COMMAND;
    return isFault ? [`${failed.cause}: ${failed.failure?.message}`] : [];
  });
}

interface WithFailedTask {
  readonly workflowTaskFailedEventAttributes?: {
    readonly cause?: unknown;
    readonly failure?: { readonly message?: string | null } | null;
  } | null;
}
