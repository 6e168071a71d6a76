// Many concurrent runs on a few workers, while something disturbs what they run on; and whether each of them is exact.
import { keepEvidence } from './evidence.ts';
import { judge, newTally, problem, type Tally } from './exact.ts';
import type { Lane } from './lane.ts';
import type { Plan, Step } from './plan.ts';
import { type Played, play } from './play.ts';
import { drawFrom } from './points.ts';
import type { Stage } from './stage.ts';

/** Runs of one shape send the model the same: one undisturbed run of each is the reference for all of them. */
const SHAPES = 10;

export interface Crowd {
  /** Name of the section, from which its runs are named. */
  readonly name: string;
  /** Minimum number of runs. */
  readonly runs: number;
  /** Whether more runs must follow. */
  more?(): boolean;
  /** Number of concurrent runs. */
  readonly atOnce: number;
  readonly seed: number;
  /** Called when a run has ended, with the number of ended runs; not awaited. */
  ended?(count: number): void;
  /** The disturbance, which lasts until the last run has ended. */
  disturb?(until: AbortSignal): Promise<void>;
}

export async function playCrowd({ ledger }: Stage, lane: Lane, crowd: Crowd): Promise<Tally> {
  const tally = newTally();
  const plans = Array.from({ length: SHAPES }, (_, i) => shape(crowd.seed + i, i));
  const undisturbed: Played[] = [];
  for (const [i, plan] of plans.entries())
    undisturbed.push(await play(lane.holdfast, `${crowd.name}-calm-${i}`, { agent: 'prover', plan }));

  const over = new AbortController();
  const disturbing = crowd.disturb?.(over.signal);
  let next = 0;
  let count = 0;
  const player = async () => {
    for (let i = next++; i < crowd.runs || crowd.more?.(); i = next++) {
      const id = `${crowd.name}-${i}`;
      try {
        const played = await play(lane.holdfast, id, { agent: 'prover', plan: plans[i % SHAPES]! });
        const isExact = await judge(tally, played, undisturbed[i % SHAPES]!, ledger.effects);
        if (!isExact) await keepEvidence(lane.holdfast, id);
      } catch (error) {
        await keepEvidence(lane.holdfast, id);
        problem(tally, 'lost', `${id}: ${error instanceof Error ? error.message : error}`);
      }
      crowd.ended?.(++count);
    }
  };
  try {
    await Promise.all(Array.from({ length: crowd.atOnce }, player));
  } finally {
    over.abort();
  }
  await disturbing;
  return tally;
}

/** Two to four turns of one to four calls. */
function shape(seed: number, i: number): Plan {
  const { between, oneOf } = drawFrom(`shape-${i}`, seed);
  const id = `shape-${i}`;
  const step = (name: string): Step => ({
    tool: oneOf(['look', 'book', 'book', 'send'] as const),
    name,
    ms: between(0, 200),
    bytes: oneOf([0, 100, 2_000]),
  });
  return {
    id,
    turns: Array.from({ length: between(2, 4) }, (_, turn) =>
      Array.from({ length: between(1, 4) }, (_, slot) => step(`${id}-${turn + 1}-${slot}`)),
    ),
  };
}
