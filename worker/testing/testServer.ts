// `startTestServer`: Temporal's own server for a test, with a client and workers. It ends with the test, or with the process.
import type { Agent } from '../../activities/define/types.ts';
import { connect, type Holdfast } from '../../client/connect.ts';
import type { PayloadOptions } from '../../client/payloads/options.ts';
import type { SettingsOptions } from '../../client/settings.ts';
import { createWorker, type WorkerOptions } from '../createWorker.ts';
import type { DevServerOptions } from '../dev/devServer.ts';
import type { ModelInfo } from '../plugin.ts';

export interface TestServerOptions extends Pick<DevServerOptions, 'cli' | 'port' | 'uiPort' | 'namespace' | 'say'> {
  /** Of the client and the workers. @default 'holdfast' */
  readonly taskQueue?: string;
  /** Of the client and the workers. @default the module that HOLDFAST_PAYLOADS names */
  readonly payloads?: PayloadOptions;
}

export type TestWorkerOptions = Omit<WorkerOptions, 'agents' | 'taskQueue' | 'payloads' | keyof SettingsOptions>;

export interface TestServer extends AsyncDisposable {
  /** `127.0.0.1:7233` */
  readonly address: string;
  readonly namespace: string;
  /** Temporal's UI, if `uiPort` was given. */
  readonly uiUrl: string | null;
  readonly holdfast: Holdfast;
  /** Starts a worker, which serves until it or the server is closed. Its options are those of `createWorker`. */
  worker(agents: Iterable<Agent>, options?: TestWorkerOptions): Promise<TestWorker>;
  /** Ends the workers, the client and the server. Throws what ended a worker before. */
  close(): Promise<void>;
}

export interface TestWorker extends AsyncDisposable {
  /** What answers model calls. */
  readonly model: ModelInfo;
  /** Lets running calls finish within the grace time (10 s). Throws what ended the worker before. */
  close(): Promise<void>;
}

/**
 * Starts Temporal's dev server, which keeps its data in memory. The Temporal CLI is looked for on the PATH, and downloaded once if it
 * is not there.
 *
 * ```ts
 * await using server = await startTestServer();
 * const model = await startScriptedModel({ agents: [refunds] });
 * await server.worker([refunds], { model: { apiKey: 'scripted', baseURL: model.baseURL } });
 * const run = await server.holdfast.start(refunds, 'Refund order 4711');
 * assert.equal((await run.result()).status, 'completed');
 * ```
 */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { taskQueue, payloads, ...serverOptions } = options;
  // Most tests run in memory, and need none of it.
  const { startDevServer } = await import('../dev/devServer.ts');
  const server = await startDevServer(serverOptions);
  const { address, namespace, uiUrl } = server;
  const common = { address, namespace, payloads, ...(taskQueue !== undefined && { taskQueue }) };
  const holdfast = await connect(common).catch(async (error) => {
    await server.kill();
    throw error;
  });
  const workers = new Set<TestWorker>();

  const test: TestServer = {
    address,
    namespace,
    uiUrl,
    holdfast,
    async worker(agents, workerOptions = {}) {
      const worker = runWorker(await createWorker({ ...workerOptions, ...common, agents }));
      workers.add(worker);
      return worker;
    },
    async close() {
      const closed = await Promise.allSettled([...workers].map((worker) => worker.close()));
      workers.clear();
      await holdfast.close();
      // Its data ends with it, so that it has nothing to finish.
      await server.kill();
      for (const one of closed) if (one.status === 'rejected') throw one.reason;
    },
    [Symbol.asyncDispose]: () => test.close(),
  };
  return test;
}

function runWorker(worker: Awaited<ReturnType<typeof createWorker>>): TestWorker {
  const running = worker.run();
  let isEnding = false;
  const ending = () => {
    isEnding = true;
  };
  running.then(ending, ending);
  const close = async () => {
    // A worker that ends by itself, or has been asked to, refuses to be asked again.
    if (!isEnding) worker.shutdown();
    ending();
    await running;
  };
  return { model: worker.model, close, [Symbol.asyncDispose]: close };
}
