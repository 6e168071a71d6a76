// A session: messages come in order, each has its reply, and the run stays open between them.
import { CancellationScope, condition, upsertMemo } from '@temporalio/workflow';
import {
  AGENT_DEFAULTS,
  ASKS_MAX,
  ERROR_CHARS_MAX,
  MESSAGES_REMEMBERED,
  QUEUE_MAX,
  REPLIES_BYTES_MAX,
} from '../core/limits.ts';
import { MEMO } from '../core/names.ts';
import { cutText, inWords, jsonBytes } from '../core/text.ts';
import type { Reply, SendInput, Sent } from '../core/types.ts';
import { mustMoveOn } from './carry.ts';
import { refusal } from './checks.ts';
import { type End, lastWords, type RunState } from './runState.ts';
import { roomFor } from './taskRoom.ts';
import { waitForPeople } from './waits.ts';

/** Takes what was said into the transcript: all that steers, and a message only where the one before is answered. */
export function hear(run: RunState): void {
  for (let at = 0; at < run.queue.length; ) {
    const heard = run.queue[at]!;
    if (heard.kind === 'message' && !run.idle) {
      at += 1;
      continue;
    }
    run.queue.splice(at, 1);
    run.transcript.push({ role: 'user', content: heard.text });
    if (heard.kind === 'message') run.message = heard.message ?? run.message;
    run.idle = false;
    run.value = undefined;
    // A person has spoken: what went wrong before, and how long it took, says nothing about what comes now.
    Object.assign(run, { turnsBefore: run.turn, handoffs: 0, truncated: 0, repairs: 0 });
    Object.assign(run, { failedBatches: 0, sameFailure: { key: '', times: 0 } });
  }
}

/** Waits for something to answer; resolves with the session's end where nothing comes. */
export async function nextMessage(run: RunState): Promise<End | null> {
  if (run.closing) return { status: 'completed', reason: null };
  const idleMs = run.agent?.rules.idleMs ?? AGENT_DEFAULTS.idleMs;
  const woken = await waitForPeople(run, () =>
    condition(() => run.queue.length > 0 || run.closing || run.stop !== null || mustMoveOn(run), idleMs),
  );
  // A message that comes together with the end of the wait is a message.
  if (woken || run.queue.length > 0) return null;
  return { status: 'completed', reason: `Nothing was said for ${inWords(idleMs)}.` };
}

/**
 * Ends what the run works on: true where it goes on all the same, since something was said that the model has not heard,
 * or since it is a session, which answers and waits for the next message.
 */
export function endMessage(run: RunState, end: End): boolean {
  if (!end.isFinal && run.queue.some(({ kind }) => kind === 'steer')) return true;
  if (!run.input.session || end.endsSession) return false;
  const { status, reason } = end;
  const completed = status === 'completed';
  reply(run, {
    message: run.message,
    status,
    output: completed ? lastWords(run) : null,
    ...(completed && run.value !== undefined && { value: run.value }),
    reason,
  });
  run.idle = true;
  run.value = undefined;
  // What was said about the message that is over now is a message of its own.
  const late = run.queue.filter(({ kind }) => kind === 'steer');
  run.queue.splice(0, run.queue.length, ...run.queue.filter(({ kind }) => kind === 'message'));
  for (const { text } of late) queueMessage(run, text);
  return true;
}

/** After an interrupt a run goes on with what was said, or asks again; a session without a word waits for its next message. */
export function endInterrupted(run: RunState): void {
  if (run.input.session && !run.idle) endMessage(run, { status: 'stopped', reason: 'interrupted' });
}

function reply(run: RunState, answer: Reply): void {
  run.replies.push(answer);
  const bytes = () => jsonBytes(run.replies);
  while (run.replies.length > MESSAGES_REMEMBERED || (run.replies.length > 1 && bytes() > REPLIES_BYTES_MAX))
    run.replies.shift();
  // For whoever follows the run: nothing else in its history says that a message is answered, least of all that it failed.
  const { message, status, reason } = answer;
  upsertMemo({ [MEMO.replied]: { message, status, reason: reason && cutText(reason, ERROR_CHARS_MAX) } });
}

/** Queues a message, once for each id, and answers as soon as asked for. */
export async function send(run: RunState, { text, id, wait }: SendInput): Promise<Sent> {
  const message = messageOf(run, id) ?? queueMessage(run, text, id);
  run.live.wake();
  const replyTo = () => run.replies.find((one) => one.message === message);
  // One too many has its message queued all the same, and asks again.
  if (!wait || run.live.asks >= ASKS_MAX) return { message, reply: replyTo() ?? null };
  if (message < (run.replies[0]?.message ?? 0))
    throw refusal(`Message ${message} was answered too long ago: the history has its reply.`);
  run.live.asks += 1;
  // A cancelled run has a last word for whoever waits, too.
  await CancellationScope.nonCancellable(() => condition(() => replyTo() !== undefined || run.live.leaving));
  run.live.asks -= 1;
  const answer = { message, reply: replyTo() ?? lastReply(run, message) };
  const later = roomFor(run, jsonBytes(answer));
  if (later) await later;
  return answer;
}

/** What a message gets that the session's end came before. null where the session goes on, in a new history. */
function lastReply({ live: { ended } }: RunState, message: number): Reply | null {
  if (ended === null) return null;
  const { status, reason } = ended;
  return { message, status, output: null, reason: reason ?? 'The session ended before it had answered this message.' };
}

export function messageOf(run: RunState, id: string | undefined): number | undefined {
  return id === undefined ? undefined : run.messageIds.find((known) => known.id === id)?.message;
}

/** The number of the message. */
export function queueMessage(run: RunState, text: string, id?: string): number {
  run.messages += 1;
  run.queue.push({ kind: 'message', text, message: run.messages });
  if (id !== undefined) run.messageIds.push({ id, message: run.messages });
  // Those that wait are remembered as well: after continue-as-new each is sent again.
  if (run.messageIds.length > MESSAGES_REMEMBERED + QUEUE_MAX) run.messageIds.shift();
  return run.messages;
}
