// What rules decided before a worker died holds after it: guarded arguments, a denial, a budget that waits, an answer that
// has to be repaired.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { startScriptedModel } from '../../activities/testing/index.ts';
import { connect } from '../../client/index.ts';
import { readLedger, untilLedger } from '../support/ledger.ts';
import { eventually, toldOf } from '../support/said.ts';
import { serverAddress } from '../support/server.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/workerProcess.ts';
import { scripts } from './ruled.ts';

const module = new URL('./ruled.ts', import.meta.url);

for (const [mode, maxCached] of [
  ['cached workflows', {}],
  ['replaying every task', { maxCachedWorkflows: 0 }],
] as const)
  describe(`a run under rules whose workers die (${mode})`, () => {
    let address: string;
    before(async () => {
      address = await serverAddress();
    });

    test('SIGKILL in a guarded call, and again while the budget waits: the rules have held once each', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-ruled-'));
      const ledger = join(folder, 'ledger');
      const taskQueue = `ruled-${randomUUID()}`;
      const model = await startScriptedModel({ scripts });
      const holdfast = await connect({ address, namespace: 'default', taskQueue });
      const options = { address, taskQueue, modelURL: model.baseURL, module, ledger, ...maxCached };
      const workers: WorkerProcess[] = [await startWorkerProcess(options)];
      const killAndReplace = async () => {
        await workers.at(-1)!.end('SIGKILL');
        workers.push(await startWorkerProcess(options));
      };
      try {
        const run = await holdfast.start('ruled', 'Go.', { id: `ruled-${randomUUID()}` });
        await untilLedger(ledger, (entries) => entries.length === 1);
        await killAndReplace();
        await eventually(async () => (await run.questions()).some(({ kind }) => kind === 'budget'));
        await killAndReplace();
        assert.deepEqual(
          (await run.questions()).map(({ kind }) => kind),
          ['budget'],
        );
        await run.raise({ modelCalls: 10 }, { by: 'ann' });

        const { status, value, spend, turns } = await run.result();
        assert.deepEqual([status, value, turns], ['completed', { steps: 1 }, 3]);
        assert.deepEqual([spend.modelCalls, spend.toolCalls], [3, 1]);
        const [done, denied] = toldOf(await run.read());
        assert.equal(done, 'did a!');
        assert.match(denied ?? '', /that is forbidden/);
        assert.deepEqual(
          readLedger(ledger).map(({ what, call, attempt }) => `${what} ${call} ${attempt}`),
          ['started a! 1', 'started a! 2', 'ended a! 2'],
        );
        assert.equal(model.countRequests(), 3, 'no answer was asked for twice');
      } finally {
        await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
        await Promise.all([holdfast.close(), model.close()]);
        await rm(folder, { recursive: true });
      }
    });
  });
