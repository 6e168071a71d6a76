// Rules that were applied before a worker died still hold: guarded arguments, a denial, an exhausted budget, a repair.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { readLedger, untilLedger } from '../support/ledger.ts';
import { serverAddress } from '../support/server.ts';
import { toolTexts } from '../support/toolTexts.ts';
import { eventually } from '../support/waits.ts';
import { openCase } from './openCase.ts';
import { scripts } from './ruled.ts';

const cast = { module: new URL('./ruled.ts', import.meta.url), scripts };

for (const [mode, maxCached] of [
  ['cached workflows', {}],
  ['replaying every task', { maxCachedWorkflows: 0 }],
] as const)
  describe(`a run with rules and a budget, whose workers die (${mode})`, () => {
    let address: string;
    before(async () => {
      address = await serverAddress();
    });

    test('SIGKILL in a guarded call and at the budget: every rule applies once', async () => {
      const { holdfast, model, ledger, worker, killAndReplace, close } = await openCase(address, cast, maxCached);
      try {
        await worker();
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
        assert.deepEqual({ status, value, turns }, { status: 'completed', value: { steps: 1 }, turns: 3 });
        assert.deepEqual({ modelCalls: spend.modelCalls, toolCalls: spend.toolCalls }, { modelCalls: 3, toolCalls: 1 });
        const [done, denied] = toolTexts(await run.read());
        assert.equal(done, 'did a!');
        assert.match(denied ?? '', /that is forbidden/);
        assert.deepEqual(
          readLedger(ledger).map(({ what, call, attempt }) => `${what} ${call} ${attempt}`),
          ['started a! 1', 'started a! 2', 'ended a! 2'],
        );
        assert.equal(model.countRequests(), 3, 'no answer was asked for twice');
      } finally {
        await close();
      }
    });
  });
