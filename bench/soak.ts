// What a worker has in memory after many small runs, one after another on ten tracks. Ours beside a bare Temporal loop.
import { type Loop, openStage } from './loops/stage.ts';
import { printRow, sampleOf } from './measure.ts';

const RUNS = Number(process.env['HOLDFAST_BENCH_SOAK'] ?? 3_000);
const TRACKS = 10;
const STEPS = 5;
const ASKED = { turns: 3, calls: 2, toolMs: 20 };
const PEAK_MB_MAX = 350;

export async function soak(): Promise<void> {
  const stage = await openStage();
  const some = async (loop: Loop, runs: number) => {
    let left = runs;
    const track = async () => {
      while (left-- > 0) await stage.run(loop, ASKED);
    };
    await Promise.all(Array.from({ length: TRACKS }, track));
  };
  try {
    console.log(`${RUNS} runs, ${TRACKS} at a time, ${ASKED.turns} turns × ${ASKED.calls} tools of ${ASKED.toolMs} ms`);
    for (const loop of ['ours', 'bare'] as const) {
      const peak = async () => sampleOf([(await stage.use(loop)).peakMb]);
      const who = loop === 'ours' ? 'peak memory of the worker' : '  a bare Temporal loop';
      printRow({ what: `${who}, at its start`, sample: await peak(), unit: 'MB' });
      for (let step = 1; step <= STEPS; step++) {
        await some(loop, RUNS / STEPS);
        const isLast = step === STEPS && loop === 'ours';
        const target = { at: 'most', value: PEAK_MB_MAX } as const;
        const what = `${who}, after ${(RUNS / STEPS) * step} runs`;
        printRow({ what, sample: await peak(), unit: 'MB', ...(isLast && { target }) });
      }
    }
  } finally {
    await stage.close();
  }
}
