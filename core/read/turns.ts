// Turns and calls while they are read: what the run shows of them, and what only the reader knows.
import { outcomeText } from '../batch/outcomes.ts';
import { callActivityId } from '../names.ts';
import type { Message, ModelAnswer, Outcome, PlannedCall, RecordedDecision, ToolCall } from '../types.ts';
import { NO_USAGE } from '../usage.ts';
import type { Call, RunEvent, Turn } from './run.ts';

export type Writable<T> = { -readonly [K in keyof T]: T[K] };

export type OpenTurn = Writable<Omit<Turn, 'calls' | 'heard'>> & {
  heard: readonly Message[];
  /** Heard in it, and part of the conversation before it: a compaction came between. */
  heardBefore: readonly Message[];
  calls: readonly OpenCall[];
  answer: ModelAnswer | undefined;
  /** Said to the model after the answers of its calls. */
  tell: string | undefined;
  /** When the run took its answer in; null before. */
  takenAtMs: number | null;
  /** A person has interrupted it. */
  interrupted: boolean;
  /** The time to decide about its calls is over. */
  expired: boolean;
};

export type OpenCall = Writable<Call> & {
  outcome: Outcome | null;
  /** As a person's edit has planned it anew, if one did. */
  planned: PlannedCall;
  /** A person has cancelled it before it started. */
  isCancelled: boolean;
};

export function openTurn(turn: number, agent: string, askedAtMs: number): OpenTurn {
  return {
    turn,
    agent,
    heard: [],
    heardBefore: [],
    askedAtMs,
    answeredAtMs: null,
    attempts: 0,
    model: null,
    text: null,
    usage: NO_USAGE,
    error: null,
    calls: [],
    answer: undefined,
    tell: undefined,
    takenAtMs: null,
    interrupted: false,
    expired: false,
  };
}

/** What of a batch is known besides its plan, where an execution before this one had begun it. */
interface Begun {
  readonly decisions: readonly (RecordedDecision | null)[];
  readonly cancelled: readonly number[];
}

/** The calls that the model made in a turn, as they were planned. */
export function openCalls(
  turn: number,
  asked: readonly Pick<ToolCall, 'id' | 'function'>[],
  plan: ModelAnswer['plan'],
  { decisions, cancelled }: Begun = { decisions: [], cancelled: [] },
): OpenCall[] {
  return asked.map((call, slot) => ({
    turn,
    slot,
    callId: call.id,
    tool: call.function.name,
    arguments: call.function.arguments,
    ok: null,
    kind: null,
    reason: null,
    text: null,
    asks: asksOf(plan[slot]),
    decision: decisions[slot] ?? null,
    childId: null,
    attempts: 0,
    scheduledAtMs: null,
    startedAtMs: null,
    endedAtMs: null,
    outcome: null,
    // The activity plans each call that there is.
    planned: plan[slot]!,
    isCancelled: cancelled.includes(slot),
  }));
}

function asksOf(planned: PlannedCall | undefined): Call['asks'] {
  if (!planned || 'problem' in planned || !planned.ask) return null;
  const { digest, ask, arguments: changed } = planned;
  return { digest, question: ask.question, ...(changed !== undefined && { arguments: changed }) };
}

/** Its activity, or its sub-agent, is scheduled. */
export function schedule(call: OpenCall, atMs: number): RunEvent {
  call.scheduledAtMs = atMs;
  const { turn, slot, callId, tool, childId } = call;
  return { type: 'call_scheduled', atMs, turn, slot, callId, tool, childId };
}

export function settle(call: OpenCall, outcome: Outcome, atMs: number): RunEvent {
  call.outcome = outcome;
  call.ok = outcome.ok;
  call.kind = outcome.ok ? null : outcome.kind;
  call.reason = outcome.ok ? null : outcome.reason;
  call.text = outcomeText(outcome, call.decision);
  call.endedAtMs = atMs;
  return { type: 'call_ended', atMs, call: asCall(call) };
}

/** `<turn>.<slot>`. */
export function placeOf({ turn, slot }: OpenCall): string {
  return callActivityId(turn, slot);
}

export function asTurn({ heard, heardBefore, calls, ...open }: OpenTurn): Turn {
  const { turn, agent, askedAtMs, answeredAtMs, attempts, model, text, usage, error } = open;
  const shown = { turn, agent, askedAtMs, answeredAtMs, attempts, model, text, usage, error };
  const said = [...heardBefore, ...heard].map(({ content }) => content ?? '');
  return { ...shown, heard: said, calls: calls.map(asCall) };
}

function asCall({ outcome: _, planned: __, isCancelled: ___, ...call }: OpenCall): Call {
  return call;
}
