// How a provider sends an answer, where it differs from OpenAI.

/** What the fields beside text and calls may depend on. */
export interface ShapedAnswer {
  readonly content: string | null;
  readonly calls: readonly unknown[];
}

/** What a model has thought before it answered. */
export interface ShapedThought {
  /** Of a stream, before its text. */
  readonly deltas: readonly object[];
  /** Fields of the message of a whole answer. */
  readonly fields?: object;
  /** Parts of its content, before its text. */
  readonly parts?: readonly object[];
}

/** What it sends. Of a stream, unless it says otherwise. */
export interface WireShape {
  /** The numbers of calls. @default each call has its own */
  readonly index?: 'zero' | 'none';
  /** The name of a call, in the pieces after the first. @default none */
  readonly laterName?: 'same' | 'empty';
  /** The id of a call, in the pieces after the first. @default none */
  readonly laterId?: 'new';
  /** `whole`: a call in one piece. `object`: also an object instead of a text, in whole answers too. @default in pieces */
  readonly arguments?: 'whole' | 'object';
  /** `seed` differs for each call of a conversation. */
  readonly callId?: (seed: string) => string;
  /** The finish_reason, given the one that is true. */
  readonly finish?: (reason: string, answer: { readonly hasCalls: boolean; readonly namesTool: boolean }) => string;
  /** The content, in whole answers too: a list of parts. @default a text */
  readonly content?: (text: string) => readonly object[];
  /** Whether usage is left out, though it was asked for; in whole answers too. */
  readonly noUsage?: boolean;
  /** Fields beside text and calls; in a delta of their own, before the others, and in the message of a whole answer. */
  readonly ofMessage?: (answer: ShapedAnswer) => object | null;
  readonly thought?: (answer: ShapedAnswer) => ShapedThought;
  /** Fields beside text and calls that come alone in the last delta. */
  readonly ofMessageLast?: (answer: ShapedAnswer) => object | null;
  /** Fields of a call, in its first piece and in whole answers. */
  readonly ofCall?: (id: string | null, slot: number) => object;
  /** Fields of every choice, beside its delta or message. */
  readonly ofChoice?: object;
  /** Chunks before the first, which have no choices. */
  readonly head?: readonly object[];
  /** Lines of comment before the first chunk. */
  readonly comment?: string;
}
