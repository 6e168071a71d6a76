// The workflow of an execution, as the worker has it in its cache. One that was dropped is replayed from its beginning.
import type { Activation, Completion } from '../nativeWorker.ts';
import type { ExecutionHost, ExecutionStart } from './owner.ts';
import { type Command, sameCommands } from './taskCommands.ts';

/** What the workflow did, for its replay. */
export interface Recorded {
  readonly activation: Activation;
  readonly flags: readonly number[];
  readonly commands: readonly Command[];
}

export class CachedWorkflow {
  readonly #host: ExecutionHost;
  readonly #start: ExecutionStart;
  readonly #records: Recorded[] = [];
  #isLoaded = false;

  constructor(host: ExecutionHost, start: ExecutionStart) {
    this.#host = host;
    this.#start = start;
  }

  activate(activation: Activation): Promise<Completion> {
    return this.#host.activate(this.#start.taskQueue, activation);
  }

  /** Its worker is another one, or gone, and has nothing of it. */
  forget(): void {
    this.#isLoaded = false;
  }

  record(records: readonly Recorded[]): void {
    this.#records.push(...records);
  }

  /** Replays the execution from its beginning if the worker does not have it. */
  async load(): Promise<void> {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    for (const [at, { activation, flags, commands }] of this.#records.entries()) {
      const patches = commands.flatMap(({ setPatchMarker }) => (setPatchMarker ? [setPatchMarker.patchId!] : []));
      const { successful, failed } = await this.activate({
        ...activation,
        isReplaying: true,
        availableInternalFlags: [...flags],
        jobs: [...patches.map((patchId) => ({ notifyHasPatch: { patchId } })), ...activation.jobs!],
      });
      if (failed || !sameCommands(commands, successful?.commands ?? []))
        throw new Error(
          `The replay of ${this.#start.workflowId} does something else in activation ${at + 1}: ${failed?.failure?.message ?? ''}`,
        );
    }
  }

  /** Drops the workflow from the worker. */
  async evict(): Promise<void> {
    if (!this.#isLoaded) return;
    this.#isLoaded = false;
    await this.activate({
      runId: this.#start.runId,
      jobs: [{ removeFromCache: { message: 'evicted', reason: 0 } }],
    });
  }
}
