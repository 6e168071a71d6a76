// The transcript: its messages, which of them the model has seen, and their tokens.

import { attachmentsField } from '../../core/attachments.ts';
import type { ConversationState } from '../../core/carriedState.ts';
import { tokensOf } from '../../core/compaction.ts';
import { FRESH_BYTES_MAX, PAGE_BYTES_MAX } from '../../core/limits.ts';
import { jsonBytes } from '../../core/text.ts';
import type {
  CompactAnswer,
  Mark,
  Message,
  ModelAnswer,
  RequestMark,
  RunInput,
  TranscriptPage,
} from '../../core/types.ts';

/** The bytes that the first `length` messages take in a payload, as a worker has measured them. */
interface Weight {
  readonly length: number;
  readonly bytes: number;
}

export function newConversation({ input, attachments }: RunInput): ConversationState {
  return {
    messages: input === '' ? [] : [{ role: 'user', content: input, ...attachmentsField(attachments) }],
    seen: { length: 0, digest: '' },
    tokens: 0,
    compactions: 0,
    compactedAt: null,
    refused: null,
  };
}

export class Conversation {
  readonly #messages: Message[];
  #seen: Mark;
  #tokens: number;
  #compactions: number;
  #compactedAt: number | null;
  #refused: ConversationState['refused'];
  #weight: Weight | null = null;
  #isCompactionIneffective = false;
  #request: RequestMark | null = null;

  constructor(state: ConversationState) {
    this.#messages = [...state.messages];
    this.#seen = state.seen;
    this.#tokens = state.tokens;
    this.#compactions = state.compactions;
    this.#compactedAt = state.compactedAt;
    this.#refused = state.refused;
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  get seen(): Mark {
    return this.#seen;
  }

  get compactions(): number {
    return this.#compactions;
  }

  get compactedAt(): number | null {
    return this.#compactedAt;
  }

  get refused(): ConversationState['refused'] {
    return this.#refused;
  }

  get weight(): Weight | null {
    return this.#weight;
  }

  /** Whether the last compaction did not let the run continue as new, so that another would not either. */
  get isCompactionIneffective(): boolean {
    return this.#isCompactionIneffective;
  }

  /** Tokens of the messages that the model has seen. */
  get tokensSeen(): number {
    return this.#tokens;
  }

  /** Tokens of the whole transcript; those of unseen messages are estimated. */
  get tokens(): number {
    return this.#tokens + tokensOf(this.unseen());
  }

  unseen(): readonly Message[] {
    return this.#messages.slice(this.#seen.length);
  }

  /** The request that was last recorded in this history. It is not carried over, so that each history has its own. */
  get request(): RequestMark | null {
    return this.#request;
  }

  append(message: Message): void {
    this.#messages.push(message);
  }

  recordAnswer({ message, mark, usage, weight, request }: ModelAnswer): void {
    const answered = tokensOf([message]);
    // The provider's count includes instructions and tools, but not every server reports it. Output tokens include reasoning,
    // which is not sent back to the model.
    this.#tokens =
      usage.inputTokens > 0
        ? usage.inputTokens + Math.min(usage.outputTokens, answered)
        : this.#tokens + tokensOf(this.unseen()) + answered;
    this.#messages.push(message);
    this.#seen = mark;
    if (weight !== undefined) this.#weight = { length: mark.length, bytes: weight };
    if (request) this.#request = { frame: request.frame, messages: request.messages };
  }

  /** Returns the number of the compaction. */
  beginCompaction(): number {
    this.#compactions += 1;
    return this.#compactions;
  }

  recordCompaction({ replaced, messages, mark, tokens }: CompactAnswer, turn: number): void {
    this.#messages.splice(0, replaced, ...messages);
    this.#seen = mark;
    this.#weight = null;
    this.#tokens = tokens;
    this.#compactedAt = turn;
    this.#isCompactionIneffective = false;
  }

  markCompactionIneffective(): void {
    this.#isCompactionIneffective = true;
  }

  compactionFailed(turn: number): void {
    this.#compactedAt = turn;
  }

  refusedAsTooLong(turn: number, refusal: string): void {
    this.#refused = { turn, refusal };
  }

  /** Returns the transcript as an activity's input: the new messages, and the digest of the others. */
  forActivity(): { known: Mark; length: number; fresh: readonly Message[] | null; heard?: readonly Message[] } {
    const unseen = this.unseen();
    const at = { known: this.#seen, length: this.#messages.length };
    const bytes = unseen.reduce((sum, message) => sum + jsonBytes(message), 0);
    if (bytes <= FRESH_BYTES_MAX) return { ...at, fresh: unseen };
    return { ...at, fresh: null, heard: unseen.filter(({ role }) => role === 'user') };
  }

  /** Returns the last text that the model wrote. */
  lastText(): string | null {
    const answer = this.#messages.findLast(({ role, content }) => role === 'assistant' && content);
    return answer?.content ?? null;
  }

  /** Returns a page that fits a payload. */
  page(from: number, limit: number): TranscriptPage {
    const messages: Message[] = [];
    let bytes = 0;
    for (const message of this.#messages.slice(from, from + limit)) {
      bytes += jsonBytes(message);
      if (messages.length > 0 && bytes > PAGE_BYTES_MAX) break;
      messages.push(message);
    }
    return { messages, length: this.#messages.length };
  }

  carried(): ConversationState {
    return {
      messages: this.#messages,
      seen: this.#seen,
      tokens: this.#tokens,
      compactions: this.#compactions,
      compactedAt: this.#compactedAt,
      refused: this.#refused,
    };
  }
}
