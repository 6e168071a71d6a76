// A replay worker that keeps what the workflow code asks for in each task. The SDK says in words that a replay has failed, and
// does so late or never if the code asks for more than history has.
import { createRequire } from 'node:module';
import { type ReplayWorkerOptions, Worker } from '@temporalio/worker';
import type { History } from '../../core/read/history.ts';
import { CommandReader, type CoreCommand, type ReplayedTask } from './steps.ts';

/** What the worker has recorded of the history that it replays now. */
export interface Recording {
  readonly tasks: ReplayedTask[];
  /** The last event that the SDK has read before it ended the replay; 0 if it does not say. */
  lastEventId: number;
}

interface Activation {
  readonly historyLength?: number;
  readonly jobs: readonly { readonly removeFromCache?: object | null }[];
}

interface Handled {
  readonly output: { readonly completion?: Uint8Array };
}

interface Completion {
  readonly successful?: { readonly commands?: readonly CoreCommand[] } | null;
  readonly failed?: { readonly failure?: { readonly message?: string | null } | null } | null;
}

interface SandboxOptions {
  readonly isolateExecutionTimeoutMs?: number | undefined;
}

export interface ReplayedHistory {
  readonly error?: Error;
}

/** What we use of the SDK's worker. Its types keep the method and its types to the classes of the SDK. */
interface SdkWorker {
  new (
    ...options: never[]
  ): {
    handleActivation(workflow: unknown, given: { readonly activation: Activation }): Promise<Handled>;
  };
  createWorkflowCreator(bundle: unknown, options: SandboxOptions, logger: unknown): Promise<unknown>;
  runReplayHistories(
    options: ReplayWorkerOptions,
    histories: AsyncIterable<{ readonly workflowId: string; readonly history: History }>,
  ): AsyncIterableIterator<ReplayedHistory>;
}

const requireFromCommon = createRequire(createRequire(import.meta.url).resolve('@temporalio/common'));
const completionProto: { decodeDelimited(bytes: Uint8Array): Completion } =
  requireFromCommon('@temporalio/proto').coresdk.workflow_completion.WorkflowActivationCompletion;

const Base = Worker as unknown as SdkWorker;

/** Returns the SDK's worker, which replays one history after another, with a recording of each. */
export function recordingWorker(recordingOf: () => Recording): SdkWorker {
  const readers = new WeakMap<Recording, CommandReader>();
  return class extends Base {
    static override createWorkflowCreator(bundle: unknown, options: SandboxOptions, logger: unknown): Promise<unknown> {
      // In the main thread, the SDK limits each entry into the sandbox to 49 days, for which Node starts a thread each time:
      // half of the time that a replay took.
      return Base.createWorkflowCreator(bundle, { ...options, isolateExecutionTimeoutMs: undefined }, logger);
    }

    override async handleActivation(workflow: unknown, given: { readonly activation: Activation }): Promise<Handled> {
      const { historyLength = 0, jobs } = given.activation;
      const isOver = jobs.some(({ removeFromCache }) => removeFromCache);
      const recording = recordingOf();
      if (isOver) recording.lastEventId = historyLength;
      const handled = await super.handleActivation(workflow, given);
      const { completion } = handled.output;
      if (isOver || !completion) return handled;
      const reader = readers.get(recording) ?? new CommandReader();
      readers.set(recording, reader);
      const { successful, failed } = completionProto.decodeDelimited(completion);
      recording.tasks.push({
        startedEventId: historyLength,
        steps: reader.steps(successful?.commands ?? []),
        failure: failed?.failure?.message ?? null,
      });
      return handled;
    }
  };
}
