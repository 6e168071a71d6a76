// A session answers its messages in order, and stays open between them.
import { CancellationScope, condition } from '@temporalio/workflow';
import { attachmentsField } from '../../core/attachments.ts';
import { replyWith } from '../../core/ends.ts';
import { AGENT_DEFAULTS, REPLIES_AWAITED_MAX } from '../../core/limits.ts';
import { TIMER } from '../../core/names.ts';
import { reason, reasonFields } from '../../core/reasons/reason.ts';
import { isSet } from '../../core/requests.ts';
import { jsonBytes } from '../../core/text.ts';
import type { Reply, SendInput, Sent } from '../../core/types.ts';
import { mustContinueAsNew } from '../ending/continueAsNew.ts';
import type { End, Run } from '../state/run.ts';
import { refusal } from './refusal.ts';
import { waitForPeople } from './waiting.ts';

/** Moves queued messages that are due into the transcript. */
export function takeQueued(run: Run): void {
  const taken = run.session.takeQueued();
  if (taken.length > 0) run.turns.startOver();
  for (const { text, attachments } of taken)
    run.conversation.append({ role: 'user', content: text, ...attachmentsField(attachments) });
}

/** Waits for the next message; resolves with the session's end if there is none. */
export async function nextMessage(run: Run): Promise<End | null> {
  const { session, control } = run;
  if (session.isClosing) return { status: 'completed', reason: null };
  const idleMs = run.rules.idleMs ?? AGENT_DEFAULTS.idleMs;
  const isWoken = await waitForPeople(run, () =>
    condition(
      () => session.queued > 0 || session.isClosing || control.stop !== null || mustContinueAsNew(run),
      idleMs,
      {
        summary: TIMER.idle,
      },
    ),
  );
  // A message may arrive together with the timeout.
  if (isWoken || session.queued > 0) return null;
  return { status: 'completed', reason: reason('idle_timeout', { idleMs }) };
}

/**
 * Ends the turns of a message. Returns whether the run continues: because a steer is queued that the model has not been sent, or
 * because it is a session, which replies and waits for its next message.
 */
export function endMessage(run: Run, end: End): boolean {
  const { session } = run;
  if (!end.isFinal && session.hasSteer) return true;
  if (!run.isSession || end.endsSession) return false;
  const isCompleted = end.status === 'completed';
  const reply = session.reply({
    status: end.status,
    output: isCompleted ? run.conversation.lastText() : null,
    ...(isCompleted && session.value !== undefined && { value: session.value }),
    ...reasonFields(end.reason),
  });
  run.published.showReply(reply);
  return true;
}

/** After an interrupt, a run continues with its message or calls the model again; a session waits for its next message. */
export function endInterrupted(run: Run): void {
  if (run.isSession && !run.session.isIdle) endMessage(run, { status: 'stopped', reason: reason('interrupted') });
}

/** Queues a message, once for each id. With `wait`, resolves when it is answered. */
export async function send(run: Run, { text, attachments, id, wait }: SendInput): Promise<Sent> {
  const { session } = run;
  const message = session.queueMessage({ text, attachments }, isSet(id) ? id : undefined);
  run.wake.wakeSoon();
  // Beyond the limit, the message is queued, and the sender has to send its id again for the reply.
  if (!wait || session.waiting >= REPLIES_AWAITED_MAX) return { message, reply: session.replyTo(message) ?? null };
  if (session.hasForgotten(message)) throw refusal('reply_forgotten', { message });
  // A cancelled run replies as well.
  await session.whileWaiting(() =>
    CancellationScope.nonCancellable(() => condition(() => session.replyTo(message) !== undefined || isLeaving(run))),
  );
  const answer = { message, reply: session.replyTo(message) ?? lastReply(run, message) };
  const later = run.task.until(jsonBytes(answer));
  if (later) await later;
  return answer;
}

function isLeaving({ phase }: Run): boolean {
  return phase.is === 'continuing' || phase.is === 'ended';
}

/** The reply to a message that the session's end left unanswered; null if the session continues as new. */
function lastReply({ phase }: Run, message: number): Reply | null {
  if (phase.is !== 'ended') return null;
  const { status, reason: why } = phase.end;
  return replyWith({ message, status, output: null, ...reasonFields(why ?? reason('session_ended')) });
}
