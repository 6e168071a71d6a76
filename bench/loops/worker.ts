// A loop's worker in a process of its own, so that what it uses is its own.
import type { WorkerOptions } from '@temporalio/worker';
import { type Part, startPart } from './process.ts';

/** What we set on Temporal's own worker. */
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
  /** null: our agent's worker. */
  readonly bare: BareOptions | null;
}

export interface BareOptions {
  /** Its workflow's bundle, built before: the build would count as memory of the worker. */
  readonly codePath: string;
  readonly temporal: TemporalOptions;
}

export interface WorkerUse {
  /** CPU time since the process began, of all its threads. */
  readonly cpuMs: number;
  /** The most memory that was ever resident. */
  readonly peakMb: number;
}

/** Ready with the options that it runs with. */
export function startLoopWorker(options: LoopWorkerOptions): Promise<Part<'use', WorkerUse, TemporalOptions>> {
  return startPart(new URL('./workerMain.ts', import.meta.url), [JSON.stringify(options)]);
}
