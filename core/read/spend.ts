// What was spent, as far as history tells: how long people were waited for, it does not.
import { countsAsRun } from '../batch/outcomes.ts';
import type { Spend } from '../types.ts';
import { addSpend } from '../usage.ts';
import type { Reading } from './reading.ts';
import type { OpenCall, OpenTurn } from './turns.ts';

/** With the calls of `turns`, and all that sub-agents have reported. */
export function spendOf({ run, childSpend }: Reading, turns: readonly OpenTurn[]): Spend {
  const toolCalls = turns.flatMap(({ calls }) => calls).filter(hasRun).length;
  return [...childSpend.values()].reduce(
    (sum, { activeMs: _, ...spent }) => addSpend(sum, spent),
    addSpend(run.spend, { toolCalls }),
  );
}

/** Of a call that runs, history tells only at its end when it started. */
function hasRun({ outcome, planned, decision, scheduledAtMs }: OpenCall): boolean {
  return outcome === null ? scheduledAtMs !== null : countsAsRun(outcome, planned, decision);
}
