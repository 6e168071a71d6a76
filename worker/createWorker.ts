// The composition root: turns agents, a model and settings into a Temporal worker.
import { NativeConnection, type WorkerOptions as TemporalWorkerOptions, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/createActivities.ts';
import type { Agent } from '../activities/define/types.ts';
import { type OpenAgents, openAgents } from '../activities/openAgents.ts';
import { createRegistry } from '../activities/registry.ts';
import { createThreads } from '../activities/tools/threads.ts';
import { unreachable } from '../client/errors/errors.ts';
import { loadPayloads } from '../client/payloads/load.ts';
import { dataConverter, type PayloadOptions } from '../client/payloads/options.ts';
import { tolerantConverter } from '../client/payloads/tolerant.ts';
import { weigherOf } from '../client/payloads/weigh.ts';
import { readSettings, type SettingsOptions } from '../client/settings.ts';
import { hasAttributes } from '../client/setup.ts';
import { SHUTDOWN_FORCE_MS, SHUTDOWN_GRACE_MS } from '../core/limits.ts';
import { TASK_QUEUE } from '../core/names.ts';
import { VERSION } from '../core/version.ts';
import { type ModelSettings, modelSettingsFrom, openModel } from './model.ts';
import { type Failures, type WorkflowCode, withoutStacks, workflowCode } from './workflowBundle.ts';

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
   * @default true with `workflowsPath`, false for agents alone
   */
  readonly stackTraces?: boolean;
  /**
   * Compression, encryption and storage of payloads; the same as the clients'.
   * @default the module that HOLDFAST_PAYLOADS names
   */
  readonly payloads?: PayloadOptions | undefined;
  /**
   * Other options of Temporal's worker, for example its limits. They override the defaults of this library.
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
  readonly model: { readonly description: string; readonly isOffline: boolean };
  /** Serves until `shutdown`, a signal to the process, or an error; then closes all connections. */
  run(): Promise<void>;
  /** Accepts no more work, and lets running calls finish within the grace time (10 s). */
  shutdown(): void;
}

/** At 100 ms, 50 concurrent streams cost a dev server most of a core. Half a second still reads as live. */
const STREAM_INTERVAL_MS = 500;

/**
 * Creates a worker that serves agents.
 *
 * ```ts
 * const worker = await createWorker({ agents: [clock], model: { apiKey, model: 'gpt-4.1-mini' } });
 * await worker.run();
 * ```
 */
export async function createWorker(options: WorkerOptions): Promise<HoldfastWorker> {
  const agents = await openAgents(options.agents);
  return createWith(agents, options).catch(async (error) => {
    await agents.close();
    throw error;
  });
}

async function createWith(agents: OpenAgents, options: WorkerOptions): Promise<HoldfastWorker> {
  const registry = createRegistry(agents.agents);
  for (const [{ name }, { isPinned }] of agents.sources)
    if (!isPinned)
      process.emitWarning(
        `The tools of "${name}" are taken as they are now. holdfast agents prints the digests to hold them to.`,
        'HoldfastWarning',
      );
  const converter = tolerantConverter(dataConverter(await loadPayloads(options.payloads)));
  const { address, namespace, connection: connectionOptions } = readSettings(options);
  // Build while connecting. If connecting fails, nothing awaits this promise.
  const building = bundleFor(options, converter);
  building.catch(() => undefined);
  const connection = await NativeConnection.connect({ ...connectionOptions, address }).catch((error) => {
    throw unreachable(address, error);
  });
  // Runs while the model is opened.
  const indexed = hasAttributes(connection, namespace);
  const model = await openModel(options.model ?? modelSettingsFrom(process.env), registry).catch(async (error) => {
    await connection.close();
    throw error;
  });
  const index = (await indexed) ? 'attributes' : 'memo';
  const threads = createThreads();
  const close = () => Promise.all([connection.close(), model.close(), threads.close(), agents.close()]);
  const create = async () =>
    Worker.create({
      connection,
      namespace,
      taskQueue: options.taskQueue ?? TASK_QUEUE,
      workflowBundle: await building,
      dataConverter: converter,
      // Most history events repeat it. The SDK's default, a digest of the bundle, is three times as long and means nothing.
      buildId: `holdfast-${VERSION}`,
      maxHeartbeatThrottleInterval: options.streamIntervalMs ?? STREAM_INTERVAL_MS,
      defaultHeartbeatThrottleInterval: options.streamIntervalMs ?? STREAM_INTERVAL_MS,
      // A batch of up to this many calls starts without a round trip to the task queue.
      maxEagerActivityReservationsPerWorkflowTask: 16,
      maxConcurrentActivityTaskExecutions: 200,
      // Runs of a dead worker move to another one after this; the SDK's 10 s would be most of a recovery.
      stickyQueueScheduleToStartTimeout: '2 s',
      shutdownGraceTime: SHUTDOWN_GRACE_MS,
      shutdownForceTime: SHUTDOWN_FORCE_MS,
      ...options.temporal,
      // Your own workflows may have their own activities.
      activities: {
        ...options.temporal?.activities,
        ...createActivities({
          registry,
          endpoint: model.endpoint,
          threads,
          index,
          weigh: weigherOf(converter, namespace),
          transcriptCacheBytes: options.transcriptCacheBytes,
        }),
      },
    });
  const worker = await create().catch(async (error) => {
    // Open connections would keep the process alive.
    await close();
    throw error;
  });
  return {
    worker,
    model,
    async run() {
      try {
        await worker.run();
      } finally {
        await close();
      }
    },
    shutdown: () => worker.shutdown(),
  };
}

async function bundleFor(options: WorkerOptions, failures: Failures): Promise<WorkflowCode> {
  const { workflowsPath, stackTraces = workflowsPath !== undefined } = options;
  const bundle = await workflowCode(workflowsPath, failures);
  return stackTraces ? bundle : withoutStacks(bundle);
}
