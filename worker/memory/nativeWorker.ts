// Stands where the native half of Temporal's worker is: tasks come from the server in memory, and go back to it. The other half, from
// the sandbox to the codecs, is the SDK's own.

import type { native } from '@temporalio/core-bridge';
import type { coresdk } from '@temporalio/proto';
import { ShutdownError, Worker } from '@temporalio/worker';
import type { NativeWorkerLike } from '@temporalio/worker/lib/worker.js';
import type { WorkflowCreator } from '@temporalio/worker/lib/workflow/interface.js';
import { core } from './proto.ts';

export type Activation = coresdk.workflow_activation.IWorkflowActivation;
export type Completion = coresdk.workflow_completion.IWorkflowActivationCompletion;
export type ActivityTask = coresdk.activity_task.IActivityTask;
export type ActivityResult = coresdk.activity_result.IActivityExecutionResult;

/** What a worker reports to its server. */
export interface WorkerReports {
  activated(completion: Completion): void;
  activityEnded(taskToken: Uint8Array, result: ActivityResult): void;
  heartbeat(taskToken: Uint8Array, details: coresdk.IActivityHeartbeat['details']): void;
  /** It has a free place. */
  placeFree(worker: MemoryNativeWorker): void;
  /** It takes no more tasks. */
  closed(worker: MemoryNativeWorker): void;
}

export interface MemoryWorkerOptions {
  readonly taskQueue: string;
  readonly servesWorkflows: boolean;
  /** How many activities it runs at once. */
  readonly places: number;
}

const ActivationMessage = core.workflow_activation.WorkflowActivation;
const CompletionMessage = core.workflow_completion.WorkflowActivationCompletion;

export class MemoryNativeWorker implements NativeWorkerLike {
  readonly type = 'worker';
  readonly taskQueue: string;
  readonly servesWorkflows: boolean;
  readonly #places: number;
  readonly #activations = new Tasks();
  readonly #activities = new Tasks();
  readonly #reports: WorkerReports;
  /** The tokens of the attempts that run, by their text. */
  readonly #running = new Map<string, Uint8Array>();

  constructor(reports: WorkerReports, { taskQueue, servesWorkflows, places }: MemoryWorkerOptions) {
    this.#reports = reports;
    this.taskQueue = taskQueue;
    this.servesWorkflows = servesWorkflows;
    this.#places = places;
  }

  get hasPlace(): boolean {
    return this.#running.size < this.#places;
  }

  activate(activation: Activation): void {
    this.#activations.add(Buffer.from(ActivationMessage.encode(activation).finish()));
  }

  runActivity(task: ActivityTask): void {
    const { taskToken, start } = task;
    if (taskToken && start) this.#running.set(textOf(taskToken), taskToken);
    this.#activities.add(Buffer.from(core.activity_task.ActivityTask.encode(task).finish()));
  }

  pollWorkflowActivation(): Promise<Buffer> {
    return this.#activations.next();
  }

  pollActivityTask(): Promise<Buffer> {
    return this.#activities.next();
  }

  async completeWorkflowActivation(bytes: Buffer): Promise<void> {
    const completion = CompletionMessage.decodeDelimited(bytes);
    // An eviction needs no answer.
    this.#reports.activated(completion);
  }

  async completeActivityTask(bytes: Buffer): Promise<void> {
    const { taskToken, result } = core.ActivityTaskCompletion.decodeDelimited(bytes);
    this.#running.delete(textOf(taskToken));
    this.#reports.activityEnded(taskToken, result!);
    this.#reports.placeFree(this);
  }

  /** Cancels what it still runs, as core does at a worker's end: nobody needs it. */
  stopWork(): void {
    const { WORKER_SHUTDOWN: reason } = core.activity_task.ActivityCancelReason;
    for (const taskToken of this.#running.values())
      this.runActivity({ taskToken, cancel: { reason, details: { isWorkerShutdown: true } } });
  }

  recordActivityHeartbeat(bytes: Buffer): void {
    const { taskToken, details } = core.ActivityHeartbeat.decodeDelimited(bytes);
    this.#reports.heartbeat(taskToken, details);
  }

  initiateShutdown(): void {
    this.#reports.closed(this);
    this.#activations.close();
    this.#activities.close();
  }

  async finalizeShutdown(): Promise<void> {}

  flushCoreLogs(): void {}

  async pollNexusTask(): Promise<Buffer> {
    throw new ShutdownError('There is no Nexus here.');
  }

  async completeNexusTask(): Promise<void> {}

  async replaceClient(_client: native.Client): Promise<void> {}
}

export function textOf(token: Uint8Array): string {
  return Buffer.from(token).toString();
}

/** Tasks for a worker that polls. */
class Tasks {
  readonly #tasks: Buffer[] = [];
  #poll: { resolve(task: Buffer): void; reject(error: Error): void } | null = null;
  #isClosed = false;

  add(task: Buffer): void {
    const poll = this.#poll;
    this.#poll = null;
    if (poll) poll.resolve(task);
    else this.#tasks.push(task);
  }

  next(): Promise<Buffer> {
    const task = this.#tasks.shift();
    if (task) return Promise.resolve(task);
    if (this.#isClosed) return Promise.reject(new ShutdownError('The server in memory is closed.'));
    return new Promise((resolve, reject) => {
      this.#poll = { resolve, reject };
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#poll?.reject(new ShutdownError('The server in memory is closed.'));
    this.#poll = null;
  }
}

interface Thread {
  ref(): void;
  unref(): void;
}

/**
 * The SDK's sandbox in a thread of its own, for as many workers as want it: what it hooks is none of this process's business. It keeps the
 * process alive while one of them is open.
 */
class SharedSandbox extends Worker {
  static readonly #opened = new Map<string, Promise<WorkflowCreator>>();
  static readonly #users = new Map<WorkflowCreator, number>();

  static async open(
    ...[bundle, options, logger]: Parameters<typeof Worker.createWorkflowCreator>
  ): Promise<WorkflowCreator> {
    let opening = SharedSandbox.#opened.get(bundle.code);
    if (!opening) {
      opening = Worker.createWorkflowCreator(bundle, { ...options, workflowThreadPoolSize: 1 }, logger);
      SharedSandbox.#opened.set(bundle.code, opening);
    }
    const creator = await opening;
    const users = SharedSandbox.#users;
    const count = (change: number) => {
      const left = (users.get(creator) ?? 0) + change;
      users.set(creator, left);
      for (const thread of threadsOf(creator)) left > 0 ? thread.ref() : thread.unref();
    };
    count(1);
    return { createWorkflow: (given) => creator.createWorkflow(given), destroy: async () => count(-1) };
  }
}

/** Of the SDK's creator, which says nothing of its threads. */
function threadsOf(creator: WorkflowCreator): readonly Thread[] {
  const { workerThreadClients = [] } = creator as {
    readonly workerThreadClients?: readonly { workerThread: Thread }[];
  };
  return workerThreadClients.map(({ workerThread }) => workerThread);
}

/** What a connection to a server in memory has for its workers. */
export interface MemoryConnection {
  openWorker(options: MemoryWorkerOptions): MemoryNativeWorker;
}

/** Temporal's worker, with tasks from a server in memory: the one that `connection` is of. */
export class MemoryWorker extends Worker {
  /** The sandbox's thread is shared by all workers in memory with this code: to start one takes longer than most tests. */
  protected static override async createWorkflowCreator(
    ...given: Parameters<(typeof SharedSandbox)['open']>
  ): Promise<WorkflowCreator> {
    return SharedSandbox.open(...given);
  }

  protected static override nativeWorkerCtor = {
    async create(
      ...[, connection, options]: Parameters<typeof Worker.nativeWorkerCtor.create>
    ): Promise<NativeWorkerLike> {
      const { taskQueue, workflowBundle, workflowsPath, tuner } = options;
      const { activityTaskSlotSupplier: slots } = tuner;
      return (connection as unknown as MemoryConnection).openWorker({
        taskQueue,
        servesWorkflows: workflowBundle !== undefined || workflowsPath !== undefined,
        // Of a supplier that looks at the machine, nobody knows.
        places: slots.type === 'fixed-size' ? slots.numSlots : Number.POSITIVE_INFINITY,
      });
    },
    createReplay: () => {
      throw new TypeError('A server in memory replays no histories.');
    },
  };
}
