// A family of runs survives its worker: what was done below is not done again, and nobody is started twice.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { startScriptedModel } from '../../activities/testing/index.ts';
import { connect } from '../../client/index.ts';
import { type Entry, readLedger, untilLedger } from '../support/ledger.ts';
import { eventually, toldOf } from '../support/said.ts';
import { serverAddress } from '../support/server.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/workerProcess.ts';
import { scripts } from './family.ts';

const module = new URL('./family.ts', import.meta.url);

const times = (entries: readonly Entry[], what: Entry['what'], call: string) =>
  entries.filter((entry) => entry.what === what && entry.call === call).length;

for (const [mode, maxCached] of [
  ['cached workflows', {}],
  ['replaying every task', { maxCachedWorkflows: 0 }],
] as const)
  describe(`a worker that dies with sub-agents in flight (${mode})`, () => {
    let address: string;
    before(async () => {
      address = await serverAddress();
    });

    test('SIGKILL with two of three through: the third goes on, and the run above has all three', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-family-'));
      const ledger = join(folder, 'ledger');
      const taskQueue = `family-${randomUUID()}`;
      const model = await startScriptedModel({ scripts });
      const holdfast = await connect({ address, namespace: 'default', taskQueue });
      const options = { address, taskQueue, modelURL: model.baseURL, module, ledger, ...maxCached };
      const workers: WorkerProcess[] = [await startWorkerProcess(options)];
      try {
        const run = await holdfast.start('boss', 'Go.', { id: `family-${randomUUID()}` });
        await untilLedger(ledger, (entries) => times(entries, 'started', 'b') === 1);
        await eventually(async () => (await run.read()).turns[0]?.calls.filter(({ ok }) => ok).length === 2);
        await workers[0]!.end('SIGKILL');
        workers.push(await startWorkerProcess(options));
        const result = await run.result();

        assert.deepEqual([result.status, result.output], ['completed', 'did a. did b. did c.']);
        const entries = readLedger(ledger);
        assert.deepEqual(
          ['a', 'b', 'c'].map((call) => times(entries, 'started', call)),
          [1, 2, 1],
        );
        const read = await run.read();
        assert.deepEqual(toldOf(read), ['did a.', 'did b.', 'did c.']);
        const { events = [] } = await run.history();
        const started = events?.filter((event) => event.startChildWorkflowExecutionInitiatedEventAttributes);
        assert.equal(started?.length, 3);
        assert.deepEqual([result.spend.modelCalls, result.spend.toolCalls], [2 + 3 * 2, 3 + 3]);
        assert.deepEqual(read.spend, result.spend);
        assert.equal(model.countRequests(), 2 + 3 * 2);
      } finally {
        await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
        await Promise.all([holdfast.close(), model.close()]);
        await rm(folder, { recursive: true });
      }
    });
  });
