// Causes of time in words, for every view.
import { TIME_CAUSES, type TimeCause, type TimeSplit } from './timeSplit.ts';

export const CAUSE_WORDS: Readonly<Record<TimeCause, string>> = {
  model: 'model',
  tools: 'tools',
  sub_agents: 'sub-agents',
  retries: 'retries and back-off',
  no_worker: 'no worker',
  queue: 'queue',
  paused: 'paused',
  people: 'people',
  idle: 'idle',
  orchestration: 'orchestration',
};

export interface CauseShare {
  readonly cause: TimeCause;
  readonly ms: number;
  /** Of the whole, 0 to 1. */
  readonly share: number;
}

/** Returns the causes that took time, the longest first. */
export function sharesOf({ byCause, totalMs }: TimeSplit): CauseShare[] {
  return TIME_CAUSES.map((cause) => ({ cause, ms: byCause[cause], share: totalMs > 0 ? byCause[cause] / totalMs : 0 }))
    .filter(({ ms }) => ms > 0)
    .sort((a, b) => b.ms - a.ms);
}

/** `62 %`, and `<1 %` for what took some time. */
export function percent(share: number): string {
  return share > 0 && share < 0.005 ? '<1 %' : `${Math.round(share * 100)} %`;
}
