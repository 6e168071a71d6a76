// Temporal in memory: a client, and the SDK's own worker, over a server in this process. No server, no network, and virtual time.
import { AsyncLocalStorage } from 'node:async_hooks';
import { Client } from '@temporalio/client';
import type { DataConverter, Payload as DecodedPayload } from '@temporalio/common';
import { IllegalStateError } from '@temporalio/common';
import {
  DefaultLogger,
  type NativeConnection,
  Runtime,
  type WorkerOptions as TemporalWorkerOptions,
  type Worker,
} from '@temporalio/worker';
import type { Holdfast } from '../../client/connect.ts';
import { connect } from '../../client/connect.ts';
import { loadPayloads } from '../../client/payloads/load.ts';
import { dataConverter } from '../../client/payloads/options.ts';
import { decode } from '../../client/payloads/sdk.ts';
import { WORKER_ACTIVITIES } from '../../core/limits.ts';
import { TASK_QUEUE } from '../../core/names.ts';
import { HoldfastPlugin, type PluginOptions } from '../plugin.ts';
import type { Decode } from './fields.ts';
import { type MemoryConnection, MemoryWorker } from './nativeWorker.ts';
import { type FateOf, MemoryServer } from './server.ts';
import { memoryService } from './service.ts';

export interface MemoryOptions extends PluginOptions {
  /** @default 'holdfast' */
  readonly taskQueue?: string | undefined;
  readonly namespace?: string | undefined;
  /**
   * `virtual`: time passes while code runs, and otherwise jumps to the next thing that is due. `real`: as it does outside.
   * @default 'virtual'
   */
  readonly time?: 'virtual' | 'real' | undefined;
  /** When virtual time begins. @default now */
  readonly now?: Date | undefined;
  /** What happens to each attempt of an activity. @default the worker runs it */
  readonly fateOf?: FateOf | undefined;
  /**
   * Whether the worker takes the workflows of all task queues, or of its own alone. Those of a queue without a worker wait for one.
   * @default 'all'
   */
  readonly workflowsOf?: 'all' | 'own' | undefined;
  /** How many updates an execution takes. @default 2000, as Temporal's server */
  readonly updatesMax?: number | undefined;
  /** Path of a module with workflows of the user's, served beside the agents. */
  readonly workflowsPath?: string | undefined;
  /** Other options of Temporal's worker. */
  readonly temporal?: Partial<Omit<TemporalWorkerOptions, 'connection' | 'namespace' | 'taskQueue'>> | undefined;
}

export interface Memory {
  readonly holdfast: Holdfast;
  readonly server: MemoryServer;
  /** Serves another task queue, until it or all is closed: with the options of Temporal's worker. */
  serve(options: Omit<TemporalWorkerOptions, 'connection' | 'namespace'>): Promise<Serving>;
  close(): Promise<void>;
}

export interface Serving {
  close(): Promise<void>;
}

/** The SDK says of each worker that it starts and ends. A program that has installed a runtime of its own keeps it. */
function quietRuntime(): void {
  try {
    Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
  }
}

/** Starts a worker and a client over a server in memory. */
export async function openMemory(options: MemoryOptions): Promise<Memory> {
  const {
    taskQueue = TASK_QUEUE,
    namespace = 'default',
    time = 'virtual',
    now = new Date(),
    fateOf,
    workflowsOf = 'all',
    updatesMax,
    workflowsPath,
    temporal,
    ...rest
  } = options;
  quietRuntime();
  const payloads = await loadPayloads(options.payloads);
  const converter: DataConverter = dataConverter(payloads);
  const server = new MemoryServer({
    namespace,
    sharedQueue: workflowsOf === 'all' ? taskQueue : null,
    time,
    nowMs: now.getTime(),
    fateOf,
    updatesMax,
    decode: decodeWith(converter, namespace),
  });
  const connection = memoryConnection(server) as unknown as NativeConnection;
  const plugin = new HoldfastPlugin({ ...rest, payloads });
  const worker = await MemoryWorker.create({
    connection,
    namespace,
    taskQueue,
    // As a worker on a server.
    ...(!temporal?.tuner && { maxConcurrentActivityTaskExecutions: WORKER_ACTIVITIES }),
    ...(workflowsPath !== undefined && { workflowsPath }),
    ...temporal,
    plugins: [...(temporal?.plugins ?? []), plugin],
  }).catch(async (error) => {
    await plugin.close();
    throw error;
  });
  const servings: Serving[] = [];
  function run(one: Worker): Serving {
    const running = one.run();
    running.catch((error) => server.broken(error instanceof Error ? error : new Error(String(error))));
    const serving = {
      async close() {
        if (one.getState() === 'RUNNING') one.shutdown();
        await running;
      },
    };
    servings.push(serving);
    return serving;
  }
  run(worker);
  const client = new Client({ connection: connection as never, namespace, dataConverter: converter });
  const holdfast = await connect({ client, taskQueue });
  return {
    holdfast,
    server,
    serve: async (given) =>
      run(await MemoryWorker.create({ dataConverter: converter, ...given, connection, namespace })),
    async close() {
      server.stopWork();
      await Promise.all(servings.map((serving) => serving.close()));
      server.close();
    },
  };
}

function decodeWith({ payloadCodecs }: DataConverter, namespace: string): Decode {
  return async (payload, workflowId) =>
    (await decode(payloadCodecs ?? [], [payload as DecodedPayload], { type: 'workflow', namespace, workflowId }))[0]!;
}

/** Stands for a connection to a server, for the client and the worker. */
function memoryConnection(server: MemoryServer) {
  const calls = new AsyncLocalStorage<AbortSignal>();
  const forWorkers: MemoryConnection = { openWorker: (options) => server.openWorker(options) };
  return {
    ...forWorkers,
    workflowService: memoryService(server, () => calls.getStore()),
    operatorService: { listSearchAttributes: async () => ({ customAttributes: {} }) },
    plugins: [],
    options: { address: 'memory' },
    referenceHolders: new Set(),
    close: async () => {},
    ensureConnected: async () => {},
    withDeadline: <R>(_deadline: number | Date, call: () => Promise<R>) => call(),
    withMetadata: <R>(_metadata: unknown, call: () => Promise<R>) => call(),
    withAbortSignal: <R>(signal: AbortSignal, call: () => Promise<R>) => calls.run(signal, call),
  };
}
