// Compactions: the older part of the conversation is replaced, and the turns that it was said in stay as they were.

import type { CompactAnswer, CompactInput } from '../../types.ts';
import { addSpend, addUsage, NO_USAGE, spendOfCompaction } from '../../usage.ts';
import { settleByKernel } from '../batchView.ts';
import { heardIn, saidSince } from '../conversation.ts';
import type { OpenCompaction, Reading } from '../reading.ts';
import type { Compaction, RunEvent } from '../run.ts';
import type { Writable } from '../turns.ts';

export function compactionBegun(reading: Reading, id: number, asked: CompactInput, atMs: number): RunEvent[] {
  const { compactions, activities, earlierCompactions } = reading;
  const settled = settleByKernel(reading, atMs);
  const heard = heardIn(reading, asked);
  reading.heardInVain = [];
  const conversation = [...reading.before, ...saidSince(reading, heard.repeats), ...heard.users];
  const compaction: Writable<Compaction> = {
    number: earlierCompactions + compactions.length + 1,
    turn: asked.turn,
    startedAtMs: atMs,
    endedAtMs: null,
    attempts: 0,
    strategy: null,
    messages: { before: conversation.length, after: null },
    tokens: { before: asked.tokens, after: null },
    summary: null,
    warning: null,
    usage: NO_USAGE,
    error: null,
  };
  compactions.push(compaction);
  activities.set(id, { kind: 'compaction', of: compaction, conversation, heard });
  return [...settled, told('compacting', compaction, atMs)];
}

export function compactionEnded(
  reading: Reading,
  { of: compaction, conversation, heard }: OpenCompaction,
  answer: CompactAnswer,
  atMs: number,
): RunEvent[] {
  const { run } = reading;
  const { strategy, replaced, messages, tokens, usage, summary = null, warning = null } = answer;
  reading.before = [...messages, ...conversation.slice(replaced)];
  reading.turnsBefore = reading.turns.length;
  reading.heardBefore = [...reading.heardBefore, ...heard.users];
  if (heard.repeats) heard.repeats.heard = [];
  run.usage = addUsage(run.usage, usage);
  run.spend = addSpend(run.spend, spendOfCompaction(answer));
  Object.assign(compaction, { endedAtMs: atMs, strategy, summary, warning, usage });
  compaction.messages = { ...compaction.messages, after: reading.before.length };
  compaction.tokens = { ...compaction.tokens, after: tokens };
  return [told('compacted', compaction, atMs)];
}

export function compactionFailed(
  reading: Reading,
  { of: compaction, heard }: OpenCompaction,
  error: string,
  atMs: number,
): RunEvent[] {
  // With what the turn before it was sent in vain.
  reading.heardInVain = heard.users;
  if (heard.repeats) heard.repeats.heard = [];
  compaction.endedAtMs = atMs;
  compaction.error = error;
  return [told('compacted', compaction, atMs)];
}

/** As it is now: it goes on. */
function told(type: 'compacting' | 'compacted', compaction: Compaction, atMs: number): RunEvent {
  return { type, atMs, compaction: { ...compaction } };
}
