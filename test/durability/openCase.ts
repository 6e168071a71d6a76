// One case of a durability test: a task queue, a ledger and a model of its own, on a server that may be shared, and workers
// that are processes.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Script, type ScriptedModel, startScriptedModel } from '../../activities/testing/index.ts';
import { connect, type Holdfast } from '../../client/index.ts';
import { startWorkerProcess, type WorkerProcess, type WorkerProcessOptions } from '../support/workerProcess.ts';

interface Cast {
  /** The module that exports the agents. */
  readonly module: URL;
  readonly scripts: Readonly<Record<string, Script>>;
}

export async function openCase(
  address: string,
  { module, scripts }: Cast,
  options: Pick<WorkerProcessOptions, 'maxCachedWorkflows' | 'temporal'> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-crash-'));
  const ledger = join(folder, 'ledger');
  const taskQueue = `crash-${randomUUID()}`;
  const model: ScriptedModel = await startScriptedModel({ scripts });
  const holdfast: Holdfast = await connect({ address, namespace: 'default', taskQueue });
  const workers: WorkerProcess[] = [];
  return {
    ledger,
    model,
    holdfast,
    async worker() {
      const worker = await startWorkerProcess({
        address,
        taskQueue,
        modelURL: model.baseURL,
        module,
        ledger,
        ...options,
      });
      workers.push(worker);
      return worker;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
      await Promise.all([holdfast.close(), model.close()]);
      await rm(folder, { recursive: true });
    },
  };
}
