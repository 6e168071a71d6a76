// A turn of a thousand calls at once, on half of a core, with the workflow cache and without: it has to end. Without the cache, each of
// its workflow tasks replays all that came before.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../client/index.ts';
import { failedTasks } from '../test/support/people.ts';
import { startDevServer } from '../worker/dev/devServer.ts';
import { workflowCode } from '../worker/workflowBundle.ts';
import type { Asked, Exchange } from './loops/asked.ts';
import { type Part, startPart } from './loops/process.ts';
import { startLoopWorker } from './loops/worker.ts';
import { printRow, sampleOf } from './measure.ts';

const CALLS = 1_000;
const TOOL_MS = 100;

export async function thousand(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-thousand-'));
  const server = await startDevServer({ dbFile: join(folder, 'temporal.db') });
  const { address } = server;
  const model: Part<string, Exchange[], string> = await startPart(new URL('./loops/modelMain.ts', import.meta.url));
  await workflowCode();
  try {
    for (const isCached of [true, false]) {
      const taskQueue = isCached ? 'cached' : 'replaying';
      const worker = await startLoopWorker({ address, modelURL: model.ready, taskQueue, bare: null, isCached });
      const holdfast = await connect({ address, namespace: 'default', taskQueue });
      worker.halve();
      const startedMs = performance.now();
      const input = JSON.stringify({ key: taskQueue, turns: 1, calls: CALLS, toolMs: TOOL_MS } satisfies Asked);
      const run = await holdfast.start('loop', input, { id: taskQueue });
      const { status, calls, failedCalls } = await run.result();
      const seconds = (performance.now() - startedMs) / 1_000;
      const failed = failedTasks(await run.history());
      const what = `${CALLS} calls at once on half a core, ${isCached ? 'cached' : 'replaying every task'}`;
      printRow({ what, sample: sampleOf([seconds]), unit: 's', digits: 1 });
      console.log(
        `  ${status}: ${calls} calls, ${failedCalls} failed; the server closed ${failed} workflow tasks early`,
      );
      await holdfast.close();
      await worker.end();
    }
  } finally {
    await model.end();
    await server.kill();
    await rm(folder, { recursive: true });
  }
}
