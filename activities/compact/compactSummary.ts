// Has the model summarise the older part of a conversation: in one request, or piece by piece if it is too long for one.
import { ApplicationFailure } from '@temporalio/common';
import { tokensOfBytes } from '../../core/compaction.ts';
import { BYTES_PER_TOKEN, SUMMARY_REQUESTS_MAX } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import { summaryLines, summaryMessages, summaryWords } from '../../core/summaryRequest.ts';
import { cutText, utf8Length } from '../../core/text.ts';
import type { Message } from '../../core/types.ts';
import { badAnswer } from '../model/badAnswer.ts';

export interface SummaryOptions {
  /** The agent's instructions. */
  readonly instructions: string;
  /** Maximum tokens of one piece. */
  readonly pieceTokens: number;
  readonly summaryTokens: number;
  /** Sends one request and returns the model's text. */
  ask(messages: readonly Message[]): Promise<string>;
}

/** Throws what `ask` throws, and a failure if the messages are too long however they are divided. */
export async function summarise(messages: readonly Message[], options: SummaryOptions): Promise<string> {
  const { instructions, summaryTokens } = options;
  const pending = pieces(summaryLines(messages), options.pieceTokens);
  let record = '';
  for (let requests = 0; ; requests++) {
    const piece = pending.shift();
    if (piece === undefined) return record;
    if (requests === SUMMARY_REQUESTS_MAX)
      throw ApplicationFailure.nonRetryable(
        `it was still incomplete after ${SUMMARY_REQUESTS_MAX} requests`,
        FAILURE.contextExceeded,
      );
    try {
      const text = await options.ask(
        summaryMessages({ lines: piece, record, instructions, words: summaryWords(summaryTokens) }),
      );
      if (text.trim() === '') throw badAnswer('The model returned an empty summary.');
      record = cutText(text.trim(), Math.floor(summaryTokens * BYTES_PER_TOKEN));
    } catch (error) {
      const halves = isTooLong(error) ? inHalves(piece) : null;
      if (!halves) throw error;
      pending.unshift(...halves);
    }
  }
}

function isTooLong(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.type === FAILURE.contextExceeded;
}

function pieces(lines: readonly string[], tokensMax: number): string[][] {
  const found: string[][] = [];
  let tokensLeft = 0;
  for (const line of lines) {
    const tokens = tokensOfBytes(utf8Length(line));
    const last = found.at(-1);
    if (last && tokens <= tokensLeft) last.push(line);
    else found.push([line]);
    tokensLeft = (last && tokens <= tokensLeft ? tokensLeft : tokensMax) - tokens;
  }
  return found;
}

/** A piece shorter than this is not what makes a request too long. */
const PIECE_CHARS_MIN = 2_000;

function inHalves(lines: readonly string[]): string[][] | null {
  const middle = Math.ceil(lines.length / 2);
  if (lines.length > 1) return [lines.slice(0, middle), lines.slice(middle)];
  const [line = ''] = lines;
  if (line.length < PIECE_CHARS_MIN) return null;
  const half = Math.ceil(line.length / 2);
  return [[line.slice(0, half)], [line.slice(half)]];
}
