// Turns and calls as they are while they are read: what the run shows of them, and what only the reader knows.
import { outcomeText } from '../failures.ts';
import { callActivityId } from '../names.ts';
import type { Message, ModelAnswer, Outcome, PlannedCall, ToolCall } from '../types.ts';
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
  /** Whether the run has taken the answer in. */
  taken: boolean;
  /** A person has stopped what it was doing. */
  interrupted: boolean;
  /** The time in which its calls could be decided about is over. */
  expired: boolean;
};

export type OpenCall = Writable<Call> & { outcome: Outcome | undefined; readonly planned: PlannedCall | undefined };

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
    taken: false,
    interrupted: false,
    expired: false,
  };
}

/** The calls that the model made in a turn, as they were planned. */
export function openCalls(
  turn: number,
  asked: readonly Pick<ToolCall, 'id' | 'function'>[],
  plan: ModelAnswer['plan'],
): OpenCall[] {
  return asked.map((call, slot) => ({
    turn,
    slot,
    callId: call.id,
    tool: call.function.name,
    arguments: call.function.arguments,
    ok: null,
    kind: null,
    text: null,
    asks: asksOf(plan[slot]),
    decision: null,
    childId: null,
    attempts: 0,
    scheduledAtMs: null,
    startedAtMs: null,
    endedAtMs: null,
    outcome: undefined,
    planned: plan[slot],
  }));
}

function asksOf(planned: PlannedCall | undefined): Call['asks'] {
  if (!planned || 'problem' in planned || !planned.ask) return null;
  const { digest, ask, arguments: changed } = planned;
  return { digest, question: ask.question, ...(changed !== undefined && { arguments: changed }) };
}

/** Its activity, or its sub-agent, is asked for. */
export function schedule(call: OpenCall, atMs: number): RunEvent {
  call.scheduledAtMs = atMs;
  const { turn, slot, callId, tool, childId } = call;
  return { type: 'call_scheduled', atMs, turn, slot, callId, tool, childId };
}

export function settle(call: OpenCall, outcome: Outcome, atMs: number): RunEvent {
  call.outcome = outcome;
  call.ok = outcome.ok;
  call.kind = outcome.ok ? null : outcome.kind;
  call.text = outcomeText(outcome, call.decision);
  call.endedAtMs = atMs;
  return { type: 'call_ended', atMs, call: asCall(call) };
}

export function settleAll(calls: readonly OpenCall[], outcomeOf: (call: OpenCall) => Outcome, atMs: number) {
  return calls.map((call) => settle(call, outcomeOf(call), atMs));
}

/** `<turn>.<slot>`. */
export function placeOf({ turn, slot }: OpenCall): string {
  return callActivityId(turn, slot);
}

export function asTurn({ heard, heardBefore, calls, ...open }: OpenTurn): Turn {
  const { turn, agent, askedAtMs, answeredAtMs, attempts, model, text, usage, error } = open;
  const told = { turn, agent, askedAtMs, answeredAtMs, attempts, model, text, usage, error };
  const said = [...heardBefore, ...heard].map(({ content }) => content ?? '');
  return { ...told, heard: said, calls: calls.map(asCall) };
}

function asCall({ outcome: _, planned: __, ...call }: OpenCall): Call {
  return call;
}
