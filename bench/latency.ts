// `npm run bench:latency`: the clock's three tools, called in parallel and one after another.

import { offlineModel } from '../activities/testing/index.ts';
import { clock as plainClock } from '../agents/clock/agent.ts';
import { withLatency } from '../agents/withLatency.ts';
import { readRun } from '../core/read/readRun.ts';
import { openGround } from './ground.ts';
import { printRow, repeat } from './measure.ts';

const RUNS = 7;
const LATENCY_MS = '200,180,150';

export async function latency(): Promise<void> {
  process.env['CLOCK_LATENCY_MS'] = LATENCY_MS;
  const clock = { ...withLatency(plainClock, 'CLOCK_LATENCY_MS'), model: offlineModel('clock') };
  const ground = await openGround([clock], { clock: clock.offline! });
  const question = 'What are the time, the date and the weather in Tokyo?';
  const batchMs = async (parallel: number) => {
    const run = await ground.holdfast.start('clock', question, { parallel });
    await run.result();
    const calls = readRun(await run.history()).turns[0]?.calls ?? [];
    return (
      Math.max(...calls.map(({ endedAtMs }) => endedAtMs ?? 0)) -
      Math.min(...calls.map(({ scheduledAtMs }) => scheduledAtMs ?? 0))
    );
  };
  try {
    await batchMs(3);
    const together = await repeat(RUNS, () => batchMs(3));
    const apart = await repeat(RUNS, () => batchMs(1));
    printRow({
      what: `3 tools of ${LATENCY_MS} ms together`,
      sample: together,
      unit: 'ms',
      target: { at: 'most', value: 220 },
    });
    printRow({ what: 'the same one after another', sample: apart, unit: 'ms' });
    console.log(
      `3 tools: ${(together.median / 1_000).toFixed(2)} s together, ${(apart.median / 1_000).toFixed(2)} s one after another (${(apart.median / together.median).toFixed(1)}×)`,
    );
  } finally {
    await ground.close();
  }
}
