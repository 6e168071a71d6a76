// Queries the workflow that started this activity: for a page of its transcript, or its agent. One query at a time, each with a
// deadline. Whatever the reason, a query without an answer becomes one kind of failure.
import { Context } from '@temporalio/activity';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import { unlessAborted } from '../core/abort.ts';
import { AGENT_QUERY, FAILURE, TRANSCRIPT_QUERY } from '../core/names.ts';
import { inWords } from '../core/text.ts';
import type { AskForAgent } from './runOptions.ts';
import { createSemaphore } from './tools/semaphore.ts';
import type { AskForPage } from './transcript/transcripts.ts';

/** A cached workflow answers in milliseconds; one that has to be replayed first takes a second or two. */
const ASK_DEADLINE_MS = 20_000;

export type Ask = <Answer>(what: 'transcript' | 'agent', query: string, args?: unknown[]) => Promise<Answer>;

/** One query at a time in each process: with an empty workflow cache, three at once were seen to hang. */
export function createAsk(deadlineMs: number = ASK_DEADLINE_MS): Ask {
  const semaphore = createSemaphore(1);
  return async <Answer>(what: 'transcript' | 'agent', query: string, args: unknown[] = []) => {
    const { cancellationSignal: stop } = Context.current();
    const release = await semaphore.acquire(stop);
    // The worker's connection takes no signal, so an abandoned query keeps its permit until it is answered.
    return unlessAborted(stop, send<Answer>(what, query, args, deadlineMs).finally(release));
  };
}

export function createAskForPage(ask: Ask = createAsk()): AskForPage {
  return (from, limit) => ask('transcript', TRANSCRIPT_QUERY, [from, limit]);
}

export function createAskForAgent(ask: Ask = createAsk()): AskForAgent {
  return () => ask('agent', AGENT_QUERY);
}

async function send<Answer>(
  what: 'transcript' | 'agent',
  query: string,
  args: unknown[],
  deadlineMs: number,
): Promise<Answer> {
  const { info, client } = Context.current();
  const { workflowId, runId } = info.workflowExecution!;
  const handle = client.workflow.getHandle(workflowId, runId);
  const deadline = Date.now() + deadlineMs;
  try {
    return await client.withDeadline(deadline, () => handle.query<Answer, unknown[]>(query, ...args));
  } catch (error) {
    throw unanswered(what, Date.now() >= deadline ? `no answer within ${inWords(deadlineMs)}` : whyNot(error));
  }
}

/** Retryable: a workflow that is busy, or whose worker was lost, may answer the next attempt. */
function unanswered(what: 'transcript' | 'agent', why: string): ApplicationFailure {
  return ApplicationFailure.retryable(
    `The workflow did not return its ${what} (${why}). Nothing was sent to the model.`,
    FAILURE.transcriptUnanswered,
  );
}

/** The client wraps gRPC's errors; the innermost cause has the details. */
function whyNot(error: unknown): string {
  if (error instanceof WorkflowNotFoundError) return 'the run no longer exists';
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}
