// A pending approval survives its worker: killed, or replaced by another deploy.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { readLedger } from '../support/ledger.ts';
import { asked } from '../support/people.ts';
import { serverAddress } from '../support/server.ts';
import { scripts } from './approvalAgents.ts';
import { openCase } from './openCase.ts';

const thisDeploy = new URL('./approvalAgents.ts', import.meta.url);
const nextDeploy = new URL('./approvalAgentsNext.ts', import.meta.url);

for (const [mode, caching] of [
  ['cached workflows', {}],
  ['replaying every task', { maxCachedWorkflows: 0 }],
] as const)
  describe(`a pending approval (${mode})`, () => {
    for (const [signal, module, version, tools] of [
      ['SIGKILL', thisDeploy, 'v1', 'pay'],
      ['SIGTERM', nextDeploy, 'v2', 'look_v2, pay'],
    ] as const)
      test(`survives ${signal} of its worker, and a worker of ${version}`, async (t) => {
        const address = await serverAddress();
        const { holdfast, ledger, worker, close } = await openCase(address, { module: thisDeploy, scripts }, caching);
        t.after(close);

        const first = await worker();
        const handle = await holdfast.start('cashier', 'Pay.', { id: `cashier-${randomUUID()}` });
        const questions = await asked(handle);
        await first.end(signal);
        assert.deepEqual(await asked(handle), questions, 'asked from history: nobody has to work for it');
        // Decided while nobody works: taken by the next worker.
        const decided = handle.approve(undefined, { by: 'ann' });
        await worker(module);
        assert.equal((await decided).isFirst, true);
        const result = await handle.result();
        assert.deepEqual(
          { status: result.status, output: result.output },
          { status: 'completed', output: `You pay, as of ${version}. With ${tools}.` },
        );
        const [question] = questions;
        const { runId } = await handle.read();
        assert.deepEqual(
          readLedger(ledger).map(({ what, call }) => [what, call]),
          [['ended', `${version} ann ${handle.workflowId}/${runId}/1.0/${question?.digest}`]],
        );
      });
  });
