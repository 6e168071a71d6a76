// The cost of a batch of tools as the model sees it: from the last byte of its answer to its next request. Ours beside a bare
// Temporal loop.
import type { Asked } from './loops/asked.ts';
import { alternate, type Loop, openStage, toolPhasesMs } from './loops/stage.ts';
import { printPair } from './measure.ts';

const RUNS = 9;
const BATCHES = [4, 50, 200, 500];
const TOOL_MS = 100;
const TURNS = { turns: 10, calls: 4, toolMs: 20 };
const WARM_RUNS = 3;
const TARGET = { at: 'most', value: 1.1 } as const;

export async function tools(): Promise<void> {
  const stage = await openStage();
  /** Time of a turn: the mean of a run's turns. */
  const measure = (asked: Omit<Asked, 'key'>) => async (loop: Loop) => {
    const before = await stage.use(loop);
    const phases = toolPhasesMs(await stage.run(loop, asked));
    const after = await stage.use(loop);
    return {
      phaseMs: phases.reduce((sum, ms) => sum + ms, 0) / asked.turns,
      overheadMs: phases.reduce((sum, ms) => sum + ms - asked.toolMs, 0) / asked.turns,
      cpuMs: (after.cpuMs - before.cpuMs) / asked.turns,
    };
  };
  try {
    await alternate(WARM_RUNS, measure(TURNS));
    for (const calls of BATCHES) {
      const batch = measure({ turns: 1, calls, toolMs: TOOL_MS });
      await alternate(1, batch);
      const { phaseMs, cpuMs } = await alternate(RUNS, batch);
      printPair({ what: `${calls} calls of ${TOOL_MS} ms at once`, pair: phaseMs, unit: 'ms', target: TARGET });
      printPair({ what: '  worker CPU', pair: cpuMs, unit: 'ms' });
    }
    const { turns, calls, toolMs } = TURNS;
    const { overheadMs, cpuMs } = await alternate(RUNS, measure(TURNS));
    const what = `overhead a turn, ${turns} turns × ${calls} tools of ${toolMs} ms`;
    printPair({ what, pair: overheadMs, unit: 'ms', digits: 1, target: TARGET });
    printPair({ what: '  worker CPU a turn', pair: cpuMs, unit: 'ms', digits: 1 });
  } finally {
    await stage.close();
  }
}
