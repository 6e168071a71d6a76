// How wide text is on a terminal, so that a line that is redrawn in place never breaks into two.
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
const GRAPHEMES = new Intl.Segmenter();

export function columnsOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of GRAPHEMES.segment(text)) columns += widthOf(segment);
  return columns;
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
  let head = '';
  for (const { segment } of GRAPHEMES.segment(text)) {
    used += widthOf(segment);
    if (used > columns - 1) break;
    head += segment;
  }
  return `${head}…`;
}

/** The end of `text`, as much of it as has room. */
export function lastOf(text: string, columns: number): string {
  let used = 0;
  let tail = '';
  for (const { segment } of [...GRAPHEMES.segment(text)].reverse()) {
    used += widthOf(segment);
    if (used > columns) break;
    tail = segment + tail;
  }
  return tail;
}

function widthOf(grapheme: string): number {
  if (WIDE.test(grapheme)) return 2;
  return /^\p{M}+$/u.test(grapheme) ? 0 : 1;
}
