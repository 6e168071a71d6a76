// Makes the state that a fork begins with: that of a run between two turns, as its histories have it. The conversation and what was
// counted are kept; what belongs to the life of the original is not: its spend, its time, its queue, and what it has published.
import { CARRIED_STATE_VERSION, type CarriedState, type ConversationState } from '../carriedState.ts';
import { tokensOf } from '../compaction.ts';
import { MODEL_ACTIVITY, parseActivityId, WORKFLOW_TYPE } from '../names.ts';
import { runInputProblem, withoutNulls } from '../runInput.ts';
import { transcriptProblem } from '../transcript.ts';
import type { Message, ModelCallInput, RunInput } from '../types.ts';
import { NO_SPEND, NO_USAGE } from '../usage.ts';
import { conversation } from './conversation.ts';
import { firstJson, type History, type HistoryEvent } from './history.ts';
import { take } from './readEvent.ts';
import { openReading, type Reading } from './reading.ts';
import type { OpenTurn } from './turns.ts';

/** A turn of a run, before its model call. */
export interface ForkPoint {
  readonly kind: 'point';
  readonly workflowId: string;
  readonly runId: string;
  readonly turn: number;
  readonly taskQueue: string | null;
  /** What the run was started with. */
  readonly input: RunInput;
  /** The agent whose turn it is. */
  readonly agent: string;
  /** The names of its tools; null if the turn has no answer, so that they are not known. */
  readonly tools: readonly string[] | null;
  /** The model call ids of the calls before the turn, by call id; without those of turns that the run began with. */
  readonly calls: ReadonlyMap<string, string>;
  readonly state: CarriedState;
}

/** Why there is no such point. */
export type NoForkPoint =
  /** The history is not one of an agent's run, or of another release. */
  | { readonly kind: 'unreadable'; readonly why: string }
  /** The turns that the histories have; null if they have none. */
  | { readonly kind: 'no_turn'; readonly turns: { readonly first: number; readonly last: number } | null };

/** Returns the run before the model call of the turn. The last one counts, if the model was called for it several times. */
export function forkPoint(histories: readonly History[], turn: number): ForkPoint | NoForkPoint {
  const events = histories.flatMap((history) => history.events ?? []);
  const start = events[0]?.workflowExecutionStartedEventAttributes;
  const given = firstJson(start?.input);
  if (!start || start.workflowType?.name !== WORKFLOW_TYPE)
    return unreadable(`it is a workflow ${JSON.stringify(start?.workflowType?.name ?? '')}, and no run of an agent`);
  const problem = runInputProblem(given);
  if (problem) return unreadable(problem);
  const at = events.findLastIndex((event) => modelCallOf(event) === turn);
  const scheduled = events[at]?.activityTaskScheduledEventAttributes;
  if (!scheduled) return { kind: 'no_turn', turns: turnsOf(events) };

  const reading = openReading();
  for (const event of events.slice(0, at)) take(reading, event);
  // The model call ends the wait for a message.
  const { isIdle } = reading;
  take(reading, events[at]!);
  const open = reading.turns.at(-1);
  const asked = firstJson(scheduled.input) as ModelCallInput;
  const messages = conversation(reading);
  if (open?.turn !== turn || messages.length !== asked.length)
    return unreadable(`its conversation before turn ${turn} is not complete`);
  const state = stateOf(reading, open, asked, isIdle, messages);
  const broken = transcriptProblem(state.conversation.messages);
  if (broken) return unreadable(`its conversation before turn ${turn} is not valid: ${broken}`);

  const { workflowId, runId } = reading.run;
  const calls = new Map(
    reading.turns.flatMap((one) => one.calls.map(({ slot, callId }) => [`${one.turn}.${slot}`, callId] as const)),
  );
  for (const event of events.slice(at + 1)) if (!open.answer) take(reading, event);
  return {
    kind: 'point',
    workflowId,
    runId,
    turn,
    taskQueue: start.taskQueue?.name ?? null,
    input: withoutNulls(given as RunInput),
    agent: open.agent,
    tools: open.answer && reading.agent ? Object.keys(reading.agent.policies) : null,
    calls,
    state,
  };
}

function unreadable(why: string): NoForkPoint {
  return { kind: 'unreadable', why };
}

/** The turn that the event calls the model for. */
export function modelCallOf({ activityTaskScheduledEventAttributes: scheduled }: HistoryEvent): number | undefined {
  const ids = scheduled?.activityType?.name === MODEL_ACTIVITY ? parseActivityId(scheduled.activityId ?? '') : null;
  return ids?.slot === null ? ids.turn : undefined;
}

function turnsOf(events: readonly HistoryEvent[]): { first: number; last: number } | null {
  const turns = events.map(modelCallOf).filter((turn) => turn !== undefined);
  return turns.length === 0 ? null : { first: Math.min(...turns), last: Math.max(...turns) };
}

/** `messages`: those that the model was sent in this turn. */
function stateOf(
  reading: Reading,
  open: OpenTurn,
  asked: ModelCallInput,
  isIdle: boolean,
  messages: readonly Message[],
): CarriedState {
  const { run, turns, carried, replied, agent } = reading;
  const before = turns.slice(0, -1);
  const calls = before.flatMap((turn) => turn.calls);
  const earlier = run.earlier ?? { calls: 0, failedCalls: 0 };
  // What people sent for this turn is queued again, so that it takes effect as it did.
  const heard = open.userMessages;
  const isNewMessage = isIdle && heard.length > 0;
  return {
    version: CARRIED_STATE_VERSION,
    startedAtMs: run.startedAtMs,
    agentName: open.agent,
    agent: agent ?? null,
    conversation: conversationOf(reading, asked, messages.slice(0, messages.length - heard.length)),
    turns: {
      turn: open.turn - 1,
      limitFrom: limitFrom(reading),
      // Something was changed, so nothing has failed in a row yet.
      failedBatches: 0,
      sameFailure: { key: '', times: 0 },
      truncated: before.length - 1 - before.findLastIndex(({ answer }) => answer?.kind !== 'truncated'),
      repairs: asked.repairs ?? 0,
      handoffs: (carried?.turns.handoffs ?? 0) + countHandoffs(turns, carried?.agentName),
    },
    tally: {
      calls: earlier.calls + calls.length,
      failedCalls: earlier.failedCalls + calls.filter(({ ok }) => ok === false).length,
      usage: NO_USAGE,
      spend: NO_SPEND,
      childSpend: {},
      warnings: [],
    },
    budget: { limits: run.budget, reached: null, askedAtMs: null },
    session: {
      queue: heard.map(({ content, ...message }, at) => ({
        kind: isNewMessage && at === 0 ? ('message' as const) : ('steer' as const),
        text: content ?? '',
        ...('attachments' in message && message.attachments && { attachments: message.attachments }),
        ...(isNewMessage && at === 0 && { message: replied + 1 }),
      })),
      idle: isNewMessage,
      messages: replied + 1,
      message: isNewMessage ? replied : replied + 1,
      messageIds: [],
      commandIds: [],
      replies: [],
      closing: false,
    },
    control: { paused: false, pausedByParent: false, stop: null },
    batch: null,
    published: { waiting: false, waits: null },
  };
}

/** `maxTurns` counts from the last message of a person, without turns that the provider refused as too long. */
function limitFrom({ turns, compactions, carried }: Reading): number {
  let from = carried?.turns.limitFrom ?? 0;
  for (const { turn, userMessages, compactedMessages, answer, error } of turns) {
    if (turn > 1 && userMessages.length + compactedMessages.length > 0) from = turn - 1;
    if (!answer && error !== null && compactions.some((compaction) => compaction.turn === turn)) from += 1;
  }
  return from;
}

function countHandoffs(turns: readonly OpenTurn[], first: string | undefined): number {
  const agents = [...(first === undefined ? [] : [first]), ...turns.map(({ agent }) => agent)];
  return agents.filter((agent, at) => at > 0 && agent !== agents[at - 1]).length;
}

function conversationOf(reading: Reading, { known }: ModelCallInput, messages: readonly Message[]): ConversationState {
  const { compactions, earlierCompactions, carried } = reading;
  return {
    messages,
    seen: known,
    tokens: tokensSeen(reading, messages.slice(0, known.length)),
    compactions: earlierCompactions + compactions.length,
    compactedAt: compactions.at(-1)?.turn ?? carried?.conversation.compactedAt ?? null,
    refused: null,
  };
}

/** As the provider has counted them with the last answer, if it was after the last compaction. */
function tokensSeen({ turns, turnsBefore, compactions, carried }: Reading, seen: readonly Message[]): number {
  const { answer } = turns.slice(turnsBefore).findLast((turn) => turn.answer) ?? {};
  if (answer && answer.usage.inputTokens > 0)
    return answer.usage.inputTokens + Math.min(answer.usage.outputTokens, tokensOf([answer.message]));
  const compacted = compactions.findLast(({ tokens }) => tokens.after !== null)?.tokens.after;
  if (!answer && compacted !== undefined && compacted !== null) return compacted;
  return !answer && carried ? carried.conversation.tokens : tokensOf(seen);
}

/**
 * Returns the state with another result of the call with this model call id; null if the conversation has none. The model has to be sent
 * everything again if it has seen the other one.
 */
export function withResult(state: CarriedState, callId: string, text: string): CarriedState | null {
  const { conversation: before } = state;
  const at = before.messages.findLastIndex((message) => message.role === 'tool' && message.tool_call_id === callId);
  if (at < 0) return null;
  const messages = before.messages.with(at, { role: 'tool', tool_call_id: callId, content: text });
  const isSeen = at < before.seen.length;
  const unseen = isSeen ? { seen: { length: 0, digest: '' }, tokens: 0 } : {};
  return { ...state, conversation: { ...before, messages, ...unseen } };
}

/** Returns the state with one more message of a person. */
export function withMessage(state: CarriedState, text: string): CarriedState {
  const { session } = state;
  return { ...state, session: { ...session, queue: [...session.queue, { kind: 'steer', text }] } };
}
