// The effect of each setting of the real topology: PostgreSQL and the multi-service server, restarted for each variant of the
// files in worker/topology/, with the loop of overhead.ts.
import { startTopology, type TopologyOptions } from '../worker/topology/topology.ts';
import { loop, openGround } from './ground.ts';
import { runInProcess } from './inProcess.ts';
import { type Sample, sampleOf } from './measure.ts';

const RUNS = 7;
const CROWDS = 3;
const TURNS = 10;
const AT_ONCE = 50;

const POLLS = ['history.transferProcessorMaxPollRPS', 'history.timerProcessorMaxPollRPS'] as const;
const polls = (rps: number) => Object.fromEntries(POLLS.map((name) => [name, rps]));
const partitions = (count: number) => ({
  'matching.numTaskqueueReadPartitions': count,
  'matching.numTaskqueueWritePartitions': count,
});
const connections = (count: number) => ({ SQL_MAX_CONNS: String(count), SQL_MAX_IDLE_CONNS: String(count) });

const VARIANTS: readonly (readonly [string, NonNullable<TopologyOptions['settings']>])[] = [
  ['polls of the queues: 20 a second (the default)', { dynamic: polls(20) }],
  ['4 shards, and polls of 20 (the template’s defaults)', { server: { NUM_HISTORY_SHARDS: '4' }, dynamic: polls(20) }],
  ['4 shards', { server: { NUM_HISTORY_SHARDS: '4' } }],
  ['16 shards', { server: { NUM_HISTORY_SHARDS: '16' } }],
  ['512 shards', { server: { NUM_HISTORY_SHARDS: '512' } }],
  ['no eager activities (the default)', { dynamic: { 'system.enableActivityEagerExecution': false } }],
  ['4 partitions of a queue (the default)', { dynamic: partitions(4) }],
  ['driver lib/pq (DB=postgres12)', { server: { DB: 'postgres12' } }],
  ['5 connections a service', { server: connections(5) }],
  ['45 connections a service', { server: connections(45) }],
  ['synchronous_commit=off', { postgres: { synchronous_commit: 'off' } }],
  ['the same once more: what differs here is noise', {}],
];

interface Site {
  /** Time of a turn beyond the same loop in-process. */
  overheadMs(): Promise<number>;
  runsPerSecond(): Promise<number>;
  close(): Promise<void>;
}

export async function topology(): Promise<void> {
  // One with the unchanged files runs all the time and alternates with each variant, so that a busy machine affects both.
  const files = await openSite({});
  try {
    for (const [what, settings] of VARIANTS) {
      const variant = await openSite(settings);
      try {
        await compare(what, variant, files);
      } finally {
        await variant.close();
      }
    }
  } finally {
    await files.close();
  }
}

async function compare(what: string, variant: Site, files: Site): Promise<void> {
  const overheadMs: [number[], number[]] = [[], []];
  for (let i = 0; i < RUNS; i++) {
    overheadMs[0].push(await variant.overheadMs());
    overheadMs[1].push(await files.overheadMs());
  }
  const runsPerSecond: [number[], number[]] = [[], []];
  for (let i = 0; i < CROWDS; i++) {
    runsPerSecond[0].push(await variant.runsPerSecond());
    runsPerSecond[1].push(await files.runsPerSecond());
  }
  console.log(what);
  console.log(`  overhead a turn   ${told(overheadMs, 'ms')}`);
  console.log(`  ${AT_ONCE} runs at once   ${told(runsPerSecond, 'runs/s')}`);
}

function told([variant, files]: readonly [readonly number[], readonly number[]], unit: string): string {
  const [mine, theirs] = [sampleOf(variant), sampleOf(files)];
  const show = ({ median, min, max }: Sample) => `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`;
  const ratio = (mine.median / theirs.median).toFixed(2);
  return `${show(mine)} ${unit}, the files at the same time ${show(theirs)}: ${ratio}×, n=${mine.runs}`;
}

async function openSite(settings: NonNullable<TopologyOptions['settings']>): Promise<Site> {
  const turns = loop(
    'turns',
    TURNS,
    Array.from({ length: 4 }, () => ({ ms: 20 })),
  );
  const crowd = loop('crowd', 3, [{ ms: 20 }, { ms: 20 }], { modelMs: 50 });
  const server = await startTopology({ workers: 0, settings });
  const ground = await openGround(
    [turns.agent, crowd.agent],
    { turns: turns.script, crowd: crowd.script },
    { at: server.address },
  );
  const site: Site = {
    async overheadMs() {
      const startedMs = performance.now();
      await runInProcess(ground.endpoint, turns.agent, 'Go.');
      const floorMs = performance.now() - startedMs;
      return ((await ground.runMs(turns.agent)).ms - floorMs) / TURNS;
    },
    async runsPerSecond() {
      const startedMs = performance.now();
      await Promise.all(Array.from({ length: AT_ONCE }, () => ground.runMs(crowd.agent)));
      return AT_ONCE / ((performance.now() - startedMs) / 1_000);
    },
    async close() {
      await ground.close();
      await server.stop();
    },
  };
  // Warm-up: the first runs pay for compilation everywhere, and for the server's caches.
  for (let i = 0; i < 3; i++) await site.overheadMs();
  await site.runsPerSecond();
  return site;
}
