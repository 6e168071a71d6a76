// The task queues of a server in memory: one worker each, and what waits for it.
import type { MemoryNativeWorker } from './nativeWorker.ts';

interface TaskQueue {
  worker: MemoryNativeWorker | null;
  /** Attempts of activities that have no place yet, oldest first. */
  readonly waiting: Set<(worker: MemoryNativeWorker) => void>;
  /** Called once when it has a worker for workflows. */
  readonly listeners: Set<() => void>;
}

export interface TaskQueuesOptions {
  /** Its worker takes the workflows of each queue that has none of its own; null if they wait. */
  readonly shared: string | null;
  /** A queue has another worker for its workflows than before, or none: it remembers nothing of them. */
  changed(taskQueue: string): void;
}

export class TaskQueues {
  readonly #queues = new Map<string, TaskQueue>();
  readonly #options: TaskQueuesOptions;

  constructor(options: TaskQueuesOptions) {
    this.#options = options;
  }

  get workers(): readonly MemoryNativeWorker[] {
    return [...this.#queues.values()].flatMap(({ worker }) => worker ?? []);
  }

  add(worker: MemoryNativeWorker): void {
    const { taskQueue } = worker;
    const queue = this.#of(taskQueue);
    if (queue.worker)
      throw new TypeError(`The task queue "${taskQueue}" has a worker. In memory, there is one for each queue.`);
    queue.worker = worker;
    if (worker.servesWorkflows) this.#options.changed(taskQueue);
    this.fill(taskQueue);
    const isShared = taskQueue === this.#options.shared;
    for (const { listeners } of isShared ? this.#queues.values() : [queue])
      for (const listener of [...listeners]) if (listeners.delete(listener)) listener();
  }

  remove(worker: MemoryNativeWorker): void {
    const queue = this.#of(worker.taskQueue);
    if (queue.worker !== worker) return;
    queue.worker = null;
    if (worker.servesWorkflows) this.#options.changed(worker.taskQueue);
  }

  /** The worker that takes workflow tasks of this queue. */
  ofWorkflows(taskQueue: string): MemoryNativeWorker | null {
    const { shared } = this.#options;
    const { worker } = this.#of(taskQueue);
    if (worker?.servesWorkflows) return worker;
    return shared !== null && shared !== taskQueue ? this.ofWorkflows(shared) : null;
  }

  /** Calls `listener` once when a worker comes that takes workflow tasks of this queue. */
  whenServed(taskQueue: string, listener: () => void): () => void {
    const { listeners } = this.#of(taskQueue);
    const look = () => {
      if (this.ofWorkflows(taskQueue)) listener();
      else listeners.add(look);
    };
    listeners.add(look);
    return () => listeners.delete(look);
  }

  /** Calls `take` once a worker of this queue has a place for an activity: at once, if there is one. */
  place(taskQueue: string, take: (worker: MemoryNativeWorker) => void): () => void {
    const { waiting } = this.#of(taskQueue);
    waiting.add(take);
    this.fill(taskQueue);
    return () => waiting.delete(take);
  }

  /** A place may be free. */
  fill(taskQueue: string): void {
    const { worker, waiting } = this.#of(taskQueue);
    for (const take of waiting) {
      if (!worker?.hasPlace) return;
      waiting.delete(take);
      take(worker);
    }
  }

  #of(taskQueue: string): TaskQueue {
    const known = this.#queues.get(taskQueue);
    if (known) return known;
    const queue: TaskQueue = { worker: null, waiting: new Set(), listeners: new Set() };
    this.#queues.set(taskQueue, queue);
    return queue;
  }
}
