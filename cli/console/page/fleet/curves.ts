// From the numbers over time that the server has to the curves that are drawn: one value for each time, in which nothing is nothing.
import type { Every, StatsPoint, StatsSeries } from '../../../../client/index.ts';
import { EVERY_MS } from '../../../../core/read/stats.ts';

export const BY = ['', 'agent', 'model', 'tool'] as const;
/** '' for all runs together. */
export type By = (typeof BY)[number];

export interface Curves {
  readonly every: Every;
  readonly times: readonly number[];
  /** The most frequent ones. */
  readonly lines: readonly CurveLine[];
  /** Number of those that are not drawn. */
  readonly omitted: number;
}

export interface CurveLine {
  readonly name: string;
  /** For each of the times; null where nothing began. */
  readonly points: readonly (StatsPoint | null)[];
}

/** More lines cannot be told apart by their colours. */
export const LINES_MAX = 6;
/** Histories may have times that are far off. */
const TIMES_MAX = 1_000;

export function curvesOf(series: StatsSeries, by: By, fromMs: number, toMs: number): Curves {
  const { every } = series;
  const all = linesBy(series, by);
  const drawn = all.slice(0, LINES_MAX);
  const atMs = drawn.flatMap(({ points }) => points.map((point) => point.atMs));
  const everyMs = EVERY_MS[every];
  const first = Math.floor(Math.min(fromMs, ...atMs) / everyMs);
  const last = Math.floor(Math.max(toMs, ...atMs) / everyMs);
  const count = Math.min(TIMES_MAX, last - first + 1);
  const times = Array.from({ length: count }, (_, at) => (last - count + 1 + at) * everyMs);
  const lines = drawn.map(({ name, points }) => {
    const byTime = new Map(points.map((point) => [point.atMs, point]));
    return { name, points: times.map((time) => byTime.get(time) ?? null) };
  });
  return { every, times, lines, omitted: all.length - drawn.length };
}

function linesBy({ runs, agents, models, tools }: StatsSeries, by: By) {
  if (by === '') return [{ name: 'All runs', points: runs }];
  return { agent: agents, model: models, tool: tools }[by];
}

export interface Metric {
  readonly name: string;
  /** null where there is none: a time without runs has no duration. */
  of(point: StatsPoint | null): number | null;
  text(value: number): string;
}

const whole = (value: number) => value.toLocaleString('en');

/** What is drawn of each. A tool has no tokens and no cost of its own. */
export function metricsBy(by: By): readonly Metric[] {
  const counted = { '': 'Runs', agent: 'Runs', model: 'Turns', tool: 'Calls' }[by];
  const metrics: readonly Metric[] = [
    { name: counted, of: (point) => point?.count ?? 0, text: whole },
    { name: 'Failures', of: (point) => point?.failed ?? 0, text: whole },
    { name: 'P95', of: (point) => (point?.duration ? point.duration.p95 / 1_000 : null), text: seconds },
  ];
  if (by === 'tool') return metrics;
  return [
    ...metrics,
    { name: 'Tokens', of: (point) => (point ? point.inputTokens + point.outputTokens : 0), text: whole },
    { name: 'Cost', of: (point) => point?.cost ?? 0, text: (value) => value.toFixed(4) },
  ];
}

function seconds(value: number): string {
  if (value < 120) return `${Number(value.toPrecision(3))} s`;
  return value < 7_200 ? `${Math.round(value / 60)} min` : `${Number((value / 3_600).toPrecision(3))} h`;
}

/** Minutes and hours by the person's own clock; a day is one of UTC. */
export function timeText(ms: number, every: Every): string {
  if (every === 'day') return `${new Date(ms).toISOString().slice(0, 10)} (UTC)`;
  return new Date(ms).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' });
}

/** What the axis has room for. */
export function tickText(ms: number, every: Every): string {
  const at = new Date(ms);
  if (every === 'day') return at.toISOString().slice(5, 10);
  const isMidnight = at.getHours() === 0 && at.getMinutes() === 0;
  return isMidnight ? at.toLocaleDateString('sv-SE').slice(5) : at.toLocaleTimeString('sv-SE', { timeStyle: 'short' });
}
