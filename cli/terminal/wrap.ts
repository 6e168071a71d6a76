// Wraps text to a terminal's width, in one pass. Not wrap-ansi: it normalizes text, so that a person would decide about
// other characters than the tool receives; and it leaves most of a line empty before Chinese.
import { columnsOf, lettersOf } from './columns.ts';

/** Spaces at which a line may break. */
interface Gap {
  readonly from: number;
  readonly to: number;
  /** Columns of the line without and with them. */
  readonly before: number;
  readonly after: number;
}

/** Marks and invisible letters take no column, so that a line could have any number of them. No script needs this many. */
const COLUMN_UNITS_MAX = 8;
const NO_GAP: Gap = { from: -1, to: -1, before: 0, after: 0 };

/** Wraps the text between words. Only spaces at a break are dropped. */
export function wrapped(text: string, columns: number): string[] {
  const fits = (line: string) => line.length <= columns * COLUMN_UNITS_MAX && columnsOf(line) <= columns;
  return text.split('\n').flatMap((line) => (fits(line) ? [line] : broken(line, columns)));
}

/** The end of a text that grows, wrapped. A piece costs what it is long, however long the text before it is. */
export interface Tail {
  readonly isEmpty: boolean;
  add(text: string): void;
  clear(): void;
  /** Returns the last lines, without blank ones at the end. */
  lines(columns: number): string[];
}

export function createTail(linesMax: number): Tail {
  let kept: string[] = [];
  let added: string[] = [];
  let width = 0;
  const isEmpty = () => kept.length === 0 && added.length === 0;
  return {
    get isEmpty() {
      return isEmpty();
    },
    add(text) {
      const shown = isEmpty() ? text.trimStart() : text;
      if (shown !== '') added.push(shown);
    },
    clear() {
      kept = [];
      added = [];
    },
    lines(columns) {
      // It stays empty when it is drawn.
      if (isEmpty()) return [];
      if (columns !== width) kept = wrapped(kept.join('\n'), columns);
      width = columns;
      const last = (kept.at(-1) ?? '') + added.join('');
      added = [];
      // Twice as many as are shown, since some may be blank.
      kept = [...kept.slice(0, -1), ...wrapped(last, columns)].slice(-2 * linesMax);
      const end = kept.findLastIndex((line) => line.trim() !== '') + 1;
      return kept.slice(Math.max(0, end - linesMax), end);
    },
  };
}

function broken(text: string, columns: number): string[] {
  const lines: string[] = [];
  let start = 0;
  let filled = 0;
  let gap = NO_GAP;
  for (const letter of lettersOf(text)) {
    const to = letter.at + letter.text.length;
    if (letter.text === ' ' || letter.text === '\t') {
      // Every line but the first begins with a word.
      if (lines.length > 0 && start === letter.at) start = to;
      else {
        const isSame = gap.to === letter.at;
        const from = isSame ? gap.from : letter.at;
        gap = { from, to, before: isSame ? gap.before : filled, after: filled + letter.columns };
        filled = gap.after;
        if (filled > columns) breakAt(from, to);
      }
      continue;
    }
    while ((filled + letter.columns > columns || to - start > columns * COLUMN_UNITS_MAX) && letter.at > start) {
      // Break a word that would leave half a line empty.
      if (gap.before > columns / 2) breakAt(gap.from, gap.to, filled - gap.after);
      else breakAt(letter.at, letter.at);
    }
    filled += letter.columns;
  }
  return [...lines, text.slice(start)];

  /** Ends the line; `filledNext` columns of the next one are already filled. */
  function breakAt(end: number, next: number, filledNext = 0): void {
    lines.push(text.slice(start, end));
    start = next;
    filled = filledNext;
    gap = NO_GAP;
  }
}
