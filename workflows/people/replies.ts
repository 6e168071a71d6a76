// A session answers its messages in order, and stays open between them.
import { CancellationScope, condition } from '@temporalio/workflow';
import { AGENT_DEFAULTS, REPLIES_AWAITED_MAX } from '../../core/limits.ts';
import { reason, reasonFields } from '../../core/reasons/reason.ts';
import { isSet } from '../../core/requests.ts';
import { jsonBytes } from '../../core/text.ts';
import type { Reply, SendInput, Sent } from '../../core/types.ts';
import { mustContinueAsNew } from '../ending/continueAsNew.ts';
import type { End, Run } from '../state/run.ts';
import { refusal } from './refusal.ts';
import { waitForPeople } from './waiting.ts';

/** Moves what was said into the conversation, as far as the model is to be sent it now. */
export function takeQueued(run: Run): void {
  const taken = run.session.takeQueued();
  if (taken.length > 0) run.turns.startOver();
  for (const { text } of taken) run.conversation.append({ role: 'user', content: text });
}

/** Waits for something to answer; resolves with the session's end where nothing comes. */
export async function nextMessage(run: Run): Promise<End | null> {
  const { session, control } = run;
  if (session.isClosing) return { status: 'completed', reason: null };
  const idleMs = run.rules.idleMs ?? AGENT_DEFAULTS.idleMs;
  const isWoken = await waitForPeople(run, () =>
    condition(() => session.queued > 0 || session.isClosing || control.stop !== null || mustContinueAsNew(run), idleMs),
  );
  // A message that comes together with the end of the wait is a message.
  if (isWoken || session.queued > 0) return null;
  return { status: 'completed', reason: reason('idle_timeout', { idleMs }) };
}

/**
 * Ends what the run works on. True where it continues all the same: something was said that the model has not been sent, or
 * it is a session, which answers and waits for the next message.
 */
export function endMessage(run: Run, end: End): boolean {
  const { session } = run;
  if (!end.isFinal && session.hasSteer) return true;
  if (!run.isSession || end.endsSession) return false;
  const isCompleted = end.status === 'completed';
  const reply = session.reply({
    status: end.status,
    output: isCompleted ? run.conversation.lastWords() : null,
    ...(isCompleted && session.value !== undefined && { value: session.value }),
    ...reasonFields(end.reason),
  });
  run.published.showReply(reply);
  return true;
}

/** After an interrupt a run continues with what was said, or asks again; a session without a word waits for its next message. */
export function endInterrupted(run: Run): void {
  if (run.isSession && !run.session.isIdle) endMessage(run, { status: 'stopped', reason: reason('interrupted') });
}

/** Queues a message, once for each id, and answers as soon as asked for. */
export async function send(run: Run, { text, id, wait }: SendInput): Promise<Sent> {
  const { session } = run;
  const message = session.queueMessage(text, isSet(id) ? id : undefined);
  run.wake.wakeSoon();
  // Beyond the limit, the message is queued, but the sender has to ask again for the reply.
  if (!wait || session.waiting >= REPLIES_AWAITED_MAX) return { message, reply: session.replyTo(message) ?? null };
  if (session.hasForgotten(message)) throw refusal('reply_forgotten', { message });
  // A cancelled run has a last word for whoever waits, too.
  await session.whileWaiting(() =>
    CancellationScope.nonCancellable(() => condition(() => session.replyTo(message) !== undefined || isLeaving(run))),
  );
  const answer = { message, reply: session.replyTo(message) ?? lastReply(run, message) };
  const later = run.task.until(jsonBytes(answer));
  if (later) await later;
  return answer;
}

function isLeaving({ phase }: Run): boolean {
  return phase.is === 'leaving' || phase.is === 'ended';
}

/** What a message gets that the session's end came before; null where the session continues in a new history. */
function lastReply({ phase }: Run, message: number): Reply | null {
  if (phase.is !== 'ended') return null;
  const { status, reason: why } = phase.end;
  return { message, status, output: null, ...reasonFields(why ?? reason('session_ended')) };
}
