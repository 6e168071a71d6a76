// Reads the commands of a parent and the reports of sub-agents.

import { requestProblem } from '../../requests.ts';
import { NO_SPEND } from '../../usage.ts';
import { firstJson, type HistoryEvent } from '../history.ts';
import { callAt, type Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { schedule, settle } from '../turns.ts';
import type { ChildEvent } from './childEvents.ts';

type Signal = NonNullable<HistoryEvent['workflowExecutionSignaledEventAttributes']>;

/** A parent pauses, resumes and stops its sub-agents by signal. */
export function fromParent(reading: Reading, { input }: Signal): RunEvent[] {
  const given = firstJson(input);
  if (!reading.parent || requestProblem.fromParent(given) !== null) return [];
  const { command } = given as { readonly command: string };
  if (command === 'stop') reading.stopped = true;
  else reading.pausedByParent = command === 'pause';
  return [];
}

export function fromChild(reading: Reading, { childId, what }: ChildEvent, atMs: number): RunEvent[] {
  const { run, childSpend, waitingChildren } = reading;
  const call = childId.startsWith(`${run.workflowId}.`)
    ? callAt(reading, childId.slice(run.workflowId.length + 1))
    : undefined;
  if (!call) return [];
  if (what === 'scheduled') {
    if (!childSpend.has(childId)) childSpend.set(childId, NO_SPEND);
    call.childId = childId;
    return [schedule(call, atMs)];
  }
  if (what === 'started') {
    call.startedAtMs = atMs;
    call.attempts = 1;
    return [];
  }
  const { isWaiting, spend, outcome } = what;
  if (isWaiting) waitingChildren.add(childId);
  else if (isWaiting === false) waitingChildren.delete(childId);
  // A report that arrives after the result is older than it.
  if (spend && (outcome || call.outcome === null)) childSpend.set(childId, spend);
  return outcome && call.outcome === null ? [settle(call, outcome(call.tool), atMs)] : [];
}
