// Medians with their spread, from repeated measurements.

/** As docs/operations.md recommends and the Dockerfile has it: what a task leaves behind is collected sooner. */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=4'];

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
  /** `≤ 25` or `≥ 20`; absent for a row that is only for comparison. */
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

/** The same measurement of our loop and a bare one, alternating. */
export interface PairRow extends Omit<Row, 'sample'> {
  readonly pair: { readonly ours: readonly number[]; readonly bare: readonly number[] };
}

/** Both, and the ratio of their medians, with the spread of the ratios of neighbouring measurements. */
export function printPair({ what, pair: { ours, bare }, unit, digits = 0, target }: PairRow): void {
  const indent = what.length - what.trimStart().length + 2;
  printRow({ what, sample: sampleOf(ours), unit, digits });
  printRow({ what: `${' '.repeat(indent)}a bare Temporal loop`, sample: sampleOf(bare), unit, digits });
  const ratios = sampleOf(ours.map((value, i) => value / bare[i]!));
  const sample = { ...ratios, median: sampleOf(ours).median / sampleOf(bare).median };
  printRow({ what: `${' '.repeat(indent)}ratio`, sample, unit: '×', digits: 2, ...(target && { target }) });
}
