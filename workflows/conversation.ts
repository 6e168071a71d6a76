// A session: messages come in order, each has its reply, and the run stays open between them.
import { ApplicationFailure, condition } from '@temporalio/workflow';
import { AGENT_DEFAULTS, MESSAGES_REMEMBERED, REPLIES_BYTES_MAX } from '../core/limits.ts';
import { FAILURE } from '../core/names.ts';
import { inWords } from '../core/text.ts';
import type { Reply, SendInput, Sent } from '../core/types.ts';
import { mustMoveOn } from './carry.ts';
import { type End, lastWords, type RunState } from './runState.ts';
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
    run.turnsBefore = run.turn;
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
  if (end.status === 'stopped' && !run.input.session) return true;
  if (end.status === 'completed' && run.queue.some(({ kind }) => kind === 'steer')) return true;
  if (!run.input.session) return false;
  const { value } = run;
  reply(run, {
    message: run.message,
    status: end.status,
    output: end.status === 'completed' ? lastWords(run) : null,
    ...(value !== undefined && { value }),
    reason: end.reason,
  });
  run.idle = true;
  run.value = undefined;
  // What was wrong with one message says nothing about the next.
  Object.assign(run, { failedBatches: 0, sameFailure: { key: '', times: 0 }, truncated: 0, repairs: 0 });
  return true;
}

function reply(run: RunState, answer: Reply): void {
  run.replies.push(answer);
  const chars = () => run.replies.reduce((sum, { output }) => sum + (output?.length ?? 0), 0);
  while (run.replies.length > MESSAGES_REMEMBERED || (run.replies.length > 1 && chars() > REPLIES_BYTES_MAX))
    run.replies.shift();
}

/** Queues a message, once for each id, and answers as soon as asked for. */
export async function send(run: RunState, { text, id, wait }: SendInput): Promise<Sent> {
  const message = messageOf(run, id) ?? queueMessage(run, text, id);
  run.live.wake();
  const replyTo = () => run.replies.find((one) => one.message === message);
  if (!wait) return { message, reply: null };
  if (message < (run.replies[0]?.message ?? 0))
    throw ApplicationFailure.nonRetryable(
      `Message ${message} was answered too long ago: the history has its reply.`,
      FAILURE.refusedOrder,
    );
  await condition(() => replyTo() !== undefined || run.live.leaving);
  return { message, reply: replyTo() ?? null };
}

export function messageOf(run: RunState, id: string | undefined): number | undefined {
  return id === undefined ? undefined : run.messageIds.find((known) => known.id === id)?.message;
}

function queueMessage(run: RunState, text: string, id: string | undefined): number {
  run.messages += 1;
  run.queue.push({ kind: 'message', text, message: run.messages });
  if (id !== undefined) run.messageIds.push({ id, message: run.messages });
  if (run.messageIds.length > MESSAGES_REMEMBERED) run.messageIds.shift();
  return run.messages;
}
