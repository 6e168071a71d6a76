// The spend of a run, as far as history has it: active time is only known from the workflow itself.
import { countsAsRun } from '../batch/outcomes.ts';
import type { Spend } from '../types.ts';
import { addSpend } from '../usage.ts';
import type { Reading } from './reading.ts';
import type { OpenCall, OpenTurn } from './turns.ts';

/** Adds the calls of `turns` and the reports of sub-agents to the run's own spend. */
export function spendOf({ run, childSpend }: Reading, turns: readonly OpenTurn[]): Spend {
  const toolCalls = turns.flatMap(({ calls }) => calls).filter(hasRun).length;
  return [...childSpend.values()].reduce(
    (sum, { activeMs: _, ...spent }) => addSpend(sum, spent),
    addSpend(run.spend, { toolCalls }),
  );
}

/** Whether the call counts as one that ran. History has the start of a running activity only once it has ended. */
function hasRun({ outcome, planned, decision, scheduledAtMs }: OpenCall): boolean {
  return outcome === null ? scheduledAtMs !== null : countsAsRun(outcome, planned, decision);
}
