// Measures, cuts and formats text.

/** Returns the length of `text` in UTF-8, without encoding it. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    // A surrogate pair is two units and four bytes; a lone one is encoded as U+FFFD, three.
    const pairs = code >= 0xd800 && code < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1));
    if (pairs) i++;
    bytes += code < 0x800 ? 1 : 2;
  }
  return bytes;
}

/** Returns the bytes of `value` as JSON; 0 for a value that JSON omits. */
export function jsonBytes(value: unknown): number {
  return utf8Length(JSON.stringify(value) ?? '');
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code < 0xe000;
}

/** Returns the longest head of `text` that has at most `bytes` in UTF-8 and splits no character. */
export function utf8Head(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || utf8Length(text) <= bytes) return text;
  let used = 0;
  let i = 0;
  while (i < text.length) {
    const point = text.codePointAt(i) ?? 0;
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (used + size > bytes) break;
    used += size;
    i += point < 0x10000 ? 1 : 2;
  }
  return text.slice(0, i);
}

/** Reserved for the note at the end of a text that was cut. */
const NOTE_BYTES = 120;

/** Returns `text`, or its head with a note: at most `maxBytes` in UTF-8. `isHead`: it is itself only the head of a longer text. */
export function cutBytes(text: string, maxBytes: number, isHead = false): string {
  const bytes = utf8Length(text);
  if (bytes <= maxBytes && !isHead) return text;
  const head = utf8Head(text, maxBytes - NOTE_BYTES);
  const of = isHead ? 'a longer result' : `${count(bytes)} bytes`;
  return `${head}\n[cut: the first ${count(utf8Length(head))} bytes of ${of}]`;
}

/** Returns `text`, or its head with a note of how much was cut. */
export function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  let head = text.slice(0, maxChars);
  // Never half a surrogate pair: it would not survive UTF-8.
  if (/[\ud800-\udbff]$/.test(head)) head = head.slice(0, -1);
  return `${head}… [cut: the first ${count(head.length)} of ${count(text.length)} characters]`;
}

/** Returns the text on one line, cut to `maxChars`. */
export function oneLine(text: string, maxChars: number): string {
  let line = '';
  // Only as far as it is shown: the text may be megabytes.
  for (const [word] of text.matchAll(/\S+/g)) {
    line += line === '' ? word : ` ${word}`;
    if (line.length > maxChars) break;
  }
  return line.length <= maxChars ? line : `${line.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** `12345` as `12,345`. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** `1 tool`, `2 tools`. */
export function plural(n: number, word: string): string {
  return `${count(n)} ${word}${n === 1 ? '' : 's'}`;
}

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;

/** `0.21 s`, `12.3 s`, `2 min 05 s`, `3 h 05 min`, `2 d 04 h`. */
export function seconds(ms: number): string {
  if (ms < 9_995) return `${(ms / 1_000).toFixed(2)} s`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  const whole = Math.round(ms / 1_000);
  if (whole < HOUR_S) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < DAY_S) return `${Math.floor(whole / HOUR_S)} h ${two((whole % HOUR_S) / 60)} min`;
  return `${Math.floor(whole / DAY_S)} d ${two((whole % DAY_S) / HOUR_S)} h`;
}

/** A limit in words: `30 seconds`, `500 milliseconds`, `10 minutes`. */
export function inWords(ms: number): string {
  if (ms < 1_000) return plural(ms, 'millisecond');
  const units = [
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1_000, 'second'],
  ] as const;
  // The largest unit that divides it evenly (90 s stays 90 seconds), or else seconds with a fraction.
  for (const [unitMs, word] of units) if (ms % unitMs === 0) return plural(ms / unitMs, word);
  return `${Number((ms / 1_000).toFixed(1))} seconds`;
}

/** Returns the known name that differs least from a misspelt one; undefined if none is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const [near] = known
    .map((other) => ({ other, edits: edits(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ other, edits: n }) => n <= 0.4 * Math.max(name.length, other.length))
    .sort((a, b) => a.edits - b.edits);
  return near?.other;
}

/**
 * Returns the known name that a misspelt one stands for; undefined if it may be a name of its own: further than two letters from every
 * other, or with other digits, as `refunds2` beside `refunds`.
 */
export function misspelt(name: string, known: readonly string[]): string | undefined {
  const near = nearest(name, known);
  if (near === undefined || edits(name.toLowerCase(), near.toLowerCase()) > 2) return undefined;
  const digits = (text: string) => text.replace(/\D/g, '');
  return digits(name) === digits(near) ? near : undefined;
}

/** The letters to insert, delete or replace to make one text of the other. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + Number(from[i - 1] !== to[j - 1])));
    row = next;
  }
  return row[to.length]!;
}
