// `holdfast/client`: starting runs and following them, from any program.
export type { Call, Run, RunEvent, RunState, Turn } from '../core/run.ts';
export type { RunInput, RunResult, RunStatus } from '../core/types.ts';
export { type ConnectOptions, connect, type Holdfast, type StartOptions } from './connect.ts';
export { NoWorker, RunNotFound, TemporalUnreachable } from './errors.ts';
export type { RunSummary } from './listRuns.ts';
export type { RunHandle } from './runHandle.ts';
export {
  type Overlap,
  type Schedule,
  ScheduleExists,
  ScheduleNotFound,
  type ScheduleOptions,
  type Schedules,
} from './schedules.ts';
export { InvalidSchedule, type ScheduleTimes } from './scheduleTimes.ts';
export { InvalidStart } from './startable.ts';
