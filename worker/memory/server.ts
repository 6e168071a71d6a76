// A server of Temporal in memory, with a worker on each task queue: executions, their tasks, and time. It keeps what it has for as long as it lives.
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type Clock, realClock, virtualClock } from './clock.ts';
import type { ActivityFate, ActivityRun, ActivityWorker } from './execution/activityRun.ts';
import { Execution } from './execution/index.ts';
import type { ExecutionHost, ExecutionStart } from './execution/owner.ts';
import type { Decode } from './fields.ts';
import {
  type Activation,
  type Completion,
  MemoryNativeWorker,
  type MemoryWorkerOptions,
  textOf,
  type WorkerReports,
} from './nativeWorker.ts';
import { unavailable } from './serviceError.ts';
import { TaskQueues } from './taskQueues.ts';

export interface MemoryServerOptions {
  readonly namespace: string;
  /** `virtual`: time passes only while code runs, and jumps over waits. */
  readonly time: 'virtual' | 'real';
  /** When virtual time begins. */
  readonly nowMs: number;
  /** @default the worker runs every attempt */
  readonly fateOf?: FateOf | undefined;
  /** The queue whose worker takes the workflows of all queues that have none; null if they wait. */
  readonly sharedQueue: string | null;
  /** How many updates an execution takes, refused ones aside. @default 2000, as Temporal's server */
  readonly updatesMax?: number | undefined;
  /** @default payloads are as the SDK writes them */
  readonly decode?: Decode | undefined;
}

/** `history.maxTotalUpdates` of Temporal's server. */
const UPDATES_MAX = 2_000;

export type FateOf = (activity: ActivityRun, execution: Execution) => ActivityFate;

export class MemoryServer implements ExecutionHost {
  readonly clock: Clock;
  readonly namespace: string;
  readonly fateOf: FateOf;
  readonly updatesMax: number;
  readonly decode: Decode;
  readonly #queues: TaskQueues;
  /** By run id, in the order in which they started. */
  readonly #executions = new Map<string, Execution>();
  readonly #latest = new Map<string, Execution>();
  readonly #activations = new Map<string, (completion: Completion) => void>();
  /** Attempts that the worker has, by token. */
  readonly #attempts = new Map<string, { readonly activity: ActivityRun; readonly token: Uint8Array }>();
  readonly #endListeners = new Set<(error: Error) => void>();
  readonly #closeListeners: ((execution: Execution) => void)[] = [];
  #busy = 0;
  #tokens = 0;
  #failure: Error | null = null;

  constructor(options: MemoryServerOptions) {
    const { namespace, sharedQueue, time, nowMs, fateOf = () => 'run', updatesMax = UPDATES_MAX, decode } = options;
    this.fateOf = fateOf;
    this.namespace = namespace;
    this.updatesMax = updatesMax;
    this.decode = decode ?? (async (payload) => payload);
    this.clock = time === 'real' ? realClock() : virtualClock(nowMs, () => this.settled());
    this.#queues = new TaskQueues({
      shared: sharedQueue,
      changed: (taskQueue) => {
        for (const execution of this.#executions.values())
          if (execution.start.taskQueue === taskQueue) execution.workerChanged();
      },
    });
  }

  openWorker(options: MemoryWorkerOptions): MemoryNativeWorker {
    const worker = new MemoryNativeWorker(this.#reports, options);
    this.#queues.add(worker);
    return worker;
  }

  readonly #reports: WorkerReports = {
    activated: (completion) => {
      const answer = this.#activations.get(completion.runId ?? '');
      this.#activations.delete(completion.runId ?? '');
      answer?.(completion);
    },
    activityEnded: (taskToken, result) => {
      const attempt = this.#attempts.get(textOf(taskToken));
      // Somebody else completes it.
      if (!result.willCompleteAsync) this.#attempts.delete(textOf(taskToken));
      attempt?.activity.attemptEnded(attempt.token, result);
    },
    heartbeat: (taskToken, details) => void this.heartbeat(taskToken, details),
    placeFree: ({ taskQueue }) => this.#queues.fill(taskQueue),
    closed: (worker) => this.#queues.remove(worker),
  };

  start(start: ExecutionStart): Execution {
    if (this.#failure) throw this.#failure;
    const execution = new Execution(this, start, this.#executions.size);
    this.#executions.set(start.runId, execution);
    this.#latest.set(start.workflowId, execution);
    return execution;
  }

  latest(workflowId: string): Execution | undefined {
    return this.#latest.get(workflowId);
  }

  byRun(runId: string): Execution | undefined {
    return this.#executions.get(runId);
  }

  all(): Execution[] {
    return [...this.#executions.values()];
  }

  isServed(taskQueue: string): boolean {
    return this.#queues.ofWorkflows(taskQueue) !== null;
  }

  whenServed(taskQueue: string, listener: () => void): () => void {
    return this.#queues.whenServed(taskQueue, listener);
  }

  activate(taskQueue: string, activation: Activation): Promise<Completion> {
    const worker = this.#queues.ofWorkflows(taskQueue);
    if (!worker) throw unavailable(`The worker of the task queue "${taskQueue}" is gone.`);
    return new Promise((resolve) => {
      this.#activations.set(activation.runId ?? '', resolve);
      worker.activate(activation);
    });
  }

  place(taskQueue: string, take: (worker: ActivityWorker) => void): () => void {
    return this.#queues.place(taskQueue, take);
  }

  newToken(activity: ActivityRun): Uint8Array {
    this.#tokens += 1;
    const token = Buffer.from(String(this.#tokens));
    this.#attempts.set(textOf(token), { activity, token });
    return token;
  }

  /** Returns whether the attempt is to be cancelled. */
  heartbeat(token: Uint8Array, details: Parameters<ActivityRun['heartbeat']>[0]): boolean {
    const activity = this.#attempts.get(textOf(token))?.activity;
    activity?.heartbeat(details);
    return activity?.isCancelRequested === true;
  }

  /** Cancels what the workers still run: nobody needs it. */
  stopWork(): void {
    for (const worker of this.#queues.workers) worker.stopWork();
  }

  newRunId(): string {
    return randomUUID();
  }

  async busy<T>(work: Promise<T>): Promise<T> {
    this.#busy += 1;
    try {
      return await work;
    } finally {
      this.#busy -= 1;
    }
  }

  /** Resolves once no workflow has anything to do before time passes, or an activity ends. */
  async settled(): Promise<void> {
    do await setImmediate();
    while (this.#busy > 0);
  }

  /** Resolves once nothing happens any more unless a person does something, or time is advanced. */
  async rest(): Promise<void> {
    for (;;) {
      await this.settled();
      if (this.#failure) throw this.#failure;
      if (this.clock.isIdle()) return;
      await this.clock.changed();
    }
  }

  closed(execution: Execution): void {
    const { parent } = execution.start;
    // One that continued as new is not over for its parent.
    if (parent && execution.isOver) this.byRun(parent.runId)?.others.childClosed(parent.initiatedEventId, execution);
    if (execution.isOver) for (const listener of this.#closeListeners) listener(execution);
  }

  /** Calls `listener` for each execution that is over. */
  listenForClose(listener: (execution: Execution) => void): void {
    this.#closeListeners.push(listener);
  }

  broken(error: Error): void {
    this.#failure ??= error;
    this.#end(error);
  }

  /** Tells who waits that there will be no answer. */
  listenForEnd(listener: (error: Error) => void): () => void {
    if (this.#failure) queueMicrotask(() => listener(this.#failure!));
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  close(): void {
    this.clock.close();
    this.#failure ??= unavailable('The server in memory is closed.');
    this.#end(this.#failure);
  }

  #end(error: Error): void {
    for (const listener of [...this.#endListeners]) listener(error);
  }
}
