// Its own task queue, with worker processes to be killed: each dead one is replaced at once.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type Holdfast, type PayloadOptions } from '../../../client/index.ts';
import { startWorkerProcess, type WorkerProcess } from '../../../test/support/workerProcess.ts';
import { cacheDir } from '../../../worker/cacheDir.ts';
import { MOMENTS_VARIABLE } from './moments.ts';

export interface LaneOptions {
  readonly address: string;
  readonly modelURL: string;
  /** The ledger's database. */
  readonly ledger: string;
  /** The address of the MCP server. */
  readonly mcp: string;
  /** The folder of the moments, at which workers kill themselves. */
  readonly moments?: string;
  readonly workers: number;
  /** A module of payload settings, for the workers and the client. */
  readonly payloads?: URL;
  /** Whether workers cache workflows. Without the cache, every workflow task replays from the start. */
  readonly cached: boolean;
}

export interface Lane {
  readonly holdfast: Holdfast;
  readonly workers: readonly WorkerProcess[];
  /** Resolves once this process is gone, with whether SIGKILL ended it. */
  gone(pid: number): Promise<boolean>;
  /** Kills one and starts another. Resolves with the time of the kill, once the first is dead. */
  kill(worker: WorkerProcess): Promise<number>;
  /** Kills all, runs the given function without any worker, and resolves when all are replaced. */
  without(act: () => Promise<void>): Promise<void>;
  /** Starts another worker beside this one, which is not replaced when it ends. */
  relieve(pid: number): Promise<void>;
  /** Kills one that was relieved. */
  dismiss(pid: number): Promise<void>;
  /** Resolves when all workers poll. */
  whole(): Promise<void>;
  close(): Promise<void>;
}

/** A worker may fail to start while its server is down; if it always does, that is a fault. */
const FAILED_STARTS_MAX = 50;
const MODULE = new URL('./agents.ts', import.meta.url);

export async function openLane({
  address,
  modelURL,
  ledger,
  mcp,
  moments,
  payloads,
  workers: count,
  cached,
}: LaneOptions): Promise<Lane> {
  const taskQueue = `prove-${randomUUID()}`;
  const options = payloads && ((await import(payloads.href)) as { readonly default: PayloadOptions }).default;
  const holdfast = await connect({ address, namespace: 'default', taskQueue, ...(options && { payloads: options }) });
  const workers: WorkerProcess[] = [];
  const killed = new Set<number>();
  const relieved = new Set<number>();
  const starting = new Set<Promise<void>>();
  let isClosing = false;
  let nobodyMay = false;
  let failedStarts = 0;
  let problem: unknown = null;

  async function startOne(): Promise<void> {
    const worker = await startWorkerProcess({
      address,
      taskQueue,
      modelURL,
      ledger,
      module: MODULE,
      ...(!cached && { maxCachedWorkflows: 0 }),
      env: {
        PROVE_MCP: mcp,
        // Compilation is most of a start, and there are many starts.
        NODE_COMPILE_CACHE: join(cacheDir(), 'compiled'),
        ...(moments !== undefined && { [MOMENTS_VARIABLE]: moments }),
        ...(payloads && { HOLDFAST_PAYLOADS: fileURLToPath(payloads) }),
      },
    });
    workers.push(worker);
    void worker.exited.then(({ code, signal }) => {
      if (signal === 'SIGKILL') killed.add(worker.pid);
      else problem = new Error(`A worker ended by itself: ${signal ?? `exit code ${code}`}.`);
      workers.splice(workers.indexOf(worker), 1);
      if (!isClosing && !nobodyMay && !relieved.has(worker.pid)) start();
    });
    // It may have started after the lane was closed.
    if (isClosing) await worker.end('SIGKILL');
  }

  function start(): void {
    const started = startOne().finally(() => starting.delete(started));
    starting.add(started);
    started.then(
      () => {
        failedStarts = 0;
      },
      (error) => {
        failedStarts += 1;
        if (failedStarts > FAILED_STARTS_MAX) problem = error;
        else if (!isClosing) start();
      },
    );
  }

  async function whole(): Promise<void> {
    while (starting.size > 0) await Promise.allSettled(starting);
    if (problem !== null) throw problem;
  }

  for (let i = 0; i < count; i++) start();
  await whole();
  return {
    holdfast,
    workers,
    async gone(pid) {
      await workers.find((worker) => worker.pid === pid)?.exited;
      return killed.has(pid);
    },
    async kill(worker) {
      const atMs = Date.now();
      await worker.end('SIGKILL');
      return atMs;
    },
    async without(act) {
      await whole();
      nobodyMay = true;
      try {
        await Promise.all([...workers].map((worker) => worker.end('SIGKILL')));
        await act();
      } finally {
        nobodyMay = false;
        for (let i = 0; i < count; i++) start();
        await whole();
      }
    },
    async relieve(pid) {
      relieved.add(pid);
      start();
      await whole();
    },
    async dismiss(pid) {
      await workers.find((worker) => worker.pid === pid)?.end('SIGKILL');
    },
    whole,
    async close() {
      isClosing = true;
      await whole();
      await Promise.all([...workers].map((worker) => worker.end('SIGKILL')));
      await holdfast.close();
    },
  };
}
