// A transcript that exceeds a payload is carried over if it can be compressed or stored. Otherwise the run stays in its
// history.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../../activities/index.ts';
import { fileStorage } from '../../../client/index.ts';
import { CARRIED_STATE_BYTES_MAX } from '../../../core/limits.ts';
import { type History, jsonAt } from '../../../core/read/history.ts';
import { jsonBytes } from '../../../core/text.ts';
import { type Bench, endToEnd } from '../../support/bench.ts';
import { noise, RESULT } from '../../support/noise.ts';
import { toolTexts } from '../../support/toolTexts.ts';

const TURNS = 10;
const CALLS = 5;

const prose = defineTool({
  name: 'prose',
  description: 'Gives a text of the usual kind.',
  input: z.object({}),
  effect: 'read',
  run: () => 'A patient of yours has come in. '.repeat(RESULT / 32),
});

/** Ten turns of five results of 60 kB: 3 MB of conversation, handed over every few turns. */
function talker(bench: Bench, tool: typeof noise | typeof prose) {
  return bench.agent({
    tools: [tool],
    maxTurns: TURNS + 1,
    maxHistoryEvents: 50,
    script: ({ turn }) =>
      turn > TURNS ? 'Done.' : { calls: Array.from({ length: CALLS }, () => ({ tool: tool.name })) },
  });
}

/** Bytes of the carried state that the last history began with. */
function carriedBytes({ events }: History): number {
  return jsonBytes(jsonAt(events?.[0]?.workflowExecutionStartedEventAttributes?.input, 1) ?? '');
}

endToEnd('the carried state', (bench) => {
  const usual = talker(bench, prose);
  test('fits compressed, with more than a payload holds', async () => {
    const { run, history, result } = await bench.run(usual);
    assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'completed', turns: TURNS + 1 });
    assert.equal(toolTexts(run).length, TURNS * CALLS);
    assert.ok(carriedBytes(history) > CARRIED_STATE_BYTES_MAX, `${carriedBytes(history)} bytes were carried`);
  });

  const hard = talker(bench, noise);
  test('stays in its history if it does not compress, and loses nothing', async () => {
    const { run, history, result } = await bench.run(hard);
    assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'completed', turns: TURNS + 1 });
    assert.ok(toolTexts(run).every((text) => text.length === RESULT));
    const carried = carriedBytes(history);
    assert.ok(
      carried > CARRIED_STATE_BYTES_MAX / 2 && carried < CARRIED_STATE_BYTES_MAX / 0.7,
      `${carried} bytes were carried`,
    );
  });
});

const folder = await mkdtemp(join(tmpdir(), 'holdfast-carried-'));
after(() => rm(folder, { recursive: true, force: true }));

endToEnd(
  'carried through a store',
  (bench) => {
    const hard = talker(bench, noise);
    test('goes through the store if it does not compress', async () => {
      const { run, history, result } = await bench.run(hard);
      assert.deepEqual({ status: result.status, turns: result.turns }, { status: 'completed', turns: TURNS + 1 });
      assert.equal(toolTexts(run).length, TURNS * CALLS);
      assert.ok(carriedBytes(history) > CARRIED_STATE_BYTES_MAX, `${carriedBytes(history)} bytes were carried`);
      assert.ok((await readdir(folder)).length > 0);
    });
  },
  { payloads: { storage: fileStorage(folder) } },
);
