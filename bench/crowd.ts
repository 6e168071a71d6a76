// The cost of many concurrent runs for their worker: CPU, time and memory. Ours beside a bare Temporal loop.
import { alternate, type Loop, openStage } from './loops/stage.ts';
import { printPair, printRow, sampleOf } from './measure.ts';

const BATCHES = 9;
const RUNS = 50;
const ASKED = { turns: 3, calls: 2, toolMs: 20 };
const PEAK_MB_MAX = 350;

export async function crowd(): Promise<void> {
  const stage = await openStage();
  const runAll = async (loop: Loop) => {
    const before = await stage.use(loop);
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: RUNS }, () => stage.run(loop, ASKED)));
    const seconds = (performance.now() - startedMs) / 1_000;
    const after = await stage.use(loop);
    return { cpuMs: (after.cpuMs - before.cpuMs) / RUNS, runsPerSecond: RUNS / seconds };
  };
  try {
    // Warm-up: the first runs pay for compilation everywhere.
    await alternate(1, runAll);
    const { cpuMs, runsPerSecond } = await alternate(BATCHES, runAll);
    console.log(`${RUNS} runs at once, ${ASKED.turns} turns × ${ASKED.calls} tools of ${ASKED.toolMs} ms`);
    const target = { at: 'most', value: 1.1 } as const;
    printPair({ what: 'worker CPU a run', pair: cpuMs, unit: 'ms', digits: 1, target });
    printPair({
      what: 'throughput',
      pair: runsPerSecond,
      unit: 'runs/s',
      digits: 1,
      target: { at: 'least', value: 1 },
    });
    const peak = async (loop: Loop) => sampleOf([(await stage.use(loop)).peakMb]);
    const most = { at: 'most', value: PEAK_MB_MAX } as const;
    printRow({ what: 'worker memory, its peak', sample: await peak('ours'), unit: 'MB', target: most });
    printRow({ what: '  a bare Temporal loop', sample: await peak('bare'), unit: 'MB' });
  } finally {
    await stage.close();
  }
}
