// Width of text on a terminal, so that a line that is redrawn in place never wraps. string-width has the width of a
// letter; the text is inert already (inert.ts), so there are no escape sequences.
import stringWidth from 'string-width';

export interface Letter {
  readonly text: string;
  /** Index in the text. */
  readonly at: number;
  readonly columns: number;
}

const GRAPHEMES = new Intl.Segmenter();
/** Marks belong to their letter, however many there are; a letter with more units than this is taken apart. */
const LETTER_UNITS_MAX = 64;
const PARTS = /.{1,32}/gsu;
const INERT = { countAnsiEscapeCodes: true };
/** The maximum width of a tab, which string-width does not count. */
const TAB_COLUMNS = 8;

export function columnsOf(text: string): number {
  const tabs = text.split('\t').length - 1;
  return stringWidth(text, INERT) + tabs * TAB_COLUMNS;
}

/** Yields the graphemes of the text with their widths. */
export function* lettersOf(text: string): Generator<Letter> {
  for (const { segment, index } of GRAPHEMES.segment(text)) {
    let at = index;
    for (const part of segment.length <= LETTER_UNITS_MAX ? [segment] : segment.match(PARTS)!) {
      yield { text: part, at, columns: part === '\t' ? TAB_COLUMNS : stringWidth(part, INERT) };
      at += part.length;
    }
  }
}

/** Cuts the text to the width with an ellipsis, or pads it with spaces. */
export function fit(text: string, columns: number): string {
  const cut = cutTo(text, columns);
  return cut + ' '.repeat(Math.max(0, columns - columnsOf(cut)));
}

/** Cuts the text to the width with an ellipsis. */
export function cutTo(text: string, columns: number): string {
  if (columns <= 0) return '';
  if (columnsOf(text) <= columns) return text;
  let used = 0;
  for (const letter of lettersOf(text)) {
    used += letter.columns;
    if (used > columns - 1) return `${text.slice(0, letter.at)}…`;
  }
  return text;
}

/** Returns as much of the text's end as fits. */
export function lastOf(text: string, columns: number): string {
  let used = 0;
  let from = text.length;
  for (const letter of [...lettersOf(text)].reverse()) {
    used += letter.columns;
    if (used > columns) break;
    from = letter.at;
  }
  return text.slice(from);
}
