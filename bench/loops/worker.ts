// A loop's worker in its own process, so that its CPU and memory can be measured.
import type { WorkerOptions } from '@temporalio/worker';
import { WORKER_FLAGS } from '../measure.ts';
import { type Part, startPart } from './process.ts';

/** Options of Temporal's worker that we set. */
export type TemporalOptions = Pick<
  WorkerOptions,
  | 'maxEagerActivityReservationsPerWorkflowTask'
  | 'maxConcurrentActivityTaskExecutions'
  | 'maxHeartbeatThrottleInterval'
  | 'defaultHeartbeatThrottleInterval'
  | 'stickyQueueScheduleToStartTimeout'
>;

export interface LoopWorkerOptions {
  readonly address: string;
  readonly modelURL: string;
  readonly taskQueue: string;
  /** Without the cache, every workflow task replays its run from the start. @default true */
  readonly isCached?: boolean;
  /** null: our agent's worker. */
  readonly bare: BareOptions | null;
}

export interface BareOptions {
  /** Its prebuilt workflow bundle: building it would count as memory of the worker. */
  readonly codePath: string;
  readonly temporal: TemporalOptions;
}

export interface WorkerUse {
  /** CPU time of all threads since the process started. */
  readonly cpuMs: number;
  /** Peak resident memory. */
  readonly peakMb: number;
}

/** The first message: the options that the worker runs with. */
export function startLoopWorker(options: LoopWorkerOptions): Promise<Part<'use', WorkerUse, TemporalOptions>> {
  return startPart(new URL('./workerMain.ts', import.meta.url), [JSON.stringify(options)], WORKER_FLAGS);
}
