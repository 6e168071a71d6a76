// `RunHandle`: one run, as a client sees it.
import { type Client, type WorkflowExecutionDescription, WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import type { History, HistoryEvent } from '../core/read/history.ts';
import { type Run, type RunEvent, resultOf } from '../core/read/run.ts';
import type { RunResult } from '../core/types.ts';
import { NoWorker, RunOver } from './errors/errors.ts';
import { isNotFound, runError } from './errors/runError.ts';
import { readEventId } from './follow/eventIds.ts';
import { type FamilyEvent, followFamily } from './follow/followFamily.ts';
import { followRun } from './follow/followRun.ts';
import { type ForkOptions, type ForkSummary, forksOf, startFork } from './forks.ts';
import { historyPages } from './histories/history.ts';
import { openReader } from './histories/readHistory.ts';
import { executionIds, lastExecution, runHistories, runPages } from './histories/runHistories.ts';
import { lenientClient } from './payloads/lenient.ts';
import { compactionRequests } from './requests/compactionRequests.ts';
import { type ModelRequest, requestOf } from './requests/requestOf.ts';
import { commandsTo, type RunCommands } from './runCommands.ts';

export interface EventsOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined;
  /** Continues right after this event: its `id`, and with `family` its `cursor`. */
  readonly after?: string | undefined;
  /**
   * Whether to include sub-agents.
   * @default false
   */
  readonly family?: boolean | undefined;
}

/**
 * A run: its result, its events, its histories, and its commands. `Output` is the type of `value`, the result of an agent
 * with an `output` schema.
 */
export interface RunHandle<Output = unknown> extends RunCommands<Output> {
  readonly workflowId: string;
  /** The run id with which the handle was made: by `start`, `find`, or `get`. */
  readonly runId: string | undefined;
  /** Waits for the end of the run. Resolves for every status; throws if the workflow itself failed. */
  result(): Promise<RunResult<Output>>;
  /**
   * Yields the run's events, from its start or after the event with an id, live until its end. Aborting the signal ends the iteration,
   * not the run.
   *
   * ```ts
   * for await (const event of run.events()) if (event.type === 'text') process.stdout.write(event.text);
   * ```
   */
  events(options?: EventsOptions & { readonly family?: false | undefined }): RunEvents;
  /**
   * With `family`, yields the events of its sub-agents, too, and of theirs. It ends when all of them have ended.
   *
   * ```ts
   * for await (const { path, type, cursor } of run.events({ family: true })) console.log(path.join('/'), type, cursor);
   * ```
   */
  events(options: EventsOptions & { readonly family: true }): AsyncIterable<FamilyEvent>;
  /** Reads the run's current state from its histories. */
  read(): Promise<Run>;
  /** What the model was asked in a turn. Throws `RequestUnavailable` if it was not. */
  request(turn: number): Promise<ModelRequest>;
  /** What the model was asked for the summary of a compaction, by its number. Throws `RequestUnavailable` if it was not. */
  compactionRequests(compaction: number): Promise<readonly ModelRequest[]>;
  /**
   * Temporal's own description of the run's last execution: status, pending activities, memo. What this process cannot read
   * is `(not readable here)`.
   */
  describe(): Promise<WorkflowExecutionDescription>;
  /** The decoded history of the run's last execution. */
  history(): Promise<History>;
  /** All histories of the run that the server still has, decoded and in order. `readRun` reads them as one run. */
  histories(): Promise<History[]>;
  /**
   * Starts a fork: a new run with this one's conversation up to a turn, and with something changed. This run stays as it is, open or
   * ended. Calls with an effect wait for a person, unless `effects` says otherwise.
   *
   * ```ts
   * const fork = await run.fork({ turn: 3, instructions: 'Check the order before you refund.' });
   * ```
   */
  fork(options: ForkOptions): Promise<RunHandle<Output>>;
  /** The forks of this run, latest first. */
  forks(): Promise<ForkSummary[]>;
  /** Ends the run now: what is running is cancelled, and the run closes as cancelled. */
  cancel(): Promise<void>;
  /**
   * Resolves when a worker has picked up the run's first task. Throws `NoWorker` if none has within `withinMs`.
   * @default 5 s
   */
  pickedUp(withinMs?: number): Promise<void>;
}

/** The events of a run, and its state after them. */
export interface RunEvents extends AsyncIterable<RunEvent> {
  /** The run as of the last event, without reading its history again. Throws before the first one. */
  run(): Run;
}

const PICK_UP_MS = 5_000;

export function runHandle<Output = unknown>(
  client: Client,
  address: string,
  workflowId: string,
  runId?: string,
): RunHandle<Output> {
  const workflow = client.workflow.getHandle(workflowId, runId);
  const execution = { workflowId, runId };

  const toRunError = (error: unknown) => runError(error, { workflowId, namespace: client.options.namespace, address });

  async function withRunErrors<T>(result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (error) {
      throw toRunError(error);
    }
  }

  function events({ signal, after, family }: EventsOptions = {}): RunEvents {
    const reader = openReader(workflowId);
    async function* follow(): AsyncGenerator<RunEvent> {
      try {
        if (family) return yield* followFamily(client, execution, { signal, after });
        const from = after === undefined ? null : readEventId(after);
        const followed = followRun(client, execution, { signal, from, reader });
        for await (const { event, isAfter } of followed) if (isAfter) yield event;
      } catch (error) {
        throw toRunError(error);
      }
    }
    return Object.assign(follow(), { run: reader.read });
  }

  async function read(): Promise<Run> {
    const reader = openReader(workflowId);
    try {
      for await (const { events } of runPages(client, execution, { wait: false }))
        for (const event of events) reader.add(event);
    } catch (error) {
      throw toRunError(error);
    }
    return reader.read();
  }

  let first: Promise<string> | undefined;
  /** The given run id may be that of any execution of the run. */
  async function firstRunId(): Promise<string | undefined> {
    if (runId === undefined) return undefined;
    first ??= executionIds(client, execution).then((ids) => ids.first);
    try {
      return await first;
    } catch (error) {
      first = undefined;
      throw error;
    }
  }

  /** Of a command: if the run exists, then "not withRunErrors" means that it is not running any more. */
  function toCommandError(error: unknown): unknown {
    return first !== undefined && isNotFound(error) ? new RunOver('run_over', { workflowId }) : toRunError(error);
  }

  /** The running execution. The first run id keeps commands from reaching another run of the same workflow id. */
  async function currentExecution() {
    const firstExecutionRunId = await firstRunId();
    return client.workflow.getHandle(workflowId, undefined, {
      ...(firstExecutionRunId !== undefined && { firstExecutionRunId }),
    });
  }

  /** The last execution, closed or not. */
  async function lastHandle(workflows = client.workflow) {
    return workflows.getHandle(workflowId, runId && (await lastExecution(client, workflowId, runId)));
  }

  const commands = commandsTo<Output>({
    client,
    workflowId,
    currentExecution,
    toError: toCommandError,
    read,
  });

  async function result(): Promise<unknown> {
    try {
      return await workflow.result();
    } catch (error) {
      // Retention may have deleted the first execution while the run continues.
      if (runId === undefined || !isNotFound(error)) throw error;
      return (await lastHandle()).result();
    }
  }

  async function history(): Promise<History> {
    const last = runId && (await lastExecution(client, workflowId, runId));
    const events: HistoryEvent[] = [];
    for await (const page of historyPages(client, { workflowId, runId: last }, { wait: false })) events.push(...page);
    return { events };
  }

  return {
    ...commands,
    workflowId,
    runId,
    async result() {
      try {
        // The agent's schema has validated the value; its type comes from the caller.
        return (await withRunErrors(result())) as RunResult<Output>;
      } catch (error) {
        // A cancelled workflow has no result; the run's history holds the same facts.
        if (error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure)
          return resultOf(await read()) as RunResult<Output>;
        throw error;
      }
    },
    // Its type depends on `family`.
    events: events as RunHandle['events'],
    read,
    request: async (turn) => requestOf(await read(), turn),
    compactionRequests: async (compaction) => compactionRequests(await read(), compaction),
    describe: () => withRunErrors(lastHandle(lenientClient(client).workflow).then((last) => last.describe())),
    history: () => withRunErrors(history()),
    histories: () => withRunErrors(runHistories(client, execution)),
    async fork(options) {
      const fork = await withRunErrors(
        runHistories(client, execution).then((all) => startFork(client, all, workflowId, options)),
      );
      return runHandle<Output>(client, address, fork.workflowId, fork.runId);
    },
    async forks() {
      // Reading all of a large run only for its start would take seconds.
      await withRunErrors(lastHandle(lenientClient(client).workflow).then((last) => last.describe()));
      return forksOf(client, workflowId, async () => (await read()).startedAtMs);
    },
    async cancel() {
      try {
        await (await currentExecution()).cancel();
      } catch (error) {
        throw toCommandError(error);
      }
    },
    async pickedUp(withinMs = PICK_UP_MS) {
      const signal = AbortSignal.timeout(withinMs);
      try {
        for await (const page of historyPages(client, execution, { wait: true, signal }))
          if (page.some((event) => event.workflowTaskStartedEventAttributes)) return;
      } catch (error) {
        throw toRunError(error);
      }
      throw new NoWorker('not_picked_up', { workflowId, withinMs });
    },
  };
}
