// A case of a durability test: its own task queue, ledger and model, on a server that may be shared, with workers as
// processes.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ScriptedModel, type ScriptedModelOptions, startScriptedModel } from '../../activities/testing/index.ts';
import { connect, type Holdfast } from '../../client/index.ts';
import { startWorkerProcess, type WorkerProcess, type WorkerProcessOptions } from '../support/workerProcess.ts';

interface Cast extends ScriptedModelOptions {
  /** The module that exports the agents. */
  readonly module: URL;
}

export async function openCase(
  address: string,
  { module, ...scripted }: Cast,
  options: Pick<WorkerProcessOptions, 'maxCachedWorkflows' | 'temporal'> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-crash-'));
  const ledger = join(folder, 'ledger');
  const taskQueue = `crash-${randomUUID()}`;
  const model: ScriptedModel = await startScriptedModel(scripted);
  const holdfast: Holdfast = await connect({ address, namespace: 'default', taskQueue });
  const workers: WorkerProcess[] = [];

  /** Another worker; of another deploy, where its module is said. */
  async function work(deploy: URL = module): Promise<WorkerProcess> {
    const settings = { address, taskQueue, modelURL: model.baseURL, module: deploy, ledger };
    const worker = await startWorkerProcess({ ...settings, ...options });
    workers.push(worker);
    return worker;
  }

  return {
    ledger,
    model,
    holdfast,
    worker: work,
    /** The worker that came last dies, and another comes. */
    async killAndReplace() {
      await workers.at(-1)!.end('SIGKILL');
      await work();
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
      await Promise.all([holdfast.close(), model.close()]);
      await rm(folder, { recursive: true });
    },
  };
}
