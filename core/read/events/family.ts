// Reads the commands of a parent and the reports of sub-agents.

import { SIGNAL } from '../../names.ts';
import { reason } from '../../reasons/reason.ts';
import { requestProblem } from '../../requests.ts';
import { readSignal } from '../../signals.ts';
import { NO_SPEND } from '../../usage.ts';
import type { HistoryEvent } from '../history.ts';
import { callAt, type Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { schedule, settle } from '../turns.ts';
import { type ChildEvent, reportOf } from './childEvents.ts';

type Signal = NonNullable<HistoryEvent['workflowExecutionSignaledEventAttributes']>;

/** A run listens to its parent and its sub-agents. */
export function signalled(reading: Reading, { signalName, input }: Signal, atMs: number): RunEvent[] {
  if (signalName !== SIGNAL.fromParent && signalName !== SIGNAL.fromChild) return [];
  const read = readSignal(input?.payloads?.[0]);
  if (read === null) {
    if (!reading.warningsBefore.some(({ code }) => code === 'signal_unreadable'))
      reading.warningsBefore = [...reading.warningsBefore, reason('signal_unreadable', { signal: signalName })];
    return [];
  }
  if (signalName === SIGNAL.fromParent) return fromParent(reading, read.value);
  const report = reportOf(read.value);
  return report ? fromChild(reading, report, atMs) : [];
}

/** A parent pauses, resumes and stops its sub-agents by signal. */
function fromParent(reading: Reading, given: unknown): RunEvent[] {
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
  if (spend && (outcome || call.outcome === null)) {
    childSpend.set(childId, spend);
    call.spend = spend;
  }
  return outcome && call.outcome === null ? [settle(call, outcome(call.tool), atMs)] : [];
}
