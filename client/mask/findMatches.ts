// Searches texts with a regular expression that somebody else wrote: one that backtracks for ever is ended.
import { runInNewContext } from 'node:vm';

/** All texts of a run take milliseconds. A pattern that takes this long has no end in sight. */
const SEARCH_MS_MAX = 10_000;

/** Where a match is in its text. */
export type Range = readonly [start: number, end: number];

// The time limit of `vm` ends a search in the middle, which no other limit does without a thread. The context is a way to have
// it and no barrier: the pattern is compiled, and runs no code.
const SEARCH = `
  const expression = new RegExp(pattern, 'gu');
  JSON.stringify(texts.map((text) =>
    Array.from(text.matchAll(expression), (match) => [match.index, match.index + match[0].length])));
`;

/** Returns the matches of the pattern in each text, without empty ones. */
export function findMatches(pattern: string, texts: readonly string[]): readonly (readonly Range[])[] {
  let found: readonly (readonly Range[])[];
  try {
    found = JSON.parse(runInNewContext(SEARCH, { pattern, texts }, { timeout: SEARCH_MS_MAX }));
  } catch (error) {
    if (Object(error).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new TypeError(
      `The pattern ${JSON.stringify(pattern)} was still searching after ${SEARCH_MS_MAX / 1_000} s. Write it without nested repetitions such as "(a+)+".`,
    );
  }
  return found.map((ranges) => ranges.filter(([start, end]) => end > start));
}
