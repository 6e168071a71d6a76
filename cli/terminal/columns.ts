// How wide text is on a terminal, so that a line that is redrawn in place never breaks into two. string-width knows the
// width of a letter; the text itself is inert by then (inert.ts), so that no escape sequence is looked for.
import stringWidth from 'string-width';

export interface Letter {
  readonly text: string;
  /** Where it begins in the whole text. */
  readonly at: number;
  readonly columns: number;
}

const GRAPHEMES = new Intl.Segmenter();
const INERT = { countAnsiEscapeCodes: true };
/** As far as a tab can go; string-width counts none. */
const TAB_COLUMNS = 8;

export function columnsOf(text: string): number {
  const tabs = text.split('\t').length - 1;
  return stringWidth(text, INERT) + tabs * TAB_COLUMNS;
}

/** What a reader takes for a letter each, with its width. */
export function* lettersOf(text: string): Generator<Letter> {
  for (const { segment, index } of GRAPHEMES.segment(text))
    yield { text: segment, at: index, columns: segment === '\t' ? TAB_COLUMNS : stringWidth(segment, INERT) };
}

/** `text`, cut with an ellipsis where it is too wide, filled with spaces where it is not. */
export function fit(text: string, columns: number): string {
  const cut = cutTo(text, columns);
  return cut + ' '.repeat(Math.max(0, columns - columnsOf(cut)));
}

/** `text`, cut with an ellipsis where it is too wide. */
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

/** The end of `text`, as much of it as has room. */
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
