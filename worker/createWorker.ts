// The composition root: agents, model and settings become a Temporal worker.
import { NativeConnection, type WorkerOptions as TemporalWorkerOptions, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/createActivities.ts';
import type { Agent } from '../activities/define/types.ts';
import { createRegistry } from '../activities/registry.ts';
import { createThreads } from '../activities/tools/threads.ts';
import { unreachable } from '../client/errors/errors.ts';
import { loadPayloads } from '../client/payloads/load.ts';
import { dataConverter, type PayloadOptions } from '../client/payloads/options.ts';
import { weigherOf } from '../client/payloads/weigh.ts';
import { readSettings, type SettingsOptions } from '../client/settings.ts';
import { hasAttributes } from '../client/setup.ts';
import { TASK_QUEUE } from '../core/names.ts';
import { VERSION } from '../core/version.ts';
import { type ModelSettings, modelSettingsFrom, openModel } from './model.ts';
import { workflowCode } from './workflowBundle.ts';

export interface WorkerOptions extends SettingsOptions {
  readonly agents: Iterable<Agent>;
  /** Your own workflows, served beside the agents; they may call `runAgent`. */
  readonly workflowsPath?: string;
  readonly taskQueue?: string;
  /** The model; by OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL when not said. */
  readonly model?: ModelSettings;
  /** How often streamed text reaches the server at most; 500 ms when not said. */
  readonly streamIntervalMs?: number;
  /** Memory for the conversations of recent runs; 64 MiB when not said. With 0 none is kept, and each is asked for anew. */
  readonly transcriptCacheBytes?: number;
  /** Compression, encryption and storage of payloads, the same as the clients have; by HOLDFAST_PAYLOADS when not said. */
  readonly payloads?: PayloadOptions | undefined;
  /** Anything else that Temporal's own worker takes. */
  readonly temporal?: Partial<
    Omit<TemporalWorkerOptions, 'connection' | 'namespace' | 'taskQueue' | 'workflowBundle' | 'dataConverter'>
  >;
}

export interface HoldfastWorker {
  readonly worker: Worker;
  /** What answers for the model, in words. */
  readonly model: { readonly description: string; readonly isOffline: boolean };
  /** Serves until `shutdown`, a signal to the process, or an error. */
  run(): Promise<void>;
  /** Takes no more work and lets what runs finish, within its grace. */
  shutdown(): void;
}

/** At once 50 of these streams cost a dev server most of a core at 100 ms; half a second still reads as live. */
const STREAM_INTERVAL_MS = 500;

/**
 * Makes a worker that serves agents.
 *
 * ```ts
 * const worker = await createWorker({ agents: [clock] });
 * await worker.run();
 * ```
 */
export async function createWorker(options: WorkerOptions): Promise<HoldfastWorker> {
  const registry = createRegistry(options.agents);
  const converter = dataConverter(await loadPayloads(options.payloads));
  const { address, namespace, connection: connectionOptions } = readSettings(options);
  // Built while the connection is made; where that fails, nobody waits for it.
  const building = workflowCode(options.workflowsPath, converter);
  building.catch(() => undefined);
  const connection = await NativeConnection.connect({ ...connectionOptions, address }).catch((error) => {
    throw unreachable(address, error);
  });
  // Asked while the model is opened.
  const indexed = hasAttributes(connection, namespace);
  const model = await openModel(options.model ?? modelSettingsFrom(process.env), registry).catch(async (error) => {
    await connection.close();
    throw error;
  });
  const index = (await indexed) ? 'attributes' : 'memo';
  const threads = createThreads();
  const close = () => Promise.all([connection.close(), model.close(), threads.close()]);
  const create = async () =>
    Worker.create({
      connection,
      namespace,
      taskQueue: options.taskQueue ?? TASK_QUEUE,
      workflowBundle: await building,
      dataConverter: converter,
      // Stands in most events of a history; the SDK's own is a digest of the bundle, three times as long, that says nothing.
      buildId: `holdfast-${VERSION}`,
      maxHeartbeatThrottleInterval: options.streamIntervalMs ?? STREAM_INTERVAL_MS,
      defaultHeartbeatThrottleInterval: options.streamIntervalMs ?? STREAM_INTERVAL_MS,
      // A batch of up to this many calls starts without a round trip through the task queue.
      maxEagerActivityReservationsPerWorkflowTask: 16,
      maxConcurrentActivityTaskExecutions: 200,
      // When a worker dies, its runs move to another after this; the SDK's 10 s would be most of a recovery.
      stickyQueueScheduleToStartTimeout: '2 s',
      // A stop lets calls finish for so long, then tells them to end; the process is gone when the second time is up.
      shutdownGraceTime: '10 s',
      shutdownForceTime: '20 s',
      ...options.temporal,
      // Your own workflows may have activities of their own, beside ours.
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
    // What is open would keep the process.
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
