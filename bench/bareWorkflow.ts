// The barest loop that does the same on Temporal: the floor under any agent loop.
import { proxyActivities } from '@temporalio/workflow';

const { think, work } = proxyActivities<{ think(): Promise<void>; work(ms: number): Promise<void> }>({
  startToCloseTimeout: '1 minute',
});

export async function bare(turns: number, calls: readonly number[]): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    await think();
    await Promise.all(calls.map((ms) => work(ms)));
  }
  await think();
}
