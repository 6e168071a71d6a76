// Reads the memo: replies of a session, open questions, and the spend at the end.
import { type AnyReply, replyWith } from '../../ends.ts';
import { MEMO } from '../../names.ts';
import type { Reply, Waits } from '../../types.ts';
import { isSpend } from '../../usage.ts';
import { budgetQuestions, readWaits } from '../../waits.ts';
import { settleByKernel } from '../batchView.ts';
import { firstJson, type HistoryEvent, type Payload } from '../history.ts';
import type { Reading } from '../reading.ts';
import type { RunEvent } from '../run.ts';

type MemoChange = NonNullable<HistoryEvent['workflowPropertiesModifiedEventAttributes']>;

export function memoChanged(reading: Reading, { upsertedMemo }: MemoChange, atMs: number): RunEvent[] {
  const memo = upsertedMemo?.fields ?? {};
  const replied = memo[MEMO.replied];
  if (replied) return messageAnswered(reading, jsonOf(replied) as Replied, atMs);
  const spent = memo[MEMO.spend];
  const spend = spent && jsonOf(spent);
  if (isSpend(spend)) reading.spendAtEnd = spend;
  const waits = memo[MEMO.waits];
  return waits ? waitsChanged(reading, readWaits(jsonOf(waits)) ?? null, atMs) : [];
}

function jsonOf(field: Payload): unknown {
  return firstJson({ payloads: [field] });
}

/** The memo has the number of the message and its status; the output is the last answer before it. */
type Replied = Omit<AnyReply, 'output' | 'value'>;

function messageAnswered(reading: Reading, replied: Replied, atMs: number): RunEvent[] {
  const settled = settleByKernel(reading, atMs);
  reading.replied = replied.message;
  reading.isIdle = true;
  return [...settled, { type: 'reply', atMs, reply: replyOf(reading, replied) }];
}

function replyOf({ run, turns }: Reading, replied: Replied): Reply {
  const { status } = replied;
  if (status !== 'completed') return replyWith({ ...replied, output: null });
  const value = turns.at(-1)?.answer?.value;
  return replyWith({ ...replied, output: run.output, ...(value !== undefined && { value }) });
}

function waitsChanged(reading: Reading, waits: Waits | null, atMs: number): RunEvent[] {
  const [known] = budgetQuestions(reading.waits);
  const [question] = budgetQuestions(waits);
  reading.waits = waits;
  // A budget that was raised and is exhausted again is a new question.
  return question && question.sinceMs !== known?.sinceMs ? [{ type: 'question', atMs, question }] : [];
}
