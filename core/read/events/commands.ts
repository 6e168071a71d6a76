// What people asked of the run, and it took: its updates. Decisions have their own file.

import { UPDATE } from '../../names.ts';
import type { CancelCallInput, Decision, RaiseInput, RecordedDecision, SendInput, SteerInput } from '../../types.ts';
import { settleByKernel } from '../batchView.ts';
import { eventId, firstJson, type HistoryEvent } from '../history.ts';
import type { Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { placeOf } from '../turns.ts';
import { decided, decisionAccepted } from './decisions.ts';

type Accepted = NonNullable<HistoryEvent['workflowExecutionUpdateAcceptedEventAttributes']>;
type Completed = NonNullable<HistoryEvent['workflowExecutionUpdateCompletedEventAttributes']>;

/** The arguments of all orders, of which each has some. */
type Asked = Partial<SteerInput & SendInput & CancelCallInput & RaiseInput>;

export function updateAccepted(reading: Reading, id: number, { acceptedRequest }: Accepted, atMs: number): RunEvent[] {
  const { name, args } = acceptedRequest?.input ?? {};
  const asked = firstJson(args) ?? {};
  return name === UPDATE.decide
    ? decisionAccepted(reading, id, asked as Partial<Decision>)
    : ordered(reading, name ?? '', asked as Asked, atMs);
}

/** Of a decision, the answer says what came of it; all else is carried out where it is taken. */
export function updateCompleted(reading: Reading, { acceptedEventId, outcome }: Completed, atMs: number): RunEvent[] {
  // Answers come after all that was accepted in a task, and after what the run made of it.
  const settled = settleByKernel(reading, atMs);
  const decision = firstJson(outcome?.success) as RecordedDecision | undefined;
  return [...settled, ...decided(reading, eventId(acceptedEventId), decision, atMs)];
}

function ordered(reading: Reading, name: string, asked: Asked, atMs: number): RunEvent[] {
  if (isSentAgain(reading, name, asked.id)) return [];
  const { run, turns } = reading;
  const { by = null, why = null } = asked;
  const order = { type: 'ordered', atMs, order: name, by, why } as const;
  switch (name) {
    case UPDATE.raise:
      run.budget = { ...run.budget, ...asked.budget };
      return [{ ...order, ...limitsOf(asked) }];
    case UPDATE.pause:
    case UPDATE.resume:
      run.paused = name === UPDATE.pause ? { by } : null;
      return [order];
    case UPDATE.send:
    case UPDATE.steer:
      return said(name, asked, atMs);
    case UPDATE.interrupt: {
      const last = turns.at(-1);
      if (last) last.interrupted = true;
      return [order, ...said(name, asked, atMs)];
    }
    case UPDATE.cancelCall:
      cancelCall(reading, asked);
      return [{ ...order, ...callOf(asked) }];
    case UPDATE.stop:
      reading.stopped = true;
      return [order];
    default:
      return [order];
  }
}

/** Ids of messages and those of orders are told apart, as the run does. */
function isSentAgain({ messageIds, commandIds }: Reading, name: string, id: unknown): boolean {
  if (typeof id !== 'string') return false;
  const known = name === UPDATE.send ? messageIds : commandIds;
  const isKnown = known.has(id);
  known.add(id);
  return isKnown;
}

function said(how: 'send' | 'steer' | 'interrupt', asked: Asked, atMs: number): RunEvent[] {
  const { by = null } = asked;
  // Programs send null for what is not said.
  const text = asked.text ?? asked.message ?? null;
  if (text === null) return [];
  return [{ type: 'said', atMs, how, text, by }];
}

/** A call that runs says itself how it ended. */
function cancelCall({ turns }: Reading, { call: named }: Asked): void {
  const call = turns.at(-1)?.calls.find((one) => named === placeOf(one) || named === one.callId);
  if (call && call.outcome === null && call.scheduledAtMs === null) call.isCancelled = true;
}

/** Anything can be sent; what is no text, and no object, reads as not said. */
function callOf({ call }: Asked): { call?: string } {
  return typeof call === 'string' ? { call } : {};
}

function limitsOf({ budget }: Asked): { budget?: RaiseInput['budget'] } {
  return typeof budget === 'object' && budget !== null ? { budget } : {};
}
