// Compares two runs turn by turn: where they part, and what each took. A fork is compared with its original from the turn that it began
// with, and two runs of the same input from the first.

import { parsed } from '../../core/json.ts';
import { callActivityId } from '../../core/names.ts';
import { asRun } from '../../core/read/asRun.ts';
import { conversation } from '../../core/read/conversation.ts';
import { modelCallOf } from '../../core/read/forkedState.ts';
import type { History } from '../../core/read/history.ts';
import { take } from '../../core/read/readEvent.ts';
import { openReading } from '../../core/read/reading.ts';
import { countsOf, type Earlier, type Run, type RunState, type Turn, toolCalls } from '../../core/read/run.ts';
import type { OpenCall, OpenTurn } from '../../core/read/turns.ts';
import { sortedFields } from '../../core/sortedFields.ts';
import type { AgentRecord, Message, Spend } from '../../core/types.ts';
import { exactRequest } from './exactRequest.ts';
import { type SentDifference, sentDifference } from './sentDifference.ts';

export interface RunDiff {
  /** The first turn that both runs have; null if there is none. */
  readonly from: number | null;
  /** The first difference; null if there is none. */
  readonly difference: RunDifference | null;
  /**
   * The turns up to the difference of which one run has no exact request. Of those, what history has was compared: the agent's
   * record, the model and the messages.
   */
  readonly inexact: readonly number[];
  readonly runs: readonly [RunFigures, RunFigures];
}

export interface RunDifference {
  /** null if the runs were started differently. */
  readonly turn: number | null;
  /**
   * `start`: what the run was started with. `request`: what the model was sent, and which model. `answer`, `call`: the text and the calls
   * that it returned. `result`: what a call returned. `end`: whether there is another turn, and how the run ended.
   */
  readonly what: 'start' | 'request' | 'answer' | 'call' | 'result' | 'end';
  /** What of it differs, such as `instructions`, `messages` or `arguments`; of a request that was sent, the field of its body. */
  readonly field: string;
  /** Whether the difference is in the requests as they were sent, and not in what history has of them. */
  readonly isSent?: true;
  /** The tool whose definition differs in the requests that were sent. */
  readonly tool?: string;
  /** The call id of a call or result. */
  readonly call?: string;
  /** The index of the message in the conversation, among those that people sent for the turn, or in the request that was sent. */
  readonly index?: number;
  /** In the first run; null if it has nothing there. */
  readonly a: unknown;
  /** In the second run. */
  readonly b: unknown;
}

export interface RunFigures extends Earlier {
  readonly workflowId: string;
  readonly runId: string;
  readonly agent: string;
  readonly status: RunState;
  /** Includes sub-agents; of a fork, without its original. */
  readonly spend: Spend;
  /** null while it runs. */
  readonly durationMs: number | null;
  /** From the first turn that both runs have; without sub-agents and compactions. null if there is none. */
  readonly since:
    | (Earlier & { readonly inputTokens: number; readonly outputTokens: number; readonly cost: number })
    | null;
}

interface ReadTurn {
  readonly open: OpenTurn;
  /** The agent of its answer. */
  record: AgentRecord | undefined;
}

interface ReadRun {
  readonly histories: readonly History[];
  readonly run: Run;
  readonly turns: ReadonlyMap<number, ReadTurn>;
}

/** Compares two runs by all their histories, in order. */
export function diffRuns(a: readonly History[], b: readonly History[]): RunDiff {
  const [first, second] = [readTurns(a), readTurns(b)];
  const common = [...first.turns.keys()].filter((turn) => second.turns.has(turn));
  const from = common.length === 0 ? null : Math.min(...common);
  const inexact: number[] = [];
  return {
    from,
    difference: startDifference(first.run, second.run) ?? turnsDifference(first, second, from, inexact),
    inexact,
    runs: [figuresOf(first, from), figuresOf(second, from)],
  };
}

function readTurns(histories: readonly History[]): ReadRun {
  const reading = openReading();
  const turns = new Map<number, ReadTurn>();
  for (const { events } of histories)
    for (const event of events ?? []) {
      take(reading, event);
      const open = reading.turns.at(-1);
      if (!open) continue;
      const known = turns.get(open.turn);
      // A turn whose batch another history began is read again from there.
      const turn = known?.open === open ? known : { open, record: undefined };
      if (turn.open.answer) turn.record ??= reading.agent;
      turns.set(open.turn, turn);
    }
  return { histories, run: asRun(reading), turns };
}

function startDifference(a: Run, b: Run): RunDifference | null {
  for (const field of ['agent', 'input', 'attachments', 'context', 'session'] as const)
    if (!isSame(a[field], b[field]))
      return { turn: null, what: 'start', field, a: a[field] ?? null, b: b[field] ?? null };
  return null;
}

/** Adds the turns without an exact request to `inexact`. */
function turnsDifference(a: ReadRun, b: ReadRun, from: number | null, inexact: number[]): RunDifference | null {
  if (from === null) return endDifference(a.run, b.run, null);
  for (let turn = from; ; turn++) {
    const [one, other] = [a.turns.get(turn), b.turns.get(turn)];
    if (!one && !other) return endDifference(a.run, b.run, turn - 1);
    if (!one || !other) {
      const described = (run: Run, has: unknown) => (has ? 'another turn' : run.status);
      return { turn, what: 'end', field: 'turn', a: described(a.run, one), b: described(b.run, other) };
    }
    const messages =
      turn === from
        ? messagesDifference(conversationAt(a, turn), conversationAt(b, turn))
        : messagesDifference(one.open.userMessages, other.open.userMessages);
    const found = requestDifference(one, other, messages);
    if (found) return { turn, ...found };
    const sent = exactDifference(a.run, b.run, turn);
    if (sent === 'unknown') inexact.push(turn);
    else if (sent) return { turn, what: 'request', isSent: true, ...sent };
    const answered = answerDifference(one.open, other.open);
    if (answered) return { turn, ...answered };
  }
}

type InTurn = Omit<RunDifference, 'turn'>;

function requestDifference(a: ReadTurn, b: ReadTurn, messages: InTurn | null): InTurn | null {
  const differ = (field: string, one: unknown, other: unknown): InTurn | null =>
    isSame(one, other) ? null : { what: 'request', field, a: one ?? null, b: other ?? null };
  // Without an answer, the agent and the model are not known.
  const isAnswered = a.record !== undefined && b.record !== undefined;
  const tools = (record: AgentRecord | undefined) => Object.keys(record?.policies ?? {}).sort();
  const of = (field: 'instructions' | 'policies' | 'rules' | 'body') =>
    isAnswered ? differ(field, a.record?.[field], b.record?.[field]) : null;
  return (
    differ('agent', a.open.agent, b.open.agent) ??
    of('instructions') ??
    (isAnswered ? differ('tools', tools(a.record), tools(b.record)) : null) ??
    // Before the rules: where the conversation is compacted depends on it.
    (isAnswered ? differ('model', a.open.model, b.open.model) : null) ??
    of('policies') ??
    of('rules') ??
    of('body') ??
    messages
  );
}

/** `unknown`: one of them is not known to be what was sent. */
function exactDifference(a: Run, b: Run, turn: number): SentDifference | 'unknown' | null {
  const [one, other] = [recordedIn(a, turn), recordedIn(b, turn)];
  if (!one || !other) return 'unknown';
  // Then they are the same to the byte, and need not be made.
  if (one.frame === other.frame && one.messages === other.messages && one.messages !== '') return null;
  const [sent, otherSent] = [exactRequest(a, turn), exactRequest(b, turn)];
  return sent && otherSent ? sentDifference(sent, otherSent) : 'unknown';
}

function recordedIn({ turns }: Run, turn: number): NonNullable<Turn['request']>['recorded'] {
  return turns.find((one) => one.turn === turn && one.request !== null)?.request?.recorded ?? null;
}

function messagesDifference(a: readonly Message[], b: readonly Message[]): InTurn | null {
  const index = Array.from({ length: Math.max(a.length, b.length) }).findIndex((_, at) => !isSame(a[at], b[at]));
  if (index < 0) return null;
  return { what: 'request', field: 'messages', index, a: a[index] ?? null, b: b[index] ?? null };
}

function answerDifference(a: OpenTurn, b: OpenTurn): InTurn | null {
  if (a.error !== b.error) return { what: 'answer', field: 'error', a: a.error, b: b.error };
  if (a.text !== b.text) return { what: 'answer', field: 'text', a: a.text, b: b.text };
  const slots = Array.from({ length: Math.max(a.calls.length, b.calls.length) }, (_, slot) => slot);
  const pairs = slots.map((slot) => [callActivityId(a.turn, slot), a.calls[slot], b.calls[slot]] as const);
  for (const [call, one, other] of pairs) {
    const found = callDifference(one, other);
    if (found) return { ...found, call };
  }
  for (const [call, one, other] of pairs) {
    const [text, otherText] = [one?.text ?? null, other?.text ?? null];
    if (text !== otherText) return { what: 'result', field: 'text', call, a: text, b: otherText };
    const [files, otherFiles] = [one?.attachments ?? null, other?.attachments ?? null];
    if (!isSame(files, otherFiles)) return { what: 'result', field: 'attachments', call, a: files, b: otherFiles };
  }
  return null;
}

function callDifference(a: OpenCall | undefined, b: OpenCall | undefined): InTurn | null {
  if (a?.tool !== b?.tool) return { what: 'call', field: 'tool', a: a?.tool ?? null, b: b?.tool ?? null };
  if (!a || !b || isSame(parsed(a.arguments), parsed(b.arguments))) return null;
  return { what: 'call', field: 'arguments', a: a.arguments, b: b.arguments };
}

function endDifference(a: Run, b: Run, turn: number | null): RunDifference | null {
  if (a.status !== b.status) return { turn, what: 'end', field: 'status', a: a.status, b: b.status };
  return a.reason === b.reason ? null : { turn, what: 'end', field: 'reason', a: a.reason, b: b.reason };
}

/** The messages that the model was sent in the turn. */
function conversationAt({ histories }: ReadRun, turn: number): readonly Message[] {
  const reading = openReading();
  let messages: readonly Message[] = [];
  for (const { events } of histories)
    for (const event of events ?? []) {
      take(reading, event);
      if (modelCallOf(event) === turn) messages = conversation(reading);
    }
  return messages;
}

function figuresOf({ run, turns }: ReadRun, from: number | null): RunFigures {
  const { workflowId, runId, agent, status, spend, startedAtMs, endedAtMs } = run;
  const durationMs = endedAtMs === null ? null : endedAtMs - startedAtMs;
  const since = from === null ? null : figuresSince(run, turns, from);
  return { workflowId, runId, agent, status, ...countsOf(run), spend, durationMs, since };
}

function figuresSince(run: Run, turns: ReadRun['turns'], from: number): NonNullable<RunFigures['since']> {
  const calls = toolCalls(run).filter(({ turn }) => turn >= from);
  const answered = [...turns.values()].flatMap(({ open }) => (open.turn >= from ? [open] : []));
  const sum = (of: (turn: OpenTurn) => number) => answered.reduce((total, turn) => total + of(turn), 0);
  return {
    turns: answered.length,
    calls: calls.length,
    failedCalls: calls.filter(({ ok }) => ok === false).length,
    inputTokens: sum(({ usage }) => usage.inputTokens),
    outputTokens: sum(({ usage }) => usage.outputTokens),
    cost: sum(({ answer }) => answer?.cost ?? 0),
  };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sortedFields(a)) === JSON.stringify(sortedFields(b));
}
