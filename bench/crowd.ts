// What many runs at once cost the worker that serves them: CPU, time and memory. Ours beside a bare Temporal loop.
import { alternate, type Loop, openStage } from './loops/stage.ts';
import { printRatio, printRow, sampleOf } from './measure.ts';

const BATCHES = 9;
const RUNS = 50;
const ASKED = { turns: 3, calls: 2, toolMs: 20 };

export async function crowd(): Promise<void> {
  const stage = await openStage();
  const cpuMs = { ours: [] as number[], bare: [] as number[] };
  const runsPerSecond = async (loop: Loop) => {
    const before = await stage.use(loop);
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: RUNS }, () => stage.run(loop, ASKED)));
    const seconds = (performance.now() - startedMs) / 1_000;
    cpuMs[loop].push(((await stage.use(loop)).cpuMs - before.cpuMs) / RUNS);
    return RUNS / seconds;
  };
  try {
    await alternate(1, runsPerSecond);
    // The first pays for compilation on all sides.
    for (const values of Object.values(cpuMs)) values.length = 0;
    const { ours, bare } = await alternate(BATCHES, runsPerSecond);
    const what = `${RUNS} runs at once, ${ASKED.turns} turns × ${ASKED.calls} tools of ${ASKED.toolMs} ms`;
    console.log(what);
    printRow({ what: '  worker CPU a run', sample: sampleOf(cpuMs.ours), unit: 'ms', digits: 1 });
    printRow({ what: '    a bare Temporal loop', sample: sampleOf(cpuMs.bare), unit: 'ms', digits: 1 });
    printRatio({ what: '    ratio', of: cpuMs.ours, to: cpuMs.bare, target: { at: 'most', value: 1.1 } });
    printRow({ what: '  throughput', sample: sampleOf(ours), unit: 'runs/s', digits: 1 });
    printRow({ what: '    a bare Temporal loop', sample: sampleOf(bare), unit: 'runs/s', digits: 1 });
    printRatio({ what: '    ratio', of: ours, to: bare, target: { at: 'least', value: 1 } });
    for (const loop of ['ours', 'bare'] as const)
      printRow({
        what: loop === 'ours' ? '  worker memory, its peak' : '    a bare Temporal loop',
        sample: sampleOf([(await stage.use(loop)).peakMb]),
        unit: 'MB',
        ...(loop === 'ours' && { target: { at: 'most', value: 350 } }),
      });
  } finally {
    await stage.close();
  }
}
