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
  for (const [i, one] of sent.entries()) {
    const last = pieces.at(-1);
    if (last && last.from !== null && sources[last.from][last.at + last.count] === one) {
      last.count += 1;
      continue;
    }
    const from = (['before', 'kept'] as const).find((name) => positions[name].has(one)) ?? null;
    if (from === null) {
      if (last?.from === null) last.put.push(one);
      else pieces.push({ from, put: [one] });
      continue;
    }
    // The same position is the likely one, where a message is there several times.
    pieces.push({ from, at: sources[from][i] === one ? i : positions[from].get(one)!, count: 1 });
  }
  return pieces.map((piece) => {
    if (piece.from === null) return { put: piece.put };
    return piece.from === 'before' ? { before: [piece.at, piece.count] } : { kept: [piece.at, piece.count] };
  });
}

type Open =
  | { readonly from: null; readonly put: string[] }
  | { readonly from: 'before' | 'kept'; readonly at: number; count: number };

/** The first position of each. */
function positionsIn(all: readonly string[]): ReadonlyMap<string, number> {
  const positions = new Map<string, number>();
  for (const [at, one] of all.entries()) if (!positions.has(one)) positions.set(one, at);
  return positions;
}
