// The limit on a run's time: one timer for the whole run, set when the agent's rules are first known.
import { CancellationScope, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { inWords } from '../core/text.ts';

export interface Clock {
  /** Cancelled when the time is up, or with the workflow. */
  readonly scope: CancellationScope;
  limitTo(limitMs: number): void;
  timeIsUp(): boolean;
  reason(): string;
}

export function startClock(): Clock {
  const scope = new CancellationScope();
  let limitMs: number | undefined;
  let up = false;

  async function waitFor(ms: number): Promise<void> {
    try {
      await sleep(ms, { summary: 'time limit' });
      up = true;
      scope.cancel();
    } catch (error) {
      if (!isCancellation(error)) throw error;
    }
  }

  return {
    scope,
    limitTo(ms) {
      if (limitMs !== undefined) return;
      limitMs = ms;
      const spentMs = Date.now() - workflowInfo().startTime.getTime();
      void waitFor(Math.max(1, ms - spentMs));
    },
    timeIsUp: () => up,
    reason: () => `The run took longer than its limit of ${inWords(limitMs ?? 0)}.`,
  };
}
