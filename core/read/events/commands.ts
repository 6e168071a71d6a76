// Reads accepted commands, which are updates. Decisions have their own file.

import { withLabels } from '../../attachmentLabels.ts';
import { isAttachments } from '../../attachments.ts';
import { UPDATE } from '../../names.ts';
import type { CancelCallInput, Decision, RaiseInput, RecordedDecision, SendInput, SteerInput } from '../../types.ts';
import { settleByKernel } from '../batchView.ts';
import { eventId, firstJson, type HistoryEvent } from '../history.ts';
import type { Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';
import { callIdOf } from '../turns.ts';
import { decided, decisionAccepted } from './decisions.ts';

type Accepted = NonNullable<HistoryEvent['workflowExecutionUpdateAcceptedEventAttributes']>;
type Completed = NonNullable<HistoryEvent['workflowExecutionUpdateCompletedEventAttributes']>;

/** The fields of all commands' arguments; each command has some of them. */
type CommandInput = Partial<SteerInput & SendInput & CancelCallInput & RaiseInput>;

export function updateAccepted(reading: Reading, id: number, { acceptedRequest }: Accepted, atMs: number): RunEvent[] {
  const { name, args } = acceptedRequest?.input ?? {};
  const input = firstJson(args) ?? {};
  return name === UPDATE.decide
    ? decisionAccepted(reading, id, input as Partial<Decision>)
    : commandAccepted(reading, name ?? '', input as CommandInput, atMs);
}

/** Only a decision has a result that matters; other commands take effect when they are accepted. */
export function updateCompleted(reading: Reading, { acceptedEventId, outcome }: Completed, atMs: number): RunEvent[] {
  // Results follow everything that was accepted in a task, and what the run settled because of it.
  const settled = settleByKernel(reading, atMs);
  const decision = firstJson(outcome?.success) as RecordedDecision | undefined;
  return [...settled, ...decided(reading, eventId(acceptedEventId), decision, atMs)];
}

function commandAccepted(reading: Reading, name: string, input: CommandInput, atMs: number): RunEvent[] {
  if (isSentAgain(reading, name, input.id)) return [];
  const { run, turns } = reading;
  const { by = null, why = null } = input;
  const command = { type: 'command', atMs, command: name, by, why } as const;
  switch (name) {
    case UPDATE.raise:
      run.budget = { ...run.budget, ...input.budget };
      return [{ ...command, ...limitsOf(input) }];
    case UPDATE.pause:
    case UPDATE.resume:
      run.paused = name === UPDATE.pause ? { by } : null;
      return [command];
    case UPDATE.send:
    case UPDATE.steer:
      return messageEvents(name, input, atMs);
    case UPDATE.interrupt: {
      const last = turns.at(-1);
      if (last) last.interrupted = true;
      return [command, ...messageEvents(name, input, atMs)];
    }
    case UPDATE.cancelCall:
      cancelCall(reading, input);
      return [{ ...command, ...callOf(input) }];
    case UPDATE.stop:
      reading.stopped = true;
      return [command];
    default:
      return [command];
  }
}

/** The ids of messages and those of commands are separate, as in the workflow. */
function isSentAgain({ messageIds, commandIds }: Reading, name: string, id: unknown): boolean {
  if (typeof id !== 'string') return false;
  const known = name === UPDATE.send ? messageIds : commandIds;
  const isKnown = known.has(id);
  known.add(id);
  return isKnown;
}

function messageEvents(command: 'send' | 'steer' | 'interrupt', input: CommandInput, atMs: number): RunEvent[] {
  const { by = null } = input;
  // Programs may send null for an absent message.
  const text = input.text ?? input.message ?? null;
  if (text === null) return [];
  const { attachments } = input;
  const shown = attachments && isAttachments(attachments, '') === null ? withLabels(text, attachments) : text;
  return [{ type: 'message', atMs, command, text: shown, by }];
}

/** For a call that has not started, or that asks for input at its end: any other end of a running one has its own event. */
function cancelCall({ turns }: Reading, { call: named }: CommandInput): void {
  const call = turns.at(-1)?.calls.find((one) => named === callIdOf(one) || named === one.callId);
  if (call && call.outcome === null) call.isCancelled = true;
}

/** Anything can be sent, so values of other types are ignored. */
function callOf({ call }: CommandInput): { call?: string } {
  return typeof call === 'string' ? { call } : {};
}

function limitsOf({ budget }: CommandInput): { budget?: RaiseInput['budget'] } {
  return typeof budget === 'object' && budget !== null ? { budget } : {};
}
