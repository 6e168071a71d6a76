// Strikes a worker at each of the points, once per seed: kills, freezes or blocks it. Compares the run with the same run
// undisturbed.
import { setTimeout as sleep } from 'node:timers/promises';
import { keepEvidence } from '../ground/evidence.ts';
import { atLeast, judge, newTally, problem, rowsOf, type Tally } from '../ground/exact.ts';
import { makeFolder } from '../ground/folder.ts';
import { type Lane, type LaneOptions, openLane } from '../ground/lane.ts';
import { type Moments, openMoments } from '../ground/moments.ts';
import { play } from '../ground/play.ts';
import { type Case, drawFrom, POINTS, type Point } from '../ground/points.ts';
import { type Stage, withStage } from '../ground/stage.ts';
import type { SectionOnSite } from '../section.ts';

const SEEDS = { short: 1, long: 25 };
/** Parallel queues of each kind: most of a case is waiting for the server to notice that its worker is gone. */
const LANES = { short: 2, long: 3 };

const LOOK_MS = 20;

/** Also drawn from the seed: the number of workers, and whether they cache workflows. */
const KINDS = [
  { workers: 1, cached: true },
  { workers: 2, cached: false },
  { workers: 2, cached: true },
  { workers: 1, cached: false },
] as const;

type Kind = Pick<LaneOptions, 'workers' | 'cached'>;

interface Job {
  readonly point: Point;
  readonly id: string;
  readonly seed: number;
}

interface Counted {
  /** By point: number of cases, and of those in which no worker died there. */
  readonly points: Map<string, { cases: number; missed: number }>;
  readonly tally: Tally;
}

export const crashGrid: SectionOnSite = async ({ seed, long, say }, site) =>
  withStage(site, async (stage) => {
    const seeds = long ? SEEDS.long : SEEDS.short;
    const lanes = long ? LANES.long : LANES.short;
    const { points, tally } = await playGrid(stage, { seed, seeds, lanes, say, points: POINTS, kinds: KINDS });
    const kills = [...points.values()].map(({ cases, missed }) => cases - missed);
    return {
      name: 'crashGrid',
      title: 'Crash grid',
      rows: [
        atLeast('points at which a worker was struck', 16, kills.filter((count) => count > 0).length),
        ...[...points].map(([name, { cases, missed }]) => ({
          what: `struck: ${name}`,
          asked: String(cases),
          measured: String(cases - missed),
          reached: missed === 0,
        })),
        ...rowsOf(tally, seed),
        stage.invalidRequests(),
      ],
      figures: { points: Object.fromEntries(points), ...tally },
    };
  });

interface Grid {
  readonly points: readonly Point[];
  readonly kinds: readonly Kind[];
  readonly seed: number;
  readonly seeds: number;
  /** By kind. */
  readonly lanes: number;
  readonly say: (text: string) => void;
}

export async function playGrid(stage: Stage, { points, kinds, seed, seeds, lanes, say }: Grid): Promise<Counted> {
  const folder = await makeFolder('moments');
  const moments = openMoments(folder.path);
  const counted: Counted = {
    points: new Map(points.map(({ name }) => [name, { cases: 0, missed: 0 }])),
    tally: newTally(),
  };
  const all = jobsOf(points, seed, seeds, kinds.length);
  let done = 0;

  async function playLane(kind: Kind, jobs: Job[]): Promise<void> {
    const lane = await openLane({ ...stage.lane, ...kind, moments: folder.path });
    try {
      for (let job = jobs.shift(); job; job = jobs.shift()) {
        await playCase(stage, lane, moments, counted, job);
        done += 1;
        if (done % points.length === 0) say(`${done} of ${all.length} cases`);
      }
    } finally {
      await lane.close();
    }
  }

  try {
    await Promise.all(
      kinds.flatMap((kind, k) => {
        const jobs = all.filter((_, i) => i % kinds.length === k);
        return Array.from({ length: lanes }, () => playLane(kind, jobs));
      }),
    );
  } finally {
    folder.remove();
  }
  return counted;
}

/** Mixes points and kinds, so that no lane has all the slow cases. */
function jobsOf(points: readonly Point[], seed: number, seeds: number, kinds: number): Job[] {
  return Array.from({ length: seeds }, (_, s) =>
    points.map((point, p): Job => ({ point, id: `p${p + 1}-s${seed + s}`, seed: (seed + s) * 1_000 + p })),
  ).flatMap((round, s) => [...round.slice(s % kinds), ...round.slice(0, s % kinds)]);
}

async function playCase(
  { ledger }: Stage,
  lane: Lane,
  moments: Moments,
  { points, tally }: Counted,
  { point, id, seed }: Job,
): Promise<void> {
  const drawn = point.draw(drawFrom(id, seed));
  const count = points.get(point.name)!;
  count.cases += 1;
  try {
    await lane.whole();
    const { disturbed, died, frozen } = await disturb(lane, moments, drawn, id);
    if (!died) count.missed += 1;
    // Another run with the same input, and after the first, since only the first request gets the 429.
    const undisturbed = await play(lane.holdfast, `${id}-calm`, drawn);
    // Until here it was awake again, and could finish what it had begun.
    if (frozen !== undefined) await lane.dismiss(frozen);
    if (!(await judge(tally, disturbed, undisturbed, ledger.effects))) await keepEvidence(lane.holdfast, id);
  } catch (error) {
    await keepEvidence(lane.holdfast, id);
    problem(tally, 'lost', `${point.name}, ${id}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Plays the case and strikes at its point; `died` says whether a worker was struck there, `frozen` which one is awake again. */
async function disturb(lane: Lane, moments: Moments, { dies, ...drawn }: Case, id: string) {
  const { holdfast } = lane;
  if ('moment' in dies) {
    const { moment, child, blow = 'killed' } = dies;
    const target = child === undefined ? id : `${id}.${child}`;
    moments.arm(target, moment, blow);
    const playing = play(holdfast, id, drawn);
    if (blow !== 'frozen') {
      const disturbed = await playing;
      const death = moments.death(target);
      // Another worker may have ended the run before the news of the death is here.
      return { disturbed, died: death !== null && (blow === 'blocked' || (await lane.gone(death.pid))) };
    }
    const death = await moments.untilDeath(target, playing);
    if (death) await lane.relieve(death.pid);
    const disturbed = await playing;
    if (death) process.kill(death.pid, 'SIGCONT');
    return { disturbed, died: death !== null, frozen: death?.pid };
  }
  if (dies.before === 'start') {
    let playing: ReturnType<typeof play> | undefined;
    let isUntouched = false;
    await lane.without(async () => {
      playing = play(holdfast, id, drawn);
      // Avoids an unhandled rejection before it is awaited below.
      playing.catch(() => undefined);
      isUntouched = await stillWaits(lane, id);
    });
    return { disturbed: await playing!, died: isUntouched };
  }
  let died = false;
  const disturbed = await play(holdfast, id, drawn, async ({ act }, handle) => {
    if (act !== dies.before || died) return;
    await lane.without(async () => {
      const { status, questions } = await handle.read();
      died = status === 'running' && (act === 'say' || questions.length > 0);
    });
  });
  return { disturbed, died };
}

/** Resolves when the run exists, with whether no worker has done anything for it yet. */
async function stillWaits({ holdfast }: Lane, id: string): Promise<boolean> {
  const handle = holdfast.get(id);
  for (;;) {
    try {
      const { events = [] } = await handle.history();
      return !events?.some((event) => event.workflowTaskCompletedEventAttributes);
    } catch {
      await sleep(LOOK_MS);
    }
  }
}
