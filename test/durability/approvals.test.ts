// A call that waits for a person outlives the worker it was planned on: killed, or replaced by another deploy.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startScriptedModel } from '../../activities/testing/index.ts';
import { connect } from '../../client/index.ts';
import { readLedger } from '../support/ledger.ts';
import { asked } from '../support/people.ts';
import { serverAddress } from '../support/server.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/workerProcess.ts';
import { scripts } from './approvalAgents.ts';

const thisDeploy = new URL('./approvalAgents.ts', import.meta.url);
const nextDeploy = new URL('./approvalAgentsNext.ts', import.meta.url);

for (const [mode, caching] of [
  ['cached workflows', {}],
  ['replaying every task', { maxCachedWorkflows: 0 }],
] as const)
  describe(`a call that waits (${mode})`, () => {
    for (const [signal, module, version, tools] of [
      ['SIGKILL', thisDeploy, 'v1', 'pay'],
      ['SIGTERM', nextDeploy, 'v2', 'look_v2, pay'],
    ] as const)
      test(`its worker gets ${signal}, and one of ${version} comes: the question is the same, and what is decided is done once`, async (t) => {
        const address = await serverAddress();
        const folder = await mkdtemp(join(tmpdir(), 'holdfast-approvals-'));
        const ledger = join(folder, 'ledger');
        const taskQueue = `approvals-${randomUUID()}`;
        const model = await startScriptedModel({ scripts });
        const holdfast = await connect({ address, namespace: 'default', taskQueue });
        const workers: WorkerProcess[] = [];
        t.after(async () => {
          await Promise.all(workers.map((one) => one.end('SIGKILL')));
          await Promise.all([holdfast.close(), model.close()]);
          await rm(folder, { recursive: true });
        });
        async function worker(from: URL): Promise<WorkerProcess> {
          const options = { address, taskQueue, modelURL: model.baseURL, module: from, ledger };
          const started = await startWorkerProcess({ ...options, ...caching });
          workers.push(started);
          return started;
        }

        const first = await worker(thisDeploy);
        const handle = await holdfast.start('cashier', 'Pay.', { id: `cashier-${randomUUID()}` });
        const questions = await asked(handle);
        await first.end(signal);
        assert.deepEqual(await asked(handle), questions, 'asked from history: nobody has to work for it');
        // Decided while nobody works: taken by the next worker.
        const decided = handle.approve(undefined, { by: 'ann' });
        await worker(module);
        assert.equal((await decided).isFirst, true);
        const result = await handle.result();
        assert.deepEqual([result.status, result.output], ['completed', `You pay, as of ${version}. With ${tools}.`]);
        const [question] = questions;
        const { runId } = await handle.read();
        assert.deepEqual(
          readLedger(ledger).map(({ what, call }) => [what, call]),
          [['ended', `${version} ann ${handle.workflowId}/${runId}/1.0/${question?.digest}`]],
        );
      });
  });
