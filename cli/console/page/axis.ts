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
    const next = ends.findIndex(([end]) => end >= ms);
    if (next < 0) return 1;
    if (next === 0) return 0;
    const [[beforeMs, before], [afterMs, after]] = [ends[next - 1]!, ends[next]!];
    const part = afterMs === beforeMs ? 1 : (ms - beforeMs) / (afterMs - beforeMs);
    return (before + part * (after - before)) / drawn;
  }
  return { place, gaps: long.map((gap) => ({ ...gap, at: (place(gap.fromMs) + place(gap.toMs)) / 2 })) };
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
