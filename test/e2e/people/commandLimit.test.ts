// The server limits the updates of a history: a run that waits continues as new in time, and a busy one refuses more for now.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { CommandRejected } from '../../../client/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked } from '../../support/people.ts';
import { ownServer } from '../../support/server.ts';
import { counter, gate } from '../../support/waits.ts';

/** 2,000 where nobody says otherwise. */
const UPDATES_MAX = 20;
const COMMANDS = 3 * UPDATES_MAX;
ownServer({ 'history.maxTotalUpdates': UPDATES_MAX });

endToEnd(
  'more commands than the server accepts in one history',
  (bench) => {
    const input = z.object({});
    const ask = defineTool({
      name: 'ask',
      description: 'Asks first.',
      input,
      effect: 'idempotent',
      approval: 'always',
      run: () => 'asked',
    });
    const waiting = bench.agent({ tools: [ask], script: [{ calls: [{ tool: 'ask' }] }, 'Done.'] });
    test('are all answered while the run waits, and the question stays', async () => {
      const handle = await bench.holdfast.start(waiting.name, 'Go.');
      const [question] = await asked(handle);
      for (let i = 0; i < COMMANDS; i++) await (i % 2 === 0 ? handle.pause() : handle.resume());
      assert.deepEqual(await asked(handle), [question]);
      await handle.approve();
      const { result, run } = await bench.finished(handle.workflowId);
      assert.deepEqual(
        { status: result.status, content: run.transcript.at(-2)?.content },
        { status: 'completed', content: 'asked' },
      );
    });

    const held = gate();
    const begun = counter();
    const hold = defineTool({
      name: 'hold',
      description: 'Holds.',
      input,
      effect: 'idempotent',
      timeout: '10 m',
      async run() {
        begun.add();
        await held.opened;
        return 'held';
      },
    });
    const working = bench.agent({ tools: [hold], script: [{ calls: [{ tool: 'hold' }] }, 'Done.'] });
    test('are refused while calls run, until they end', async () => {
      const handle = await bench.holdfast.start(working.name, 'Go.');
      await begun.until(1);
      for (let i = 0; i < UPDATES_MAX; i++) await handle.resume();
      await assert.rejects(handle.resume(), (error) => {
        assert.ok(error instanceof CommandRejected, String(error));
        assert.match(
          error.message,
          /as many commands as the server allows for one history.*send the command again then\.$/,
        );
        return true;
      });
      held.open();
      const { result, run } = await bench.finished(handle.workflowId);
      assert.deepEqual(
        { status: result.status, content: run.transcript.at(-2)?.content },
        { status: 'completed', content: 'held' },
      );
    });
  },
  { updatesMax: UPDATES_MAX },
);
