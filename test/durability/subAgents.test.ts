// A tree of runs survives its worker: finished sub-agents do not run again, and none starts twice.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { type Entry, readLedger, untilLedger } from '../support/ledger.ts';
import { serverAddress } from '../support/server.ts';
import { toolTexts } from '../support/toolTexts.ts';
import { eventually } from '../support/waits.ts';
import { scripts } from './family.ts';
import { openCase } from './openCase.ts';

const cast = { module: new URL('./family.ts', import.meta.url), scripts };

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

    test('SIGKILL with two of three done: the third continues, and all are returned', async () => {
      const { holdfast, model, ledger, worker, killAndReplace, close } = await openCase(address, cast, maxCached);
      try {
        await worker();
        const run = await holdfast.start('boss', 'Go.', { id: `family-${randomUUID()}` });
        await untilLedger(ledger, (entries) => times(entries, 'started', 'b') === 1);
        await eventually(async () => (await run.read()).turns[0]?.calls.filter(({ ok }) => ok).length === 2);
        await killAndReplace();
        const result = await run.result();

        assert.deepEqual(
          { status: result.status, output: result.output },
          { status: 'completed', output: 'did a. did b. did c.' },
        );
        const entries = readLedger(ledger);
        assert.deepEqual(
          ['a', 'b', 'c'].map((call) => times(entries, 'started', call)),
          [1, 2, 1],
        );
        const read = await run.read();
        assert.deepEqual(toolTexts(read), ['did a.', 'did b.', 'did c.']);
        const { events = [] } = await run.history();
        const started = events?.filter((event) => event.startChildWorkflowExecutionInitiatedEventAttributes);
        assert.equal(started?.length, 3);
        assert.deepEqual(
          { modelCalls: result.spend.modelCalls, toolCalls: result.spend.toolCalls },
          { modelCalls: 2 + 3 * 2, toolCalls: 3 + 3 },
        );
        assert.deepEqual(read.spend, result.spend);
        assert.equal(model.countRequests(), 2 + 3 * 2);
      } finally {
        await close();
      }
    });
  });
