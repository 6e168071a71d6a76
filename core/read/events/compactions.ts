// Reads compactions. The older part of the transcript is replaced; the turns stay as they were.

import type { CompactAnswer, CompactInput, RequestRecord, SummaryRecord } from '../../types.ts';
import { addSpend, addUsage, NO_SPEND, NO_USAGE, spendOfCompaction } from '../../usage.ts';
import { settleByKernel } from '../batchView.ts';
import { messagesSince, userMessagesIn } from '../conversation.ts';
import type { OpenCompaction, Reading } from '../reading.ts';
import type { Compaction, RunEvent } from '../run.ts';
import type { Writable } from '../turns.ts';

export function compactionStarted(reading: Reading, id: number, input: CompactInput, atMs: number): RunEvent[] {
  const { compactions, activities, earlierCompactions } = reading;
  const settled = settleByKernel(reading, atMs);
  const sent = userMessagesIn(reading, input);
  reading.sentToFailedCompaction = [];
  const conversation = [...reading.before, ...messagesSince(reading, sent.repeats), ...sent.messages];
  const compaction: Writable<Compaction> = {
    number: earlierCompactions + compactions.length + 1,
    turn: input.turn,
    startedAtMs: atMs,
    endedAtMs: null,
    attempts: 0,
    strategy: null,
    messages: { before: conversation.length, after: null },
    tokens: { before: input.tokens, after: null },
    summary: null,
    warning: null,
    usage: NO_USAGE,
    spend: NO_SPEND,
    error: null,
  };
  compactions.push(compaction);
  activities.set(id, { kind: 'compaction', of: compaction, agent: input.agent, conversation, sent });
  return [...settled, compactionEvent('compaction_started', compaction, atMs)];
}

export function compactionEnded(
  reading: Reading,
  { of: compaction, agent, conversation, sent }: OpenCompaction,
  answer: CompactAnswer,
  atMs: number,
): RunEvent[] {
  const { run } = reading;
  const { strategy, replaced, messages, tokens, usage, summary = null, warning = null, asked } = answer;
  if (isSummaryRecord(asked)) {
    const { instructions } = reading.turns.findLast((turn) => turn.agent === agent && turn.instructions !== null) ?? {};
    reading.summaries.push({
      compaction: compaction.number,
      agent,
      instructions: instructions ?? reading.agent?.instructions ?? '',
      messages: conversation,
      recorded: asked,
    });
    for (const { frame, framed } of asked.requests) if (framed) reading.frames[frame] = framed;
  }
  reading.before = [...messages, ...conversation.slice(replaced)];
  reading.turnsBefore = reading.turns.length;
  reading.unseenBefore = 0;
  reading.sentToCompaction = [...reading.sentToCompaction, ...sent.messages];
  if (sent.repeats) sent.repeats.userMessages = [];
  run.usage = addUsage(run.usage, usage);
  const spent = spendOfCompaction(answer);
  run.spend = addSpend(run.spend, spent);
  compaction.spend = addSpend(compaction.spend, spent);
  Object.assign(compaction, { endedAtMs: atMs, strategy, summary, warning, usage });
  compaction.messages = { ...compaction.messages, after: reading.before.length };
  compaction.tokens = { ...compaction.tokens, after: tokens };
  return [compactionEvent('compaction_ended', compaction, atMs)];
}

export function compactionFailed(
  reading: Reading,
  { of: compaction, sent }: OpenCompaction,
  error: string,
  atMs: number,
): RunEvent[] {
  // They include the messages of a turn without an answer.
  reading.sentToFailedCompaction = sent.messages;
  if (sent.repeats) sent.repeats.userMessages = [];
  compaction.endedAtMs = atMs;
  compaction.error = error;
  return [compactionEvent('compaction_ended', compaction, atMs)];
}

/** The event has a copy, because the compaction changes. */
function compactionEvent(
  type: 'compaction_started' | 'compaction_ended',
  compaction: Compaction,
  atMs: number,
): RunEvent {
  return { type, atMs, compaction: { ...compaction } };
}

/** Whoever can complete an activity can write anything. */
function isSummaryRecord(given: unknown): given is SummaryRecord {
  const { messages, words, requests } = Object(given) as Partial<SummaryRecord>;
  const isRequest = (one: unknown) => {
    const { frame, messages: digest } = Object(one) as Partial<RequestRecord>;
    return typeof frame === 'string' && typeof digest === 'string';
  };
  return (
    Number.isSafeInteger(messages) &&
    Number.isSafeInteger(words) &&
    Array.isArray(requests) &&
    requests.every(isRequest)
  );
}
