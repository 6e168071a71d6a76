// The queue of a run's messages, and the replies of a session.
import { attachmentsField } from '../../core/attachments.ts';
import type { QueuedMessage, SessionState } from '../../core/carriedState.ts';
import { type AnyReply, replyWith } from '../../core/ends.ts';
import { MESSAGES_REMEMBERED, QUEUE_MAX, REPLIES_BYTES_MAX } from '../../core/limits.ts';
import { jsonBytes, utf8Length } from '../../core/text.ts';
import type { Attachment, Reply } from '../../core/types.ts';

export function newSession(input: string): SessionState {
  // A session may begin with its first message.
  const isIdle = input === '';
  return {
    queue: [],
    idle: isIdle,
    messages: isIdle ? 0 : 1,
    message: isIdle ? 0 : 1,
    messageIds: [],
    commandIds: [],
    replies: [],
    closing: false,
  };
}

/** What a person has sent: a text, and images and files beside it. */
export interface QueuedText {
  readonly text: string;
  readonly attachments?: readonly Attachment[] | null | undefined;
}

export function queuedBytes({ text, attachments }: QueuedText): number {
  return utf8Length(text) + (attachments ? jsonBytes(attachments) : 0);
}

export class Session {
  #queue: QueuedMessage[];
  #isIdle: boolean;
  #messages: number;
  #message: number;
  readonly #messageIds: { readonly id: string; readonly message: number }[];
  #commandIds: readonly string[];
  readonly #replies: Reply[];
  #value: unknown;
  #isClosing: boolean;
  /** Updates that wait for a reply in this execution. */
  #waiting = 0;

  constructor(state: SessionState) {
    this.#queue = [...state.queue];
    this.#isIdle = state.idle;
    this.#messages = state.messages;
    this.#message = state.message;
    this.#messageIds = [...state.messageIds];
    this.#commandIds = state.commandIds;
    this.#replies = [...state.replies];
    this.#value = state.value;
    this.#isClosing = state.closing;
  }

  /** Whether the session has nothing to answer and waits for its next message. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get queuedBytes(): number {
    return this.#queue.reduce((sum, queued) => sum + queuedBytes(queued), 0);
  }

  get hasSteer(): boolean {
    return this.#queue.some(({ kind }) => kind === 'steer');
  }

  /** The last answer, parsed by the agent's `output` schema. */
  get value(): unknown {
    return this.#value;
  }

  close(): void {
    this.#isClosing = true;
  }

  setValue(value: unknown): void {
    this.#value = value;
  }

  /** Queues a message, once for each id. Returns its number. */
  queueMessage({ text, attachments }: QueuedText, id?: string): number {
    const known = this.messageOf(id);
    if (known !== undefined) return known;
    this.#messages += 1;
    const message = this.#messages;
    this.#queue.push({ kind: 'message', text, ...attachmentsField(attachments), message });
    if (id !== undefined) this.#messageIds.push({ id, message });
    // Ids of queued messages are remembered too: clients send them again after continue-as-new.
    if (this.#messageIds.length > MESSAGES_REMEMBERED + QUEUE_MAX) this.#messageIds.shift();
    return message;
  }

  queueSteer({ text, attachments }: QueuedText): void {
    this.#queue.push({ kind: 'steer', text, ...attachmentsField(attachments) });
  }

  messageOf(id: string | undefined): number | undefined {
    return id === undefined ? undefined : this.#messageIds.find((known) => known.id === id)?.message;
  }

  /** Whether a command with this id took effect already, and its sender retried it. */
  knowsCommand(id: string): boolean {
    return this.#commandIds.includes(id);
  }

  rememberCommand(id: string): void {
    this.#commandIds = [...this.#commandIds, id].slice(-MESSAGES_REMEMBERED);
  }

  /** Takes what the model is sent now: all steers, and the next message if the previous one is answered. */
  takeQueued(): readonly QueuedMessage[] {
    const taken: QueuedMessage[] = [];
    this.#queue = this.#queue.filter((queued) => {
      if (queued.kind === 'message' && !this.#isIdle) return true;
      taken.push(queued);
      if (queued.message !== undefined) this.#message = queued.message;
      this.#isIdle = false;
      this.#value = undefined;
      return false;
    });
    return taken;
  }

  /** Replies to the current message. Steers that came too late for it become messages. */
  reply(answer: Omit<AnyReply, 'message'>): Reply {
    const reply = replyWith({ message: this.#message, ...answer });
    this.#replies.push(reply);
    while (
      this.#replies.length > MESSAGES_REMEMBERED ||
      (this.#replies.length > 1 && jsonBytes(this.#replies) > REPLIES_BYTES_MAX)
    )
      this.#replies.shift();
    this.#isIdle = true;
    this.#value = undefined;
    const late = this.#queue.filter(({ kind }) => kind === 'steer');
    this.#queue = this.#queue.filter(({ kind }) => kind === 'message');
    for (const steer of late) this.queueMessage(steer);
    return reply;
  }

  replyTo(message: number): Reply | undefined {
    return this.#replies.find((reply) => reply.message === message);
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Counts an update as waiting while `wait` is pending. */
  async whileWaiting(wait: () => Promise<void>): Promise<void> {
    this.#waiting += 1;
    try {
      await wait();
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Whether the reply to a message is older than those that are kept. */
  hasForgotten(message: number): boolean {
    return message < (this.#replies[0]?.message ?? 0);
  }

  carried(): SessionState {
    return {
      queue: this.#queue,
      idle: this.#isIdle,
      messages: this.#messages,
      message: this.#message,
      messageIds: this.#messageIds,
      commandIds: this.#commandIds,
      replies: this.#replies,
      ...(this.#value !== undefined && { value: this.#value }),
      closing: this.#isClosing,
    };
  }
}
