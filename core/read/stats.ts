// Many runs in numbers: how they ended, what they cost and how long they took, by agent, model and tool, and over time.
import { addSpend, NO_SPEND } from '../usage.ts';
import { hasFailed } from './failingPath.ts';
import { type Call, endedBadly, type Run, type Turn } from './run.ts';

export interface RunStats {
  /** Number of runs that the numbers are of. */
  readonly runs: number;
  /** By status: `running`, or how they ended. */
  readonly byStatus: Readonly<Record<string, number>>;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of the runs' own model calls: sub-agents are runs of their own. 0 without prices. */
  readonly cost: number;
  /** How long the runs took that have ended, waiting included. */
  readonly duration: Times | null;
  readonly agents: readonly StatsRow[];
  /** By the model that answered. Of each, turns are counted. */
  readonly models: readonly StatsRow[];
  /** Of each, calls are counted. A tool has no tokens and no cost of its own. */
  readonly tools: readonly StatsRow[];
  /** By the day on which the runs started, in UTC. */
  readonly days: readonly StatsRow[];
  /** The same over time. */
  readonly series: StatsSeries;
  /** The question that has been open for longest; null without any. */
  readonly oldestQuestion: { readonly workflowId: string; readonly sinceMs: number } | null;
}

export interface StatsRow {
  readonly name: string;
  /** Runs of an agent or a day, turns of a model, calls of a tool. */
  readonly count: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: number;
  /** Of those that have ended. */
  readonly duration: Times | null;
  /** The runs that it is about, latest first; those with a failure before the others. At most a hundred. */
  readonly workflowIds: readonly string[];
}

/** Lengths of time that numbers are gathered in. They begin with the minute, the hour and the day in UTC. */
export const EVERY = ['minute', 'hour', 'day'] as const;
export type Every = (typeof EVERY)[number];

/** Numbers over time. A time in which nothing began has no point. */
export interface StatsSeries {
  readonly every: Every;
  /** By when the runs started. */
  readonly runs: readonly StatsPoint[];
  readonly agents: readonly StatsLine[];
  /** By when the turns began. */
  readonly models: readonly StatsLine[];
  /** By when the calls began; those that never did, by the turn. */
  readonly tools: readonly StatsLine[];
}

/** One agent, model or tool over time, in the order of the rows. */
export interface StatsLine {
  readonly name: string;
  readonly points: readonly StatsPoint[];
}

export interface StatsPoint extends Omit<StatsRow, 'name'> {
  /** When the minute, hour or day begins, in milliseconds since 1970. */
  readonly atMs: number;
}

/** In milliseconds. */
export interface Times {
  readonly median: number;
  readonly p95: number;
}

const IDS_MAX = 100;
/** There are many points. */
const POINT_IDS_MAX = 20;
const MINUTE_MS = 60_000;
export const EVERY_MS: Readonly<Record<Every, number>> = {
  minute: MINUTE_MS,
  hour: 60 * MINUTE_MS,
  day: 24 * 60 * MINUTE_MS,
};
/** Some hundred minutes or two hundred hours are a curve that can be read. A minute more, since now is later than when it was computed. */
const MINUTES_UP_TO_MS = 2 * EVERY_MS.hour + MINUTE_MS;
const HOURS_UP_TO_MS = 8 * EVERY_MS.day + MINUTE_MS;

/** Adds up what is counted under one name. */
class Row {
  readonly #name: string;
  readonly #tookMs: number[] = [];
  readonly #failedIds = new Set<string>();
  readonly #ids = new Set<string>();
  #count = 0;
  #failed = 0;
  #spend = NO_SPEND;

  constructor(name: string) {
    this.#name = name;
  }

  add(run: Run, tookMs: number | null, isFailed: boolean, spend = NO_SPEND): void {
    this.#count += 1;
    if (isFailed) this.#failed += 1;
    (isFailed ? this.#failedIds : this.#ids).add(run.workflowId);
    if (tookMs !== null) this.#tookMs.push(tookMs);
    this.#spend = addSpend(this.#spend, spend);
  }

  read(idsMax = IDS_MAX): StatsRow {
    const { inputTokens, outputTokens, cost } = this.#spend;
    const workflowIds = [...new Set([...this.#failedIds, ...this.#ids])].slice(0, idsMax);
    const [name, count, failed] = [this.#name, this.#count, this.#failed];
    return { name, count, failed, inputTokens, outputTokens, cost, duration: timesOf(this.#tookMs), workflowIds };
  }
}

/** One row for each minute, hour or day. */
class Points {
  readonly #everyMs: number;
  readonly #rows = new Map<number, Row>();

  constructor(every: Every) {
    this.#everyMs = EVERY_MS[every];
  }

  at(ms: number): Row {
    const atMs = Math.floor(ms / this.#everyMs) * this.#everyMs;
    const row = this.#rows.get(atMs) ?? new Row('');
    this.#rows.set(atMs, row);
    return row;
  }

  read(): StatsPoint[] {
    return [...this.#rows]
      .sort(([a], [b]) => a - b)
      .map(([atMs, row]) => {
        const { name, ...numbers } = row.read(POINT_IDS_MAX);
        return { atMs, ...numbers };
      });
  }
}

/** Rows, and each of them over time. */
class Lines {
  readonly #every: Every;
  readonly #rows = new Rows();
  readonly #points = new Map<string, Points>();

  constructor(every: Every) {
    this.#every = every;
  }

  add(name: string, atMs: number, ...counted: Parameters<Row['add']>): void {
    const points = this.#points.get(name) ?? new Points(this.#every);
    this.#points.set(name, points);
    this.#rows.of(name).add(...counted);
    points.at(atMs).add(...counted);
  }

  rows(): StatsRow[] {
    return this.#rows.read();
  }

  lines(): StatsLine[] {
    return this.rows().map(({ name }) => ({ name, points: this.#points.get(name)!.read() }));
  }
}

class Rows {
  readonly #rows = new Map<string, Row>();

  of(name: string): Row {
    const row = this.#rows.get(name) ?? new Row(name);
    this.#rows.set(name, row);
    return row;
  }

  /** The most frequent first. */
  read(): StatsRow[] {
    return [...this.#rows.values()]
      .map((row) => row.read())
      .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  }
}

export interface StatsOfOptions {
  /** @default what fits the time in which the runs started */
  readonly every?: Every;
}

/** Returns the numbers of these runs, which are given latest first. */
export function statsOf(runs: readonly Run[], { every = fittingEvery(runs) }: StatsOfOptions = {}): RunStats {
  const all = new Row('all');
  const days = new Rows();
  const overTime = new Points(every);
  const [agents, models, tools] = [new Lines(every), new Lines(every), new Lines(every)];
  const byStatus: Record<string, number> = {};
  let oldestQuestion: RunStats['oldestQuestion'] = null;
  for (const run of runs) {
    const { workflowId, status, startedAtMs, endedAtMs } = run;
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    const tookMs = endedAtMs === null ? null : endedAtMs - startedAtMs;
    const isFailed = endedBadly(status);
    const spend = ownSpend(run);
    const day = new Date(startedAtMs).toISOString().slice(0, 10);
    for (const row of [all, days.of(day), overTime.at(startedAtMs)]) row.add(run, tookMs, isFailed, spend);
    agents.add(run.agent, startedAtMs, run, tookMs, isFailed, spend);
    for (const turn of run.turns) {
      if (turn.model !== null)
        models.add(turn.model, turn.startedAtMs, run, answerMs(turn), turn.error !== null, turn.spend);
      for (const call of turn.calls)
        tools.add(call.tool, call.scheduledAtMs ?? turn.startedAtMs, run, callMs(call), hasFailed(call));
    }
    for (const { sinceMs } of run.questions)
      if (oldestQuestion === null || sinceMs < oldestQuestion.sinceMs) oldestQuestion = { workflowId, sinceMs };
  }
  const { count, inputTokens, outputTokens, cost, duration } = all.read();
  return {
    ...{ runs: count, byStatus, inputTokens, outputTokens, cost, duration },
    ...{ agents: agents.rows(), models: models.rows(), tools: tools.rows() },
    days: days.read().sort((a, b) => (a.name < b.name ? -1 : 1)),
    series: {
      ...{ every, runs: overTime.read() },
      ...{ agents: agents.lines(), models: models.lines(), tools: tools.lines() },
    },
    oldestQuestion,
  };
}

/** Returns the length that makes a readable curve of this time. */
export function everyFor(spanMs: number): Every {
  if (spanMs <= MINUTES_UP_TO_MS) return 'minute';
  return spanMs <= HOURS_UP_TO_MS ? 'hour' : 'day';
}

function fittingEvery(runs: readonly Run[]): Every {
  const times = runs.map(({ startedAtMs }) => startedAtMs);
  return everyFor(times.length === 0 ? 0 : Math.max(...times) - Math.min(...times));
}

function ownSpend({ turns, compactions }: Run) {
  return [...turns, ...compactions].reduce((sum, { spend }) => addSpend(sum, spend), NO_SPEND);
}

function answerMs({ startedAtMs, answeredAtMs }: Turn): number | null {
  return answeredAtMs === null ? null : answeredAtMs - startedAtMs;
}

/** With its attempts, and without the wait for an approval. */
function callMs({ scheduledAtMs, endedAtMs }: Call): number | null {
  return scheduledAtMs === null || endedAtMs === null ? null : endedAtMs - scheduledAtMs;
}

function timesOf(values: readonly number[]): Times | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)]!;
  return { median: at(0.5), p95: at(0.95) };
}
