// The composition root: turns agents, a model and settings into a Temporal worker, by the plugin.
import { NativeConnection, type WorkerOptions as TemporalWorkerOptions, Worker } from '@temporalio/worker';
import type { Agent } from '../activities/define/types.ts';
import { unreachable } from '../client/errors/errors.ts';
import { loadPayloads } from '../client/payloads/load.ts';
import type { PayloadOptions } from '../client/payloads/options.ts';
import { replaceUnstored } from '../client/payloads/tolerant.ts';
import { readSettings, type SettingsOptions } from '../client/settings.ts';
import { SHUTDOWN_FORCE_MS, WORKER_ACTIVITIES } from '../core/limits.ts';
import { TASK_QUEUE } from '../core/names.ts';
import { buildIdOf } from './buildId.ts';
import type { ModelSettings, Providers } from './model.ts';
import { HoldfastPlugin, type ModelInfo } from './plugin.ts';

export interface WorkerOptions extends SettingsOptions {
  /** The agents to serve. */
  readonly agents: Iterable<Agent>;
  /** Path of a module with your own workflows, served beside the agents. They may call `runAgent`. */
  readonly workflowsPath?: string;
  /** @default 'holdfast' */
  readonly taskQueue?: string;
  /**
   * The model that answers.
   * @default OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL; without a key and a URL, the offline script of each agent
   */
  readonly model?: ModelSettings;
  /**
   * Other servers of models, by the name before the colon in an agent's `model`: with `{ local: { baseURL: 'http://…/v1' } }`, agents may
   * have the model `local:qwen3`.
   */
  readonly providers?: Providers;
  /**
   * Minimum interval between two heartbeats, which carry streamed text to the server.
   * @default 500 ms
   */
  readonly streamIntervalMs?: number;
  /**
   * Memory for the transcripts of recent runs. With 0, every model call fetches its transcript from the run.
   * @default 64 MiB
   */
  readonly transcriptCacheBytes?: number;
  /**
   * Whether workflow code collects stacks: for Temporal's UI ("Call Stack") and for the failures of workflow tasks. The SDK
   * captures and formats one for each promise. `holdfast replay` always has them.
   * @default true beside workflow code of yours, such as `workflowsPath`, false for agents alone
   */
  readonly stackTraces?: boolean;
  /**
   * Compression, encryption and storage of payloads; the same as the clients'.
   * @default the module that HOLDFAST_PAYLOADS names
   */
  readonly payloads?: PayloadOptions | undefined;
  /**
   * Other options of Temporal's worker, for example its limits, interceptors and plugins. They override the defaults of this
   * library.
   *
   * ```ts
   * createWorker({ agents, temporal: { maxConcurrentActivityTaskExecutions: 50 } });
   * ```
   */
  readonly temporal?: Partial<
    Omit<TemporalWorkerOptions, 'connection' | 'namespace' | 'taskQueue' | 'workflowBundle' | 'dataConverter'>
  >;
}

export interface HoldfastWorker {
  /** Temporal's own worker. */
  readonly worker: Worker;
  /** What answers model calls, for people to read; `isOffline` if that is the offline script. */
  readonly model: ModelInfo;
  /** Serves until `shutdown`, a signal to the process, or an error; then closes all connections. */
  run(): Promise<void>;
  /** Accepts no more work, and lets running calls finish within the grace time (10 s). */
  shutdown(): void;
}

/**
 * Creates a worker that serves agents.
 *
 * ```ts
 * const worker = await createWorker({ agents: [clock], model: { apiKey, model: 'gpt-4.1-mini' } });
 * await worker.run();
 * ```
 */
export async function createWorker(options: WorkerOptions): Promise<HoldfastWorker> {
  const { taskQueue = TASK_QUEUE, workflowsPath, temporal = {} } = options;
  const payloads = await loadPayloads(options.payloads);
  const agents = [...options.agents];
  const plugin = new HoldfastPlugin({ ...options, agents, payloads });
  // This process serves agents, so what strangers send them counts more than that the SDK is as it was.
  if (!payloads.storage) replaceUnstored();
  const { address, namespace, connection: connectionOptions } = readSettings(options);
  const connection = await NativeConnection.connect({ ...connectionOptions, address }).catch((error) => {
    throw unreachable(address, error);
  });
  const create = async () =>
    Worker.create({
      connection,
      namespace,
      taskQueue,
      // Most history events repeat it. The SDK's default, a digest of the bundle, is twice as long and says nothing of the agents.
      buildId: buildIdOf(agents),
      // A tuner has limits of its own.
      ...(!temporal.tuner && { maxConcurrentActivityTaskExecutions: WORKER_ACTIVITIES }),
      shutdownForceTime: SHUTDOWN_FORCE_MS,
      ...(workflowsPath !== undefined && { workflowsPath }),
      ...temporal,
      plugins: [...(temporal.plugins ?? []), plugin],
    });
  const worker = await create().catch(async (error) => {
    // Open connections would keep the process alive.
    await Promise.all([connection.close(), plugin.close()]);
    throw error;
  });
  return {
    worker,
    model: plugin.model!,
    async run() {
      try {
        await worker.run();
      } finally {
        await connection.close();
      }
    },
    shutdown: () => worker.shutdown(),
  };
}
