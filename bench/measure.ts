// Numbers as they should be told: medians with their spread, from repeated measurements.

export interface Sample {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

export async function repeat(runs: number, measure: (i: number) => Promise<number>): Promise<Sample> {
  const values: number[] = [];
  for (let i = 0; i < runs; i++) values.push(await measure(i));
  return sampleOf(values);
}

export function sampleOf(values: readonly number[]): Sample {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    runs: sorted.length,
  };
}

export interface Row {
  readonly what: string;
  readonly sample: Sample;
  readonly unit: string;
  readonly digits?: number;
  /** `≤ 25` or `≥ 20`; no target where it is there for comparison. */
  readonly target?: { readonly at: 'most' | 'least'; readonly value: number };
}

export function printRow({ what, sample, unit, digits = 0, target }: Row): void {
  const show = (n: number) => n.toFixed(digits);
  const { median, min, max, runs } = sample;
  const met =
    target && Number.isFinite(median) && (target.at === 'most' ? median <= target.value : median >= target.value);
  const goal = target
    ? `  ${target.at === 'most' ? '≤' : '≥'} ${show(target.value)} ${met ? 'reached' : 'NOT reached'}`
    : '';
  console.log(
    `${what.padEnd(58)} ${show(median).padStart(7)} ${unit.padEnd(7)} (${show(min)}–${show(max)}, n=${runs})${goal}`,
  );
}

export interface Ratio extends Pick<Row, 'what' | 'target'> {
  readonly of: readonly number[];
  readonly to: readonly number[];
}

/** The ratio of the medians, with the spread of the ratios of what was measured side by side. */
export function printRatio({ what, of, to, target }: Ratio): void {
  const pairs = sampleOf(of.map((value, i) => value / to[i]!));
  const sample = { ...pairs, median: sampleOf(of).median / sampleOf(to).median };
  printRow({ what, sample, unit: '×', digits: 2, ...(target && { target }) });
}
