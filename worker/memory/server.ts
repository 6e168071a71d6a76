// A server of Temporal in memory, for one worker: executions, their tasks, and time. It keeps what it has for as long as it lives.
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type Clock, realClock, virtualClock } from './clock.ts';
import type { ActivityFate, ActivityRun } from './execution/activityRun.ts';
import { Execution } from './execution/index.ts';
import type { ExecutionHost, ExecutionStart } from './execution/owner.ts';
import { type Activation, type ActivityTask, type Completion, MemoryNativeWorker } from './nativeWorker.ts';
import { core } from './proto.ts';
import { unavailable } from './serviceError.ts';

export interface MemoryServerOptions {
  readonly namespace: string;
  readonly taskQueue: string;
  /** `virtual`: time passes only while code runs, and jumps over waits. */
  readonly time: 'virtual' | 'real';
  /** When virtual time begins. */
  readonly nowMs: number;
  /** @default the worker runs every attempt */
  readonly fateOf?: FateOf | undefined;
}

export type FateOf = (activity: ActivityRun, execution: Execution) => ActivityFate;

export class MemoryServer implements ExecutionHost {
  readonly clock: Clock;
  readonly namespace: string;
  readonly worker: MemoryNativeWorker;
  readonly fateOf: FateOf;
  readonly #taskQueue: string;
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

  constructor({ namespace, taskQueue, time, nowMs, fateOf = () => 'run' }: MemoryServerOptions) {
    this.fateOf = fateOf;
    this.namespace = namespace;
    this.#taskQueue = taskQueue;
    this.clock = time === 'real' ? realClock() : virtualClock(nowMs, () => this.settled());
    this.worker = new MemoryNativeWorker({
      activated: (completion) => {
        const answer = this.#activations.get(completion.runId ?? '');
        this.#activations.delete(completion.runId ?? '');
        answer?.(completion);
      },
      activityEnded: (taskToken, result) => {
        const attempt = this.#attempts.get(keyOf(taskToken));
        this.#attempts.delete(keyOf(taskToken));
        attempt?.activity.attemptEnded(attempt.token, result);
      },
      heartbeat: (taskToken, details) => void this.heartbeat(taskToken, details),
    });
  }

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

  activate(activation: Activation): Promise<Completion> {
    return new Promise((resolve) => {
      this.#activations.set(activation.runId ?? '', resolve);
      this.worker.activate(activation);
    });
  }

  dispatch(taskQueue: string, task: ActivityTask): boolean {
    if (taskQueue !== this.#taskQueue) return false;
    this.worker.runActivity(task);
    return true;
  }

  newToken(activity: ActivityRun): Uint8Array {
    this.#tokens += 1;
    const token = Buffer.from(String(this.#tokens));
    this.#attempts.set(keyOf(token), { activity, token });
    return token;
  }

  /** Returns whether the attempt is to be cancelled. */
  heartbeat(token: Uint8Array, details: Parameters<ActivityRun['heartbeat']>[0]): boolean {
    const activity = this.#attempts.get(keyOf(token))?.activity;
    activity?.heartbeat(details);
    return activity?.isCancelRequested === true;
  }

  /** Cancels what the worker still runs, as core does at a worker's end: nobody needs it. */
  stopWork(): void {
    for (const { token } of this.#attempts.values())
      this.worker.runActivity({
        taskToken: token,
        cancel: {
          reason: core.activity_task.ActivityCancelReason.WORKER_SHUTDOWN,
          details: { isWorkerShutdown: true },
        },
      });
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

function keyOf(token: Uint8Array): string {
  return Buffer.from(token).toString();
}
