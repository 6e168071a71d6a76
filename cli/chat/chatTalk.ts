// Messages to a session and their replies, in the order in which they were said.
import { randomUUID } from 'node:crypto';
import type { Reply } from '../../client/index.ts';
import type { Chat } from './chatSession.ts';

export interface Talk {
  /** Messages that are not answered yet. */
  readonly waiting: number;
  /** Sends a message at once, and waits for its reply. */
  say(text: string): Promise<Reply>;
  /** Whether this is a message of ours: each is asked for once. */
  isOurs(text: string): boolean;
}

export function talkWith({ handle, by }: Chat, signal: AbortSignal): Talk {
  let sent: Promise<unknown> = Promise.resolve();
  let answered: Promise<unknown> = Promise.resolve();
  const ours: string[] = [];
  const talk = { waiting: 0, say, isOurs };
  return talk;

  async function say(text: string): Promise<Reply> {
    const message = { id: randomUUID(), ...(by !== undefined && { by }) };
    ours.push(text);
    talk.waiting += 1;
    // Sent one after the other, so that they are queued in this order; and one is waited for at a time, since the server
    // holds few updates open at once.
    const before = answered;
    const sending = sent.then(() => handle.send(text, message));
    const replying = sending.then(async () => {
      await before;
      return handle.ask(text, { ...message, signal });
    });
    sent = sending.catch(() => isOurs(text));
    answered = replying.catch(() => {});
    try {
      return await replying;
    } finally {
      talk.waiting -= 1;
    }
  }

  function isOurs(text: string): boolean {
    const at = ours.indexOf(text);
    if (at >= 0) ours.splice(at, 1);
    return at >= 0;
  }
}
