// Sends messages to a session and waits for their replies, in order.
import { randomUUID } from 'node:crypto';
import type { Reply } from '../../client/index.ts';
import type { Chat } from './chatSession.ts';

export interface Talk {
  /** Number of messages without a reply. */
  readonly waiting: number;
  /** Sends a message at once, and waits for its reply. */
  send(text: string): Promise<Reply>;
  /** Whether this chat sent the message; true once for each. */
  isOurs(text: string): boolean;
}

export function talkWith({ handle, by }: Chat, signal: AbortSignal): Talk {
  let sent: Promise<unknown> = Promise.resolve();
  let answered: Promise<unknown> = Promise.resolve();
  const ours: string[] = [];
  const talk = { waiting: 0, send, isOurs };
  return talk;

  async function send(text: string): Promise<Reply> {
    const message = { id: randomUUID(), ...(by !== undefined && { by }) };
    ours.push(text);
    talk.waiting += 1;
    // Sent one after the other to keep their order. Only one reply is awaited at a time: the server limits open updates.
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
