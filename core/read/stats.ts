// Many runs in numbers: how they ended, what they cost and how long they took, by agent, model, tool and day.
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

/** In milliseconds. */
export interface Times {
  readonly median: number;
  readonly p95: number;
}

const IDS_MAX = 100;

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

  read(): StatsRow {
    const { inputTokens, outputTokens, cost } = this.#spend;
    const workflowIds = [...new Set([...this.#failedIds, ...this.#ids])].slice(0, IDS_MAX);
    const [name, count, failed] = [this.#name, this.#count, this.#failed];
    return { name, count, failed, inputTokens, outputTokens, cost, duration: timesOf(this.#tookMs), workflowIds };
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

/** Returns the numbers of these runs, which are given latest first. */
export function statsOf(runs: Iterable<Run>): RunStats {
  const all = new Row('all');
  const [agents, models, tools, days] = [new Rows(), new Rows(), new Rows(), new Rows()];
  const byStatus: Record<string, number> = {};
  let oldestQuestion: RunStats['oldestQuestion'] = null;
  for (const run of runs) {
    const { workflowId, status, startedAtMs, endedAtMs } = run;
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    const tookMs = endedAtMs === null ? null : endedAtMs - startedAtMs;
    const isFailed = endedBadly(status);
    const spend = ownSpend(run);
    const day = new Date(startedAtMs).toISOString().slice(0, 10);
    for (const row of [all, agents.of(run.agent), days.of(day)]) row.add(run, tookMs, isFailed, spend);
    for (const turn of run.turns) {
      if (turn.model !== null) models.of(turn.model).add(run, answerMs(turn), turn.error !== null, turn.spend);
      for (const call of turn.calls) tools.of(call.tool).add(run, callMs(call), hasFailed(call));
    }
    for (const { sinceMs } of run.questions)
      if (oldestQuestion === null || sinceMs < oldestQuestion.sinceMs) oldestQuestion = { workflowId, sinceMs };
  }
  const { count, inputTokens, outputTokens, cost, duration } = all.read();
  return {
    ...{ runs: count, byStatus, inputTokens, outputTokens, cost, duration },
    ...{ agents: agents.read(), models: models.read(), tools: tools.read() },
    days: days.read().sort((a, b) => (a.name < b.name ? -1 : 1)),
    oldestQuestion,
  };
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
