// `holdfast/client`: starting runs and following them, from any program.
export { ExternalStorage, type PayloadCodec, type StorageDriver } from '@temporalio/common';
export type { Duration } from '../core/duration.ts';
export type { Call, Run, RunEvent, RunState, Turn } from '../core/read/run.ts';
export type {
  Budget,
  Decision,
  Question,
  Reply,
  RunInput,
  RunResult,
  RunSnapshot,
  RunStatus,
  Sent,
  Spend,
  StandingDecision,
} from '../core/types.ts';
export {
  type AsJson,
  type ConnectOptions,
  connect,
  type Holdfast,
  type OutputOf,
} from './connect.ts';
export { NoWorker, OrderRefused, RunNotFound, RunOver, TemporalUnreachable } from './errors.ts';
export type { Inbox, InboxOptions, Waiting } from './inbox.ts';
export type { RunSummary } from './listRuns.ts';
export type { Decided, Orders } from './orders.ts';
export { InvalidPayloads, PayloadUnreadable, StoredPayloadLost } from './payloads/errors.ts';
export { type FileStorageOptions, fileStorage } from './payloads/fileStorage.ts';
export { dataConverter, type PayloadOptions } from './payloads/options.ts';
export { type PayloadPool, type PostgresStorageOptions, postgresStorage } from './payloads/postgresStorage.ts';
export type { RunHandle, TypedResult } from './runHandle.ts';
export {
  type Overlap,
  type Schedule,
  ScheduleExists,
  ScheduleNotFound,
  type ScheduleOptions,
  type Schedules,
} from './schedules/schedules.ts';
export { InvalidSchedule, type ScheduleTimes } from './schedules/scheduleTimes.ts';
export { InvalidStart } from './startable.ts';
export type { StartOptions } from './startOptions.ts';
