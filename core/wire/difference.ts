// What was sent, as pieces of what could be expected.

export type Piece =
  /** Of what was expected: a position and a count. */
  | { readonly kept: readonly [number, number] }
  /** Of the request before. */
  | { readonly before: readonly [number, number] }
  /** Of neither. */
  | { readonly put: readonly string[] };

/** Returns pieces that make `sent`, one after another. One pass: messages are rarely moved, and more pieces are not wrong. */
export function difference(
  sent: readonly string[],
  expected: readonly string[],
  before: readonly string[] = [],
): readonly Piece[] {
  const sources = { before, kept: expected };
  const positions = { before: positionsIn(before), kept: positionsIn(expected) };
  const pieces: Open[] = [];
  /** Where the last piece of each ended: what follows is the likely one, where a text is there several times. */
  const ends = { before: 0, kept: 0 };
  for (const one of sent) {
    const last = pieces.at(-1);
    if (last && last.from !== null && sources[last.from][last.at + last.count] === one) {
      last.count += 1;
      ends[last.from] = last.at + last.count;
      continue;
    }
    const from = (['before', 'kept'] as const).find((name) => positions[name].has(one)) ?? null;
    if (from === null) {
      if (last?.from === null) last.put.push(one);
      else pieces.push({ from, put: [one] });
      continue;
    }
    const at = nextFrom(positions[from].get(one)!, ends[from]);
    pieces.push({ from, at, count: 1 });
    ends[from] = at + 1;
  }
  return pieces.map((piece) => {
    if (piece.from === null) return { put: piece.put };
    return piece.from === 'before' ? { before: [piece.at, piece.count] } : { kept: [piece.at, piece.count] };
  });
}

type Open =
  | { readonly from: null; readonly put: string[] }
  | { readonly from: 'before' | 'kept'; readonly at: number; count: number };

/** The positions of each, in order. */
function positionsIn(all: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const positions = new Map<string, number[]>();
  for (const [at, one] of all.entries()) {
    const known = positions.get(one);
    if (known) known.push(at);
    else positions.set(one, [at]);
  }
  return positions;
}

/** The first position that is not before `end`; if there is none, the first of all. */
function nextFrom(positions: readonly number[], end: number): number {
  let [from, to] = [0, positions.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (positions[middle]! < end) from = middle + 1;
    else to = middle;
  }
  return positions[from] ?? positions[0]!;
}

/** A text in parts: ranges of another one, as a position and a count, and what is between them. */
export type TextPart = string | readonly [number, number];

/** Returns parts that make `text` of `other`; compared word by word. */
export function textParts(text: string, other: string): readonly TextPart[] {
  const words = wordsIn(other);
  const starts = [0];
  for (const word of words) starts.push(starts.at(-1)! + word.length);
  return difference(wordsIn(text), words).flatMap((piece): TextPart[] => {
    if ('put' in piece) return [piece.put.join('')];
    if (!('kept' in piece)) return [];
    const [at, count] = piece.kept;
    return [[starts[at]!, starts[at + count]! - starts[at]!]];
  });
}

export function joinParts(parts: readonly TextPart[], other: string): string {
  return parts.map((part) => (typeof part === 'string' ? part : other.slice(part[0], part[0] + part[1]))).join('');
}

/** Words, and each other character as often as it follows itself: the results of tools are often JSON without spaces. */
function wordsIn(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}]+|(.)\1*/gsu) ?? [];
}
