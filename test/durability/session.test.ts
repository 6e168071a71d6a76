// A session survives its workers: senders get their replies from the next one, and every message is answered once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import type { RunHandle } from '../../client/index.ts';
import { transcriptProblem } from '../../core/transcript.ts';
import type { Reply } from '../../core/types.ts';
import { readLedger, untilLedger } from '../support/ledger.ts';
import { serverAddress } from '../support/server.ts';
import { openCase } from './openCase.ts';
import { scripts } from './sessionAgent.ts';

const cast = { module: new URL('./sessionAgent.ts', import.meta.url), scripts };

const completed = (message: number, output: string): Reply => ({
  message,
  status: 'completed',
  output,
  reason: null,
  reasonCode: null,
  reasonParameters: null,
});

for (const [mode, maxCached] of [
  ['cached workflows', {}],
  ['replaying every task', { maxCachedWorkflows: 0 }],
] as const)
  describe(`a session whose worker dies (${mode})`, { concurrency: 2 }, () => {
    let address: string;
    before(async () => {
      address = await serverAddress();
    });

    async function untilTaken(handle: RunHandle, text: string): Promise<void> {
      for await (const event of handle.events()) if (event.type === 'message' && event.text === text) return;
    }

    test('SIGKILL in a message: both senders get their reply, each once', async () => {
      const here = await openCase(address, cast, maxCached);
      const doomed = await here.worker();
      const handle = await here.holdfast.start('teller', '', { id: `killed-${randomUUID()}`, session: true });
      assert.deepEqual(await handle.ask('one'), completed(1, 'one'));
      const work = handle.ask('work');
      await untilLedger(here.ledger, (entries) => entries.length > 0);
      const queued = handle.ask('three');
      await untilTaken(handle, 'three');
      await doomed.end('SIGKILL');
      await here.worker();
      assert.deepEqual(await Promise.all([work, queued]), [completed(2, 'one work'), completed(3, 'one work three')]);
      await handle.close();
      assert.equal((await handle.result()).status, 'completed');
      const run = await handle.read();
      assert.equal(transcriptProblem(run.transcript), null);
      assert.deepEqual(
        run.turns.flatMap(({ userMessages }) => userMessages),
        ['one', 'work', 'three'],
      );
      assert.deepEqual(
        readLedger(here.ledger).map(({ what, attempt }) => [what, attempt]),
        [
          ['started', 1],
          ['started', 2],
          ['ended', 2],
        ],
      );
      await here.close();
    });

    test('SIGKILL while idle or paused: the next worker continues the session', async () => {
      const here = await openCase(address, cast, maxCached);
      const doomed = await here.worker();
      const handle = await here.holdfast.start('teller', 'one', { id: `idle-${randomUUID()}`, session: true });
      for await (const event of handle.events()) if (event.type === 'reply') break;
      await handle.pause();
      const paused = handle.ask('two', { id: 'two' });
      await untilTaken(handle, 'two');
      await doomed.end('SIGKILL');
      await here.worker();
      assert.equal((await handle.send('two', { id: 'two' })).message, 2);
      assert.equal((await handle.resume()).state, 'running');
      assert.deepEqual(await paused, completed(2, 'one two'));
      await handle.close();
      assert.equal((await handle.result()).turns, 2);
      await here.close();
    });
  });
