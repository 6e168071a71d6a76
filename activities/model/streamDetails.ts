// What a model call's heartbeats carry of its answer while it is being written. Small, since it goes to the server again
// with every one of them: about 8 kB of plain text at most.
import type { AnswerBuilder, RawCall } from './answer.ts';

const TEXT_CHARS_MAX = 4_000;
/** The arguments of all calls together. The newest have the first claim: the earlier ones were told when they grew. */
const ARGUMENT_CHARS_MAX = 2_500;
/** A model writes one call after the other, so that no more than a few grow between two looks. */
const STREAM_CALLS_MAX = 10;
const NAME_CHARS_MAX = 64;

/** The answer so far: the end of its text with the place where that end begins, and the calls that were begun last. */
export interface StreamDetails {
  readonly attempt: number;
  readonly offset: number;
  readonly text: string;
  readonly calls: readonly CallSoFar[];
}

export interface CallSoFar {
  readonly slot: number;
  readonly tool: string;
  /** Where `arguments`, the end of what there is of them, begins. */
  readonly offset: number;
  readonly arguments: string;
}

export function streamDetails(answer: AnswerBuilder, attempt: number): StreamDetails {
  const text = answer.text();
  const offset = Math.max(0, text.length - TEXT_CHARS_MAX);
  return { attempt, offset, text: text.slice(offset), calls: lastCalls(answer.calls()) };
}

function lastCalls(calls: readonly RawCall[]): CallSoFar[] {
  const last: CallSoFar[] = [];
  let room = ARGUMENT_CHARS_MAX;
  for (let slot = calls.length - 1; slot >= Math.max(0, calls.length - STREAM_CALLS_MAX); slot--) {
    const { name, arguments: written } = calls[slot]!;
    const offset = Math.max(0, written.length - room);
    room -= written.length - offset;
    last.unshift({ slot, tool: name.slice(0, NAME_CHARS_MAX), offset, arguments: written.slice(offset) });
  }
  return last;
}
