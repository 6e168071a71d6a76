// The commands of one workflow task are a message of at most 4 MiB: more are spread over several tasks. Payloads are not
// compressed here, so their content does not matter.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked, failedTasks } from '../../support/people.ts';
import { toolTexts } from '../../support/toolTexts.ts';
import { tally } from '../../support/waits.ts';

const effects = tally();
const LARGE = 250_000;

const keep = defineTool({
  name: 'keep',
  description: 'Keeps a text.',
  input: z.object({ run: z.string(), text: z.string() }),
  effect: 'once',
  approval: 'always',
  run({ run, text }) {
    effects.add(run);
    return text.length;
  },
});

const small = defineTool({
  name: 'small',
  description: 'Gives a number.',
  input: z.object({}),
  effect: 'read',
  run: () => 1,
});

const times = <T>(n: number, make: (i: number) => T) => Array.from({ length: n }, (_, i) => make(i));

endToEnd(
  'the commands of one task',
  (bench) => {
    const CALLS = 18;
    const keeper = bench.agent({
      tools: [keep],
      parallel: 100,
      script: [{ calls: times(CALLS, () => ({ tool: 'keep', arguments: { run: '', text: '' } })) }, 'Done.'],
    });
    test('run 4.5 MB of edited arguments that start together, each once', async () => {
      const run = randomUUID();
      const handle = await bench.holdfast.start(keeper.name, 'Go.');
      const calls = await asked(handle, CALLS);
      await handle.pause();
      // As many at once as the server lets in.
      for (let at = 0; at < CALLS; at += 8)
        await Promise.all(
          calls.slice(at, at + 8).map(({ call }) => handle.edit(call, { run, text: 'x'.repeat(LARGE) })),
        );
      assert.equal(effects.of(run), 0);
      await handle.resume();
      const { run: read, history } = await bench.finished(handle.workflowId);
      // What it was changed to stands before it.
      assert.ok(toolTexts(read).every((told) => told.endsWith(`\n${LARGE}`)));
      assert.equal(effects.of(run), CALLS);
      assert.deepEqual(failedTasks(history), []);
    });

    const speaker = bench.agent({
      tools: [small],
      script: [{ calls: [{ tool: 'small' }] }, '"'.repeat(450_000)],
    });
    test('deliver 5 MB of replies to senders that wait for the same message', async () => {
      const handle = await bench.holdfast.start(speaker.name, '', { session: true });
      const id = randomUUID();
      const replies = await Promise.all(times(5, () => handle.ask('Speak.', { id })));
      assert.deepEqual(
        replies.map(({ output }) => output?.length),
        times(5, () => 450_000),
      );
      await handle.close();
      const { history } = await bench.finished(handle.workflowId);
      assert.deepEqual(failedTasks(history), []);
    });
  },
  { payloads: { compressAbove: Number.POSITIVE_INFINITY } },
);
