// What each setting of the real topology brings: PostgreSQL and the multi-service server, started anew for each variant of
// worker/topology/'s files, and the same loop as in overhead.ts on it.
import { startTopology, type TopologyOptions } from '../worker/topology/topology.ts';
import { loop, openGround } from './ground.ts';
import { runInProcess } from './inProcess.ts';
import { printRow, repeat, type Sample } from './measure.ts';

const RUNS = 9;
const TURNS = 10;
const AT_ONCE = 50;

const POLLS = ['history.transferProcessorMaxPollRPS', 'history.timerProcessorMaxPollRPS'] as const;
const polls = (rps: number) => Object.fromEntries(POLLS.map((name) => [name, rps]));
const partitions = (count: number) => ({
  'matching.numTaskqueueReadPartitions': count,
  'matching.numTaskqueueWritePartitions': count,
});
const connections = (count: number) => ({ SQL_MAX_CONNS: String(count), SQL_MAX_IDLE_CONNS: String(count) });

/** The first and the last are the files as they are: between them one sees how much the machine's mood has changed. */
const VARIANTS: readonly (readonly [string, NonNullable<TopologyOptions['settings']>])[] = [
  ['as in the files: 64 shards, eager, 1,000 polls, 20 connections', {}],
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
  ['as in the files, once more', {}],
];

export async function topology(): Promise<void> {
  for (const [what, settings] of VARIANTS) {
    const { overheadMs, runsPerSecond } = await measure(settings);
    printRow({ what, sample: overheadMs, unit: 'ms', digits: 1 });
    printRow({ what: `  ${AT_ONCE} runs at once`, sample: runsPerSecond, unit: 'runs/s', digits: 1 });
  }
}

async function measure(settings: TopologyOptions['settings']): Promise<{ overheadMs: Sample; runsPerSecond: Sample }> {
  const turns = loop(
    'turns',
    TURNS,
    Array.from({ length: 4 }, () => ({ ms: 20 })),
  );
  const crowd = loop('crowd', 3, [{ ms: 20 }, { ms: 20 }], { modelMs: 50 });
  const server = await startTopology({ workers: 0, ...(settings && { settings }) });
  const ground = await openGround(
    [turns.agent, crowd.agent],
    { turns: turns.script, crowd: crowd.script },
    server.address,
  );
  const inProcessMs = async () => {
    const startedMs = performance.now();
    await runInProcess(ground.endpoint, turns.agent, 'Go.');
    return performance.now() - startedMs;
  };
  const crowdRunsPerSecond = async () => {
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, () => ground.runMs(crowd.agent)));
    return AT_ONCE / ((performance.now() - startedMs) / 1_000);
  };
  try {
    // Warm: the first runs pay for compilation on all sides, and for the server's caches.
    for (let i = 0; i < 4; i++) await ground.runMs(turns.agent);
    await inProcessMs();
    // The two take turns, so that a busy neighbour meets both.
    const overheadMs = await repeat(RUNS, async () => {
      const floorMs = await inProcessMs();
      return ((await ground.runMs(turns.agent)).ms - floorMs) / TURNS;
    });
    await crowdRunsPerSecond();
    return { overheadMs, runsPerSecond: await repeat(3, crowdRunsPerSecond) };
  } finally {
    await ground.close();
    await server.stop();
  }
}
