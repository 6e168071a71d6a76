// The part of a streamed answer that a model call's heartbeats carry. Small, since every heartbeat sends it to the server
// again: at most about 8 kB of plain text.
import type { AnswerBuilder } from './answer.ts';
import type { GrowingCall } from './growingCalls.ts';

const TEXT_CHARS_MAX = 4_000;
const REASONING_CHARS_MAX = 1_500;
/** For the arguments of all calls together. The newest calls come first: the earlier ones were reported as they grew. */
const ARGUMENT_CHARS_MAX = 2_500;
/** A model writes one call after the other, so only a few grow between two heartbeats. */
const STREAM_CALLS_MAX = 10;
const NAME_CHARS_MAX = 64;

/** The answer so far: the tail of its text, the offset of that tail, and the newest calls. */
export interface StreamDetails {
  readonly attempt: number;
  readonly offset: number;
  readonly text: string;
  readonly calls: readonly CallSoFar[];
  /** The tail of what the model thought, where the provider shows it. */
  readonly reasoning?: { readonly offset: number; readonly text: string };
}

export interface CallSoFar {
  readonly slot: number;
  readonly tool: string;
  /** Offset of `arguments`, which is the tail of the arguments so far. */
  readonly offset: number;
  readonly arguments: string;
}

export function streamDetails(answer: AnswerBuilder, attempt: number): StreamDetails {
  const { text, reasoning, calls } = answer.written();
  const offset = Math.max(0, text.length - TEXT_CHARS_MAX);
  const thought = {
    offset: Math.max(0, reasoning.length - REASONING_CHARS_MAX),
    text: reasoning.end(REASONING_CHARS_MAX),
  };
  return {
    attempt,
    offset,
    text: text.end(TEXT_CHARS_MAX),
    calls: lastCalls(calls),
    ...(thought.text !== '' && { reasoning: thought }),
  };
}

function lastCalls(calls: readonly GrowingCall[]): CallSoFar[] {
  const last: CallSoFar[] = [];
  let charsLeft = ARGUMENT_CHARS_MAX;
  for (let slot = calls.length - 1; slot >= Math.max(0, calls.length - STREAM_CALLS_MAX); slot--) {
    const { name, arguments: written } = calls[slot]!;
    const offset = Math.max(0, written.length - charsLeft);
    const end = written.end(charsLeft);
    charsLeft -= end.length;
    last.unshift({ slot, tool: name.slice(0, NAME_CHARS_MAX), offset, arguments: end });
  }
  return last;
}
