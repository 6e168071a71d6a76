// Queries the workflow that started this activity for a page of its transcript: one query at a time, each with a deadline.
// Whatever the reason, a query without an answer becomes one kind of failure.
import { Context } from '@temporalio/activity';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import { unlessAborted } from '../../core/abort.ts';
import { FAILURE, TRANSCRIPT_QUERY } from '../../core/names.ts';
import { inWords } from '../../core/text.ts';
import type { TranscriptPage } from '../../core/types.ts';
import { createSemaphore } from '../tools/semaphore.ts';
import type { AskForPage } from './transcripts.ts';

/** A cached workflow answers in milliseconds; one that has to be replayed first takes a second or two. */
const ASK_DEADLINE_MS = 20_000;

/** One query at a time in each process: with an empty workflow cache, three at once were seen to hang. */
export function createAskForPage(deadlineMs: number = ASK_DEADLINE_MS): AskForPage {
  const semaphore = createSemaphore(1);
  return async (from, limit) => {
    const { cancellationSignal: stop } = Context.current();
    const release = await semaphore.acquire(stop);
    // The worker's connection takes no signal, so an abandoned query keeps its permit until it is answered.
    return unlessAborted(stop, ask(from, limit, deadlineMs).finally(release));
  };
}

async function ask(from: number, limit: number, deadlineMs: number): Promise<TranscriptPage> {
  const { info, client } = Context.current();
  const { workflowId, runId } = info.workflowExecution!;
  const handle = client.workflow.getHandle(workflowId, runId);
  const query = () => handle.query<TranscriptPage, [number, number]>(TRANSCRIPT_QUERY, from, limit);
  const deadline = Date.now() + deadlineMs;
  try {
    return await client.withDeadline(deadline, query);
  } catch (error) {
    throw unanswered(Date.now() >= deadline ? `no answer within ${inWords(deadlineMs)}` : whyNot(error));
  }
}

/** Retryable: a workflow that is busy, or whose worker was lost, may answer the next attempt. */
function unanswered(why: string): ApplicationFailure {
  return ApplicationFailure.retryable(
    `The workflow did not return its transcript (${why}). Nothing was sent to the model.`,
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
