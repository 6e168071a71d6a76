// What runs need is away under many of them: the model's provider, in each of the ways in which one is, and the payload store. Every
// run waits, and is exact.
import { setTimeout as sleep } from 'node:timers/promises';
import { playCrowd } from '../ground/crowd.ts';
import { addTally, newTally, rowsOf, type Tally } from '../ground/exact.ts';
import { type Lane, openLane } from '../ground/lane.ts';
import { type Door, OUTAGES, type OutageKind, openDoor } from '../ground/outage.ts';
import { type Stage, withStage } from '../ground/stage.ts';
import { makeStore } from '../ground/store.ts';
import type { Row, SectionOnSite } from '../section.ts';

const LENGTH_S = { short: 40, long: 600 };
const RUNS = 30;
const AT_ONCE = 10;

export const outages: SectionOnSite = ({ seed, long, say }, site) =>
  withStage(site, async (stage) => {
    const outage: Outage = { seconds: long ? LENGTH_S.long : LENGTH_S.short, seed };
    const all = await Promise.all([
      ...OUTAGES.map((kind) => modelIsAway(stage, kind, outage)),
      storeIsAway(stage, outage),
    ]);
    say(`${all.length} outages of ${outage.seconds} s`);
    const tally = newTally();
    for (const { tally: one } of all) addTally(tally, one);
    return {
      name: 'outages',
      title: 'Outages of the model and the payload store',
      rows: [...all.map(({ row }) => row), ...rowsOf(tally, seed), stage.invalidRequests()],
      figures: { seconds: outage.seconds, ...tally },
    };
  });

interface Outage {
  readonly seconds: number;
  readonly seed: number;
}

interface Survived {
  readonly row: Row;
  readonly tally: Tally;
}

async function modelIsAway(stage: Stage, kind: OutageKind, outage: Outage): Promise<Survived> {
  const door = await openDoor(stage.model.baseURL, kind);
  const lane = await openLane({ ...stage.lane, modelURL: door.url, workers: 1, cached: true });
  try {
    const { tally, waited } = await under(stage, lane, `outages-${kind}`, outage, { shut: door.shut, open: door.open });
    return { tally, row: modelRow(kind, outage, waited, door) };
  } finally {
    await lane.close();
    await door.close();
  }
}

function modelRow(kind: OutageKind, { seconds }: Outage, waited: number, { turnedAway }: Door): Row {
  return {
    what: `runs that waited ${seconds} s for a model that was away: ${kind}`,
    asked: 'at least 10',
    measured: `${waited}${kind === 'refused' ? '' : `, with ${turnedAway} requests turned away`}`,
    reached: waited >= AT_ONCE && (kind === 'refused' || turnedAway > 0),
  };
}

/** Without the cache, so that each workflow task has to read from the store. */
async function storeIsAway(stage: Stage, outage: Outage): Promise<Survived> {
  const store = await makeStore();
  const lane = await openLane({ ...stage.lane, payloads: store.settings, workers: 1, cached: false });
  try {
    const { tally, waited } = await under(stage, lane, 'outages-store', outage, {
      shut: store.goAway,
      open: store.comeBack,
    });
    return {
      tally,
      row: {
        what: `runs that waited ${outage.seconds} s for payloads in a store that was away`,
        asked: 'at least 1',
        measured: `${waited}; ${RUNS - waited} others did without it`,
        reached: waited > 0,
      },
    };
  } finally {
    await lane.close();
    store.remove();
  }
}

interface Shutter {
  shut(): Promise<void>;
  open(): Promise<void>;
}

/** Plays a crowd through the outage, and counts the runs that ended after it. */
async function under(stage: Stage, lane: Lane, name: string, { seconds, seed }: Outage, { shut, open }: Shutter) {
  const begins = Promise.withResolvers<void>();
  let endedMeanwhile = 0;
  let isShut = false;
  const tally = await playCrowd(stage, lane, {
    name,
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
      await shut();
      isShut = true;
      await sleep(seconds * 1_000);
      isShut = false;
      await open();
    },
  });
  return { tally, waited: RUNS - endedMeanwhile };
}
