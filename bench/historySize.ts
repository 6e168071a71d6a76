// The history of a long conversation: 100 turns with two results of 2 kB each.

import { loop, openGround } from './ground.ts';
import { historyBytes } from './historyBytes.ts';
import { printRow, sampleOf } from './measure.ts';

const TURNS = 100;

export async function historySize(): Promise<void> {
  const long = loop('long', TURNS, [
    { ms: 0, bytes: 2_000 },
    { ms: 0, bytes: 2_000 },
  ]);
  const ground = await openGround([long.agent], { long: long.script });
  try {
    const { workflowId } = await ground.runMs(long.agent);
    const { events, bytes } = await historyBytes(ground.holdfast, workflowId);
    printRow({
      what: `history of ${TURNS} turns × 2 results of 2 kB (${events} events)`,
      sample: sampleOf([bytes / 1e6]),
      unit: 'MB',
      digits: 2,
      target: { at: 'most', value: 1.1 },
    });
  } finally {
    await ground.close();
  }
}
