// How long a worker takes until it polls: a process of its own, from its first line, with the prebuilt bundle.

import { startScriptedModel } from '../activities/testing/index.ts';
import { startWorkerProcess } from '../test/support/workerProcess.ts';
import { startDevServer } from '../worker/devServer.ts';
import { workflowCode } from '../worker/workflowBundle.ts';
import { printRow, repeat } from './measure.ts';

const RUNS = 7;

export async function workerStart(): Promise<void> {
  const server = await startDevServer();
  const model = await startScriptedModel({ scripts: {} });
  try {
    // Built and kept, as the published package ships it.
    await workflowCode();
    const module = new URL('../test/durability/agents.ts', import.meta.url);
    const options = {
      address: server.address,
      taskQueue: 'start',
      modelURL: model.baseURL,
      module,
      ledger: '/dev/null',
    };
    const sample = await repeat(RUNS, async () => {
      const startedMs = performance.now();
      const worker = await startWorkerProcess(options);
      const ms = performance.now() - startedMs;
      await worker.end('SIGKILL');
      return ms;
    });
    printRow({
      what: 'worker start to polling, process and bundle included',
      sample,
      unit: 'ms',
      target: { at: 'most', value: 800 },
    });
  } finally {
    await model.close();
    await server.kill();
  }
}
