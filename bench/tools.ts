// What a batch of tools costs as the model sees it: from the last byte of its answer to its next request. Ours beside a bare
// Temporal loop.
import { alternate, openStage, type Pair, toolPhasesMs } from './loops/stage.ts';
import { printRatio, printRow, sampleOf } from './measure.ts';

const RUNS = 9;
const BATCHES = [4, 50, 200, 500];
const TOOL_MS = 100;
const TURNS = { turns: 10, calls: 4, toolMs: 20 };
const RATIO_MAX = 1.1;
const WARM_RUNS = 3;

export async function tools(): Promise<void> {
  const stage = await openStage();
  try {
    for (let i = 0; i < WARM_RUNS; i++) await alternate(1, async (loop) => (await stage.run(loop, TURNS)).length);
    for (const calls of BATCHES) {
      const phaseMs = async (loop: 'ours' | 'bare') =>
        toolPhasesMs(await stage.run(loop, { turns: 1, calls, toolMs: TOOL_MS }))[0]!;
      await alternate(1, phaseMs);
      printPair(`${calls} calls of ${TOOL_MS} ms at once`, await alternate(RUNS, phaseMs), 0);
    }
    // What remains of a turn without its tools; the mean of a run's turns.
    const overheadMs = async (loop: 'ours' | 'bare') => {
      const phases = toolPhasesMs(await stage.run(loop, TURNS));
      return phases.reduce((sum, ms) => sum + ms, 0) / phases.length - TURNS.toolMs;
    };
    printPair('overhead a turn, 10 turns × 4 tools of 20 ms', await alternate(RUNS, overheadMs), 1);
  } finally {
    await stage.close();
  }
}

function printPair(what: string, { ours, bare }: Pair, digits: number): void {
  printRow({ what, sample: sampleOf(ours), unit: 'ms', digits });
  printRow({ what: '  a bare Temporal loop', sample: sampleOf(bare), unit: 'ms', digits });
  printRatio({ what: '  ratio', of: ours, to: bare, target: { at: 'most', value: RATIO_MAX } });
}
