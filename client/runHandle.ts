// One run, as a client sees it.
import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import type { History, HistoryEvent } from '../core/read/history.ts';
import { createRunReader } from '../core/read/readRun.ts';
import { type Run, type RunEvent, resultOf } from '../core/read/run.ts';
import type { RunResult } from '../core/types.ts';
import { chainHistories, chainPages, lastLink, linksOf } from './chain.ts';
import { NoWorker, RunNotFound, RunOver, unreachable } from './errors/errors.ts';
import { grpcCode } from './errors/grpc.ts';
import { followRun } from './followRun.ts';
import { historyPages } from './history.ts';
import { commandsTo, type RunCommands } from './runCommands.ts';

/** `Output` is what `value` is in the result of an agent with an `output` schema. */
export interface RunHandle<Output = unknown> extends RunCommands {
  readonly workflowId: string;
  /** Waits for the run's end. It resolves for every status; it throws where the workflow itself failed. */
  result(): Promise<TypedResult<Output>>;
  /** What happens in the run, from its beginning, live until its end. A signal ends the following, not the run. */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterable<RunEvent>;
  /** The run as its history tells it now. */
  read(): Promise<Run>;
  /** Temporal's own description: status, pending activities, memo; of a chain, that of its last link. */
  describe(): Promise<WorkflowExecutionDescription>;
  /** The history, decoded; of a chain, that of its last link. */
  history(): Promise<History>;
  /** The histories of all links of its chain that the server still has, in their order: what `readRun` reads as one run. */
  histories(): Promise<History[]>;
  /** Asks the run to stop: what runs is cancelled, and the run closes as cancelled. */
  cancel(): Promise<void>;
  /** Resolves when a worker has taken the run's first task; throws NoWorker where none has after `withinMs`. */
  pickedUp(withinMs?: number): Promise<void>;
}

/** The result with the type of its value. */
export interface TypedResult<Output> extends RunResult {
  readonly value?: Output;
}

const PICK_UP_MS = 5_000;

export function runHandle<Output = unknown>(
  client: Client,
  address: string,
  workflowId: string,
  runId?: string,
): RunHandle<Output> {
  const workflow = client.workflow.getHandle(workflowId, runId);
  const place = { workflowId, runId };

  /** An error of the server, as one that a person can act on. */
  function told(error: unknown): unknown {
    if (isNotFound(error)) return new RunNotFound('run_not_found', { workflowId, namespace: client.options.namespace });
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

  async function read(): Promise<Run> {
    const reader = createRunReader();
    try {
      for await (const { events } of chainPages(client, place, { wait: false }))
        for (const event of events) reader.add(event);
    } catch (error) {
      throw told(error);
    }
    return reader.read();
  }

  let first: Promise<string> | undefined;
  /** A run id may be that of any link of the chain. */
  async function firstRunId(): Promise<string | undefined> {
    if (runId === undefined) return undefined;
    first ??= linksOf(client, place).then((links) => links.first);
    try {
      return await first;
    } catch (error) {
      first = undefined;
      throw error;
    }
  }

  /** Of an order: the run that is meant is there, and no link of its chain runs. */
  function toldOfOrder(error: unknown): unknown {
    return first !== undefined && isNotFound(error) ? new RunOver('run_over', { workflowId }) : told(error);
  }

  /** Of the chain that is meant, the link that runs now; the server keeps what is for it from another run of that id. */
  async function currentLink() {
    const firstExecutionRunId = await firstRunId();
    return client.workflow.getHandle(workflowId, undefined, {
      ...(firstExecutionRunId !== undefined && { firstExecutionRunId }),
    });
  }

  /** Closed or not. */
  async function latestLink() {
    return client.workflow.getHandle(workflowId, runId && (await lastLink(client, workflowId, runId)));
  }

  const orders = commandsTo({
    client,
    workflowId,
    currentLink,
    told: toldOfOrder,
    read,
  });

  async function result(): Promise<unknown> {
    try {
      return await workflow.result();
    } catch (error) {
      // The first link of a chain may be gone with the namespace's retention, while the run goes on.
      if (runId === undefined || !isNotFound(error)) throw error;
      return (await latestLink()).result();
    }
  }

  async function history(): Promise<History> {
    const last = runId && (await lastLink(client, workflowId, runId));
    const events: HistoryEvent[] = [];
    for await (const page of historyPages(client, { workflowId, runId: last }, { wait: false })) events.push(...page);
    return { events };
  }

  return {
    ...orders,
    workflowId,
    async result() {
      try {
        // The schema of the agent has made the value; what it is, the caller says.
        return (await found(result())) as TypedResult<Output>;
      } catch (error) {
        // Closed as Canceled it has no result of its own; its history tells the same.
        if (error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure)
          return resultOf(await read()) as TypedResult<Output>;
        throw error;
      }
    },
    events: ({ signal } = {}) => events(signal),
    read,
    describe: () => found(latestLink().then((link) => link.describe())),
    history: () => found(history()),
    histories: () => found(chainHistories(client, place)),
    async cancel() {
      try {
        await (await currentLink()).cancel();
      } catch (error) {
        throw toldOfOrder(error);
      }
    },
    async pickedUp(withinMs = PICK_UP_MS) {
      const signal = AbortSignal.timeout(withinMs);
      try {
        for await (const page of historyPages(client, place, { wait: true, signal }))
          if (page.some((event) => event.workflowTaskStartedEventAttributes)) return;
      } catch (error) {
        throw told(error);
      }
      throw new NoWorker('not_picked_up', { workflowId, withinMs });
    },
  };
}

function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || grpcCode(error) === 'notFound';
}
