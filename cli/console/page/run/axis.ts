// The time axis of a run: what happened is drawn in proportion, and long times in which nothing ran are made short.
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Gap extends Span {
  /** Where it is drawn, from 0 to 1. */
  readonly at: number;
}

export interface Axis {
  /** From 0 to 1. */
  place(ms: number): number;
  readonly gaps: readonly Gap[];
}

/** A time without anything is drawn in proportion up to this part of what is busy. */
const GAP_PART = 0.08;
/** What a longer one is drawn as. */
const GAP_DRAWN = 0.03;

/** `busy` are the times in which something ran; in any order, and overlapping. */
export function axisOf(whole: Span, busy: readonly Span[]): Axis {
  const merged = mergedOf(whole, busy);
  const busyMs = Math.max(
    1,
    merged.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0),
  );
  const ends: [ms: number, drawn: number][] = [[whole.fromMs, 0]];
  const long: Span[] = [];
  let [atMs, drawn] = [whole.fromMs, 0];
  const advance = (toMs: number, isBusy: boolean) => {
    const tookMs = toMs - atMs;
    const isGap = !isBusy && tookMs > busyMs * GAP_PART;
    if (isGap) long.push({ fromMs: atMs, toMs });
    drawn += isGap ? busyMs * GAP_DRAWN : tookMs;
    atMs = toMs;
    ends.push([atMs, drawn]);
  };
  for (const { fromMs, toMs } of merged) {
    if (fromMs > atMs) advance(fromMs, false);
    advance(toMs, true);
  }
  if (whole.toMs > atMs) advance(whole.toMs, false);

  function place(ms: number): number {
    if (drawn === 0) return 0;
    const next = firstAtOrAfter(ends, ms);
    if (next === ends.length) return 1;
    if (next === 0) return 0;
    const [[beforeMs, before], [afterMs, after]] = [ends[next - 1]!, ends[next]!];
    const part = afterMs === beforeMs ? 1 : (ms - beforeMs) / (afterMs - beforeMs);
    return (before + part * (after - before)) / drawn;
  }
  return { place, gaps: long.map((gap) => ({ ...gap, at: (place(gap.fromMs) + place(gap.toMs)) / 2 })) };
}

/** Of thousands of ends, each bar looks for its own twice. */
function firstAtOrAfter(ends: readonly (readonly [ms: number, drawn: number])[], ms: number): number {
  let [from, to] = [0, ends.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (ends[middle]![0] >= ms) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** The part of the axis that is shown, from 0 to 1. */
export interface View {
  readonly from: number;
  readonly to: number;
}

export const WHOLE: View = { from: 0, to: 1 };

const VIEW_MIN = 1 / 2_000;

/** Shows more or less of the axis; `at` keeps its place. A factor of 2 shows half as much. */
export function zoomed({ from, to }: View, factor: number, at: number): View {
  const width = Math.min(1, Math.max(VIEW_MIN, (to - from) / factor));
  const part = Math.min(1, Math.max(0, (at - from) / (to - from)));
  return movedTo(width, at - part * width);
}

/** Moves by a part of what is shown. */
export function panned({ from, to }: View, part: number): View {
  return movedTo(to - from, from + part * (to - from));
}

/** A view of that width, at `from` or as near to it as the axis allows. */
export function movedTo(width: number, from: number): View {
  const within = Math.min(1 - width, Math.max(0, from));
  return { from: within, to: within + width };
}

function mergedOf(whole: Span, busy: readonly Span[]): Span[] {
  const merged: { fromMs: number; toMs: number }[] = [];
  for (const span of busy.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const fromMs = Math.max(whole.fromMs, Math.min(span.fromMs, whole.toMs));
    const toMs = Math.max(fromMs, Math.min(span.toMs, whole.toMs));
    const last = merged.at(-1);
    if (last && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else merged.push({ fromMs, toMs });
  }
  return merged;
}
