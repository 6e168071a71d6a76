// The model's provider is away under many runs, in each of the ways in which one is: every run waits, and is exact.
import { setTimeout as sleep } from 'node:timers/promises';
import { playCrowd } from '../ground/crowd.ts';
import { newTally, rowsOf, type Tally } from '../ground/exact.ts';
import { openLane } from '../ground/lane.ts';
import { OUTAGES, type OutageKind, openDoor } from '../ground/outage.ts';
import { type Stage, withStage } from '../ground/stage.ts';
import type { Row, SectionOnSite } from '../section.ts';

const LENGTH_S = { short: 40, long: 600 };
const RUNS = 30;
const AT_ONCE = 10;

export const outages: SectionOnSite = ({ seed, long, say }, site) =>
  withStage(site, async (stage) => {
    const seconds = long ? LENGTH_S.long : LENGTH_S.short;
    const kinds = await Promise.all(OUTAGES.map((kind) => outage(stage, kind, seconds, seed)));
    say(`${kinds.length} outages of ${seconds} s`);
    const tally = newTally();
    for (const { tally: one } of kinds) {
      for (const count of [
        'runs',
        'calls',
        'lost',
        'duplicates',
        'disordered',
        'invalid',
        'different',
        'unknown',
      ] as const)
        tally[count] += one[count];
      tally.problems.push(...one.problems);
    }
    return {
      name: 'outages',
      title: 'Outages of the model',
      rows: [...kinds.map(({ row }) => row), ...rowsOf(tally, seed), stage.invalidRequests()],
      figures: { seconds, ...tally },
    };
  });

async function outage(
  stage: Stage,
  kind: OutageKind,
  seconds: number,
  seed: number,
): Promise<{ row: Row; tally: Tally }> {
  const door = await openDoor(stage.model.baseURL, kind);
  const lane = await openLane({ ...stage.lane, modelURL: door.url, workers: 1, cached: true });
  const begins = Promise.withResolvers<void>();
  let endedMeanwhile = 0;
  let isShut = false;
  try {
    const tally = await playCrowd(stage, lane, {
      name: `outages-${kind}`,
      runs: RUNS,
      atOnce: AT_ONCE,
      seed,
      ended() {
        begins.resolve();
        if (isShut) endedMeanwhile += 1;
      },
      async disturb() {
        // While most of the first runs are under way.
        await begins.promise;
        await door.shut();
        isShut = true;
        await sleep(seconds * 1_000);
        isShut = false;
        await door.open();
      },
    });
    const waited = RUNS - endedMeanwhile;
    return {
      tally,
      row: {
        what: `runs that waited ${seconds} s for a model that was away: ${kind}`,
        asked: 'at least 10',
        measured: `${waited}${kind === 'refused' ? '' : `, with ${door.turnedAway} requests turned away`}`,
        reached: waited >= AT_ONCE && (kind === 'refused' || door.turnedAway > 0),
      },
    };
  } finally {
    await lane.close();
    await door.close();
  }
}
