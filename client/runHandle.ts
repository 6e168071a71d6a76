// One run, as a client sees it.
import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import type { History } from '../core/history.ts';
import { readRun } from '../core/readRun.ts';
import { type Run, type RunEvent, resultOf } from '../core/run.ts';
import type { RunResult } from '../core/types.ts';
import { grpcCode, NoWorker, RunNotFound, unreachable } from './errors.ts';
import { followRun } from './followRun.ts';
import { historyPages } from './history.ts';

export interface RunHandle {
  readonly workflowId: string;
  /** Waits for the run's end. It resolves for every status; it throws where the workflow itself failed. */
  result(): Promise<RunResult>;
  /** What happens in the run, from its beginning, live until its end. A signal ends the following, not the run. */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterable<RunEvent>;
  /** The run as its history tells it now. */
  read(): Promise<Run>;
  /** Temporal's own description: status, pending activities, memo. */
  describe(): Promise<WorkflowExecutionDescription>;
  /** The whole history. */
  history(): Promise<History>;
  /** Asks the run to stop: what runs is cancelled, and the run closes as cancelled. */
  cancel(): Promise<void>;
  /** Resolves when a worker has taken the run's first task; throws NoWorker where none has after `withinMs`. */
  pickedUp(withinMs?: number): Promise<void>;
}

const PICK_UP_MS = 5_000;

export function runHandle(client: Client, address: string, workflowId: string, runId?: string): RunHandle {
  const workflow = client.workflow.getHandle(workflowId, runId);
  const place = { workflowId, runId };

  /** An error of the server, as one that a person can act on. */
  function told(error: unknown): unknown {
    if (error instanceof WorkflowNotFoundError || grpcCode(error) === 'notFound')
      return new RunNotFound(`There is no run "${workflowId}". "holdfast list" shows those there are.`);
    return grpcCode(error) === 'unavailable' ? unreachable(address, error) : error;
  }

  async function found<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw told(error);
    }
  }

  async function* events(signal?: AbortSignal): AsyncGenerator<RunEvent> {
    try {
      yield* followRun(client, place, signal);
    } catch (error) {
      throw told(error);
    }
  }

  // The SDK's type says of each field what it is on the wire; ours names the few that are read.
  const history = () => found(workflow.fetchHistory() as Promise<History>);

  return {
    workflowId,
    async result() {
      try {
        return (await found(workflow.result())) as RunResult;
      } catch (error) {
        // Closed as Canceled it has no result of its own; its history tells the same.
        if (error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure)
          return resultOf(readRun(await history()));
        throw error;
      }
    },
    events: ({ signal } = {}) => events(signal),
    read: async () => readRun(await history()),
    describe: () => found(workflow.describe()),
    history,
    async cancel() {
      await found(workflow.cancel());
    },
    async pickedUp(withinMs = PICK_UP_MS) {
      const signal = AbortSignal.timeout(withinMs);
      try {
        for await (const page of historyPages(client, place, { wait: true, signal }))
          if (page.some((event) => event.workflowTaskStartedEventAttributes)) return;
      } catch (error) {
        throw told(error);
      }
      throw new NoWorker(
        `No worker took ${workflowId} within ${withinMs / 1_000} seconds. Is one running? Start it with "holdfast worker" or "holdfast dev"; the run waits.`,
      );
    },
  };
}
