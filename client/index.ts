// `holdfast/client`: starts, follows and commands runs from any program.
export { ExternalStorage, type PayloadCodec, type StorageDriver, ValueError } from '@temporalio/common';
export type { Duration } from '../core/duration.ts';
export { type Cost, costsOf, type RunCosts } from '../core/read/costs.ts';
export { type FailingStep, failingSentence, failingStep } from '../core/read/failingPath.ts';
export type { History } from '../core/read/history.ts';
export type { Call, Run, RunEvent, RunSpan, RunState, RunTimes, Turn } from '../core/read/run.ts';
export type { Every, RunStats, StatsLine, StatsPoint, StatsRow, StatsSeries, Times } from '../core/read/stats.ts';
export { type RunStep, readSteps } from '../core/read/steps.ts';
export {
  criticalPath,
  type PathStep,
  type TimeCause,
  type TimePart,
  type TimeSplit,
  timeSplit,
} from '../core/read/timeSplit.ts';
export type { Reason, ReasonCode, ReasonParameters } from '../core/reasons/codes.ts';
export { runMarkdown } from '../core/report/runMarkdown.ts';
export { runPage } from '../core/report/runPage.ts';
export { type TimelineSvgOptions, timelineSvg } from '../core/report/timelineSvg.ts';
export type {
  AsJson,
  Attachment,
  Budget,
  CompletedReply,
  CompletedRun,
  Decision,
  Fork,
  ForkEffects,
  ForkOf,
  Labels,
  OutputOf,
  Question,
  RecordedDecision,
  Reply,
  RunContext,
  RunInput,
  RunResult,
  RunSnapshot,
  RunStatus,
  Sent,
  Spend,
  UnfinishedReply,
  UnfinishedRun,
} from '../core/types.ts';
export {
  type ConnectOptions,
  connect,
  type ExistingClientOptions,
  type Holdfast,
  type StartableAgent,
} from './connect.ts';
export {
  CommandRejected,
  HoldfastError,
  InvalidAttachment,
  InvalidConnect,
  InvalidFork,
  InvalidList,
  InvalidPayloads,
  InvalidSchedule,
  InvalidStart,
  NoWorker,
  PayloadUnreadable,
  RequestUnavailable,
  RunNotFound,
  RunOver,
  RunUnreadable,
  ScheduleExists,
  ScheduleNotFound,
  StoredPayloadLost,
  TemporalUnreachable,
} from './errors/errors.ts';
export type { ErrorCode, ErrorFacts } from './errors/facts.ts';
export type { FamilyEvent } from './follow/followFamily.ts';
export type { FleetEvent, FleetEvents, FleetOptions } from './follow/followRuns.ts';
export type { ForkOptions, ForkSummary } from './forks.ts';
export { type Family, type FamilyRun, fetchFamily } from './histories/fetchFamily.ts';
export type { Inbox, InboxOptions, Waiting } from './lists/inbox.ts';
export { LISTED_STATUSES, type ListedStatus } from './lists/listedStatus.ts';
export type { ListOptions, RunSummary } from './lists/listRuns.ts';
export type { InputFilter, SearchProgress } from './lists/runInputs.ts';
export type { FoundStats, StatsOptions } from './lists/stats.ts';
export { type MaskRule, maskHistories } from './mask/maskHistories.ts';
export { type FileStorageOptions, fileStorage } from './payloads/fileStorage.ts';
export { dataConverter, type PayloadOptions } from './payloads/options.ts';
export { type PayloadPool, type PostgresStorageOptions, postgresStorage } from './payloads/postgresStorage.ts';
export { compactionRequests } from './requests/compactionRequests.ts';
export { diffRuns, type RunDiff, type RunDifference, type RunFigures } from './requests/diffRuns.ts';
export {
  type FieldDifference,
  type MessagesDifference,
  type RequestDifference,
  requestDifference,
} from './requests/requestDifference.ts';
export { type ModelRequest, requestOf } from './requests/requestOf.ts';
export type { Decided, DecidedBy, RunCommands } from './runCommands.ts';
export type { EventsOptions, RunEvents, RunHandle } from './runHandle.ts';
export type {
  Overlap,
  Schedule,
  ScheduleOptions,
  Schedules,
} from './schedules/schedules.ts';
export type { ScheduleTimes } from './schedules/scheduleTimes.ts';
export type { StartOptions } from './startOptions.ts';
export type { UploadOptions } from './upload.ts';
