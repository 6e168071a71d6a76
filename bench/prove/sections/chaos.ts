// The server's database, and the server itself, go down and come back under many runs.
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../../../test/support/people.ts';
import { playCrowd } from '../ground/crowd.ts';
import { atLeast, rowsOf } from '../ground/exact.ts';
import { openLane } from '../ground/lane.ts';
import { withStage } from '../ground/stage.ts';
import type { Row, SectionOnSite, SectionResult } from '../section.ts';

const RUNS = { short: 40, long: 1_000 };
const SERVER_KILLS = { short: 2, long: 20 };
const DATABASE_STOPS_MIN = { short: 2, long: 10 };
const WORKERS = 2;
const AT_ONCE = { short: 20, long: 100 };
/** How long the database stays up, and at most stays down. */
const EVERY_MS = [5_000, 10_000] as const;
const DOWN_MS_MAX = 2_000;
/** Time between two kills of the server, and the number of runs that must end in it, so that each kill hits a busy server. */
const SERVER_UP_MS = [2_000, 6_000] as const;
const RUNS_BETWEEN = { short: 10, long: 25 };
const LOOK_MS = 50;

export const databaseChaos: SectionOnSite = async (options, site) => {
  const { crashDatabase } = site;
  if (!crashDatabase) throw new Error('The dev server has no database of its own to stop. Run it with --on topology.');
  const { seed, long } = options;
  const random = seeded(seed);
  let stops = 0;
  const stopsMin = long ? DATABASE_STOPS_MIN.long : DATABASE_STOPS_MIN.short;
  return chaos(options, site, {
    name: 'databaseChaos',
    title: 'The database stops',
    runs: long ? RUNS.long : RUNS.short,
    async step() {
      await sleep(between(random, EVERY_MS));
      await crashDatabase(random() * DOWN_MS_MAX);
      stops += 1;
    },
    isEnough: () => stops >= stopsMin,
    rows: () => [atLeast('stops of PostgreSQL (immediate), every 5 to 10 s, each for up to 2 s', stopsMin, stops)],
    figures: () => ({ stops }),
  });
};

export const serverChaos: SectionOnSite = async (options, site) => {
  const { seed, long } = options;
  const random = seeded(seed);
  const killsMin = long ? SERVER_KILLS.long : SERVER_KILLS.short;
  let kills = 0;
  return chaos(options, site, {
    name: 'serverChaos',
    title: 'The server is killed',
    runs: long ? RUNS.long : RUNS.short,
    async step(until, ended) {
      const due = ended() + (long ? RUNS_BETWEEN.long : RUNS_BETWEEN.short);
      await sleep(between(random, SERVER_UP_MS));
      while (ended() < due && !until.aborted) await sleep(LOOK_MS);
      if (until.aborted) return;
      await site.crashServer();
      kills += 1;
    },
    isEnough: () => kills >= killsMin,
    rows: () => [atLeast('SIGKILL of the server, and a start on the same data', killsMin, kills)],
    figures: () => ({ kills }),
  });
};

interface Disaster extends Pick<SectionResult, 'name' | 'title'> {
  readonly runs: number;
  /** Disturbs once more; `ended` returns the number of ended runs. */
  step(until: AbortSignal, ended: () => number): Promise<void>;
  /** Whether there were enough disturbances; until then, more runs start. */
  isEnough(): boolean;
  rows(): Row[];
  figures(): object;
}

const chaos = (
  { seed, long, say }: Parameters<SectionOnSite>[0],
  site: Parameters<SectionOnSite>[1],
  disaster: Disaster,
): Promise<SectionResult> =>
  withStage(site, async (stage) => {
    const lane = await openLane({ ...stage.lane, workers: WORKERS, cached: true });
    let ended = 0;
    try {
      const tally = await playCrowd(stage, lane, {
        name: disaster.name,
        runs: disaster.runs,
        more: () => !disaster.isEnough(),
        atOnce: long ? AT_ONCE.long : AT_ONCE.short,
        seed,
        ended(count) {
          ended = count;
          if (count % 100 === 0) say(`${count} runs`);
        },
        async disturb(until) {
          while (!until.aborted) await disaster.step(until, () => ended);
        },
      });
      return {
        name: disaster.name,
        title: disaster.title,
        rows: [...disaster.rows(), ...rowsOf(tally, seed), stage.invalidRequests()],
        figures: { ...disaster.figures(), ...tally },
      };
    } finally {
      await lane.close();
    }
  });

function between(random: () => number, [min, max]: readonly [number, number]): number {
  return min + random() * (max - min);
}
