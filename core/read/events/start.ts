// Where a link of the chain starts, and where it goes on as the next one.

import type { RunInput } from '../../types.ts';
import { type CarriedPart, carriedOver, takeOver } from '../carried.ts';
import { firstJson, type HistoryEvent } from '../history.ts';
import type { Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';

type Start = NonNullable<HistoryEvent['workflowExecutionStartedEventAttributes']>;
type ContinuedAsNew = NonNullable<HistoryEvent['workflowExecutionContinuedAsNewEventAttributes']>;

export function started(reading: Reading, start: Start, atMs: number): RunEvent[] {
  const { run, activities, decisions, timers, waitingChildren } = reading;
  // A run may be started with anything; what is no text reads as none.
  const given = (firstJson(start.input) ?? {}) as Partial<RunInput>;
  const carried = given.carried as CarriedPart | undefined;
  for (const known of [activities, decisions, timers, waitingChildren]) known.clear();
  if (run.startedAtMs > 0) return carried ? nextLink(reading, start, carried, atMs) : [];
  run.workflowId = start.workflowId ?? '';
  run.runId = start.firstExecutionRunId || start.originalExecutionRunId || '';
  run.agent = typeof given.agent === 'string' ? given.agent : '';
  run.input = typeof given.input === 'string' ? given.input : '';
  run.session = given.session === true;
  run.budget = given.budget ?? null;
  run.startedAtMs = atMs;
  reading.parallel = given.parallel;
  reading.parent = given.parent;
  if (carried) takeOver(reading, carried);
  const { agent, input, earlier } = run;
  return [{ type: 'started', atMs, agent, input, ...(earlier && { earlier }) }];
}

/** A later link of the chain: what it carries is what was read already, unless a link before it is gone. */
function nextLink(reading: Reading, { originalExecutionRunId }: Start, carried: CarriedPart, atMs: number): RunEvent[] {
  if (reading.nextLink === undefined || reading.nextLink === originalExecutionRunId)
    return carriedOver(reading, carried, atMs);
  reading.turns.length = 0;
  reading.compactions.length = 0;
  reading.turnsBefore = 0;
  reading.heardBefore = [];
  takeOver(reading, carried);
  return [];
}

export function continuedAsNew(reading: Reading, { newExecutionRunId }: ContinuedAsNew, atMs: number): RunEvent[] {
  reading.nextLink = newExecutionRunId || undefined;
  return [{ type: 'continued', atMs, runId: newExecutionRunId || '' }];
}
