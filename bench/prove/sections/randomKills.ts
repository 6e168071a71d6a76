// Workers that serve many concurrent runs die at random moments, not at points in the code that we thought of.
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../../../test/support/people.ts';
import { playCrowd } from '../ground/crowd.ts';
import { atLeast, rowsOf } from '../ground/exact.ts';
import { openLane } from '../ground/lane.ts';
import { withStage } from '../ground/stage.ts';
import type { SectionOnSite } from '../section.ts';

const SIZES = { short: { kills: 10, runs: 60 }, long: { kills: 200, runs: 2_000 } };
const WORKERS = 3;
const AT_ONCE = 30;
/** A kill comes up to this long after the run that triggers it. */
const LATER_MS = 400;

export const randomKills: SectionOnSite = ({ seed, long, say }, site) =>
  withStage(site, async (stage) => {
    const { kills, runs } = long ? SIZES.long : SIZES.short;
    const random = seeded(seed);
    const lane = await openLane({ ...stage.lane, workers: WORKERS, cached: true });
    const killing: Promise<void>[] = [];
    const due = Math.floor(runs / kills);
    let killed = 0;

    async function killOne(): Promise<void> {
      await sleep(random() * LATER_MS);
      while (lane.workers.length === 0) await lane.whole();
      const worker = lane.workers[Math.floor(random() * lane.workers.length)];
      if (!worker) return;
      await lane.kill(worker);
      killed += 1;
    }

    try {
      const tally = await playCrowd(stage, lane, {
        name: 'randomKills',
        runs,
        atOnce: AT_ONCE,
        seed,
        ended(count) {
          // The last kill comes while most of the last runs are still running.
          if (count % due === 1 % due) killing.push(killOne());
          if (count % 200 === 0) say(`${count} of ${runs} runs, ${killed} kills`);
        },
      });
      await Promise.all(killing);
      return {
        name: 'randomKills',
        title: 'Random kills',
        rows: [
          atLeast(`kills at random moments, over ${runs} runs on ${WORKERS} workers`, kills, killed),
          ...rowsOf(tally, seed),
          stage.invalidRequests(),
        ],
        figures: { kills: killed, ...tally },
      };
    } finally {
      await lane.close();
    }
  });
