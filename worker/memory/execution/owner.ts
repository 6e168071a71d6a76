// What starts an execution, what it needs of its server, and what its parts need of it.
import type { temporal } from '@temporalio/proto';
import type { Clock } from '../clock.ts';
import type { Decode, Payload, PayloadFields } from '../fields.ts';
import type { HistoryWriter } from '../history.ts';
import type { Activation, Completion } from '../nativeWorker.ts';
import type { ActivityFate, ActivityRun, ActivityWorker } from './activityRun.ts';
import type { Job } from './taskCommands.ts';

export const IDENTITY = 'memory';
export const TASK_TIMEOUT_MS = 10_000;

export interface Ref {
  readonly workflowId: string;
  readonly runId: string;
}

export interface ExecutionStart extends Ref {
  readonly type: string;
  readonly taskQueue: string;
  readonly input: readonly Payload[];
  readonly headers?: PayloadFields | null | undefined;
  readonly memo?: PayloadFields | null | undefined;
  readonly searchAttributes?: PayloadFields | null | undefined;
  readonly userMetadata?: temporal.api.sdk.v1.IUserMetadata | null | undefined;
  readonly firstRunId: string;
  readonly continuedFromRunId?: string | undefined;
  readonly parent?: (Ref & { readonly initiatedEventId: number }) | undefined;
  readonly root?: Ref | undefined;
  readonly executionTimeoutMs?: number;
  readonly runTimeoutMs?: number;
}

/** An execution, for others. */
export interface Peer {
  readonly isOpen: boolean;
  readonly status: number;
  readonly history: HistoryWriter;
  signal(
    name: string,
    input: readonly Payload[],
    how?: { headers?: PayloadFields | null | undefined; from?: Ref },
  ): void;
  update(id: string, name: string, input: readonly Payload[], headers: PayloadFields | null | undefined): unknown;
  cancel(reason: string, from: Ref): void;
  terminate(reason: string): void;
}

/** What an execution needs of its server. */
export interface ExecutionHost {
  readonly clock: Clock;
  readonly namespace: string;
  readonly decode: Decode;
  /** How many updates an execution takes. */
  readonly updatesMax: number;
  /** Whether a worker takes workflow tasks of this queue. */
  isServed(taskQueue: string): boolean;
  /** Calls `listener` once when a worker comes that does. */
  whenServed(taskQueue: string, listener: () => void): () => void;
  activate(taskQueue: string, activation: Activation): Promise<Completion>;
  /** Calls `take` once a worker of this queue has a place for an activity: at once, if there is one. */
  place(taskQueue: string, take: (worker: ActivityWorker) => void): () => void;
  newToken(activity: ActivityRun): Uint8Array;
  fateOf(activity: ActivityRun, execution: Peer): ActivityFate;
  newRunId(): string;
  /** Work is under way until the promise settles. */
  busy<T>(work: Promise<T>): Promise<T>;
  start(start: ExecutionStart): Peer;
  /** The latest execution of this id. */
  latest(workflowId: string): Peer | undefined;
  byRun(runId: string): Peer | undefined;
  closed(execution: Peer): void;
  /** A workflow task fails again and again. */
  broken(error: Error): void;
}

/** The execution, for what it has under way. */
export interface Owner {
  readonly host: ExecutionHost;
  readonly start: ExecutionStart;
  readonly ref: Ref;
  readonly history: HistoryWriter;
  /** Now, or after the task that is being carried out; nothing happens to an execution that is over. */
  happen(what: () => void): void;
  /** Adds a job to the next task. */
  give(job: Job): void;
}

/** The task that a command comes from, as events name it. */
export interface TaskRef {
  readonly workflowTaskCompletedEventId: number;
}
