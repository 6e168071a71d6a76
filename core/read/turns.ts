// Turns and calls while they are read: what a `Run` shows of them, and what only the reader needs.
import { withLabels } from '../attachmentLabels.ts';
import { outcomeAttachments, outcomeText } from '../batch/outcomes.ts';
import { askedByTask } from '../batch/task.ts';
import { callActivityId } from '../names.ts';
import type { CallTask, Message, ModelAnswer, Outcome, PlannedCall, RecordedDecision, ToolCall } from '../types.ts';
import { NO_SPEND, NO_USAGE } from '../usage.ts';
import type { Call, RunEvent, Turn, TurnRequest } from './run.ts';

export type Writable<T> = { -readonly [K in keyof T]: T[K] };

export type OpenTurn = Writable<Omit<Turn, 'calls' | 'userMessages' | 'request'>> & {
  userMessages: readonly Message[];
  /** Messages of this turn that were sent to a compaction before it, and are part of the compacted transcript. */
  compactedMessages: readonly Message[];
  calls: readonly OpenCall[];
  answer: ModelAnswer | undefined;
  /** The transcript when the model was asked: what was carried or compacted before, and how many turns are in it. */
  asked: { readonly before: readonly Message[]; readonly turnsBefore: number } | undefined;
  /** The instructions of its agent, once an answer has recorded them. */
  instructions: string | null;
  /** The engine's message to the model before it is asked again; it follows the results of the calls. */
  retryMessage: string | undefined;
  /** When the workflow received the answer; null before. */
  takenAtMs: number | null;
  interrupted: boolean;
  /** When its approvals became pending, or a call last asked for input, if that is later than `takenAtMs`. */
  askedAtMs: number | null;
  /** Its approvals have timed out. */
  expired: boolean;
};

export type OpenCall = Writable<Call> & {
  outcome: Outcome | null;
  /** The plan of the call; after an edit, the new one. */
  planned: PlannedCall;
  /** The task that it has started, and that activities look at. */
  task: CallTask | null;
  /** Cancelled before it started, or while it ran. */
  isCancelled: boolean;
};

export function openTurn(turn: number, agent: string, startedAtMs: number): OpenTurn {
  return {
    turn,
    agent,
    userMessages: [],
    compactedMessages: [],
    startedAtMs,
    answeredAtMs: null,
    attempts: 0,
    model: null,
    text: null,
    usage: NO_USAGE,
    spend: NO_SPEND,
    lost: NO_SPEND,
    error: null,
    calls: [],
    answer: undefined,
    asked: undefined,
    instructions: null,
    retryMessage: undefined,
    takenAtMs: null,
    interrupted: false,
    askedAtMs: null,
    expired: false,
  };
}

/** The state of a batch that a previous execution began. */
interface CarriedBatch {
  readonly decisions: readonly (RecordedDecision | null)[];
  readonly cancelled: readonly number[];
}

/** Makes the calls of a turn from the model's calls and their plan. */
export function openCalls(
  turn: number,
  toolCalls: readonly Pick<ToolCall, 'id' | 'function'>[],
  plan: ModelAnswer['plan'],
  { decisions, cancelled }: CarriedBatch = { decisions: [], cancelled: [] },
): OpenCall[] {
  return toolCalls.map((call, slot) => ({
    turn,
    slot,
    callId: call.id,
    tool: call.function.name,
    arguments: call.function.arguments,
    ok: null,
    kind: null,
    reason: null,
    text: null,
    approval: approvalOf(plan[slot]),
    decision: decisions[slot] ?? null,
    childId: null,
    attempts: 0,
    scheduledAtMs: null,
    startedAtMs: null,
    endedAtMs: null,
    outcome: null,
    // The plan has an entry for each call.
    planned: plan[slot]!,
    task: (plan[slot] && askedByTask(plan[slot])) ?? null,
    isCancelled: cancelled.includes(slot),
  }));
}

function approvalOf(planned: PlannedCall | undefined): Call['approval'] {
  if (!planned || 'problem' in planned || !planned.ask) return null;
  const { digest, ask, arguments: changed } = planned;
  return { digest, question: ask.question, ...(changed !== undefined && { arguments: changed }) };
}

/** Marks the call as scheduled: its activity, or its sub-agent's run. */
export function schedule(call: OpenCall, atMs: number): RunEvent {
  call.scheduledAtMs = atMs;
  const { turn, slot, callId, tool, childId } = call;
  return { type: 'call_scheduled', atMs, turn, slot, callId, tool, childId };
}

/** Makes a call that ran pending again, with the question that it asked. */
export function askAgain(call: OpenCall, planned: PlannedCall): void {
  call.planned = planned;
  call.task = askedByTask(planned) ?? null;
  call.approval = approvalOf(planned);
  call.decision = null;
  call.scheduledAtMs = null;
  call.startedAtMs = null;
}

export function settle(call: OpenCall, outcome: Outcome, atMs: number): RunEvent {
  call.outcome = outcome;
  call.ok = outcome.ok;
  call.kind = outcome.ok ? null : outcome.kind;
  call.reason = outcome.ok ? null : outcome.reason;
  call.text = outcomeText(outcome, call.decision);
  const attachments = outcomeAttachments(outcome);
  if (attachments) call.attachments = attachments;
  call.endedAtMs = atMs;
  return { type: 'call_ended', atMs, call: asCall(call) };
}

/** Returns the call id, `<turn>.<slot>`. The field `callId` is the model's own. */
export function callIdOf({ turn, slot }: OpenCall): string {
  return callActivityId(turn, slot);
}

export function asTurn(
  { userMessages, compactedMessages, calls, ...open }: OpenTurn,
  request: TurnRequest | null,
): Turn {
  const { turn, agent, startedAtMs, answeredAtMs, attempts, model, text, usage, spend, lost, error } = open;
  const { passedOver, warning } = open.answer ?? {};
  const shown = {
    turn,
    agent,
    startedAtMs,
    answeredAtMs,
    attempts,
    model,
    text,
    usage,
    spend,
    lost,
    error,
    ...(passedOver && { passedOver }),
    ...(warning && { warning }),
  };
  const texts = [...compactedMessages, ...userMessages].map((message) =>
    message.role === 'user' ? withLabels(message.content, message.attachments) : (message.content ?? ''),
  );
  return { ...shown, userMessages: texts, calls: calls.map(asCall), request };
}

function asCall({ outcome: _, planned: __, isCancelled: ___, task: ____, ...call }: OpenCall): Call {
  return call;
}
