// The replay gate catches changes that would break open runs, and lets others pass: some of them here, all in `npm run prove
// -- replayGate`. Its golden histories cover every ending and feature.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { COMPATIBLE, INCOMPATIBLE } from '../support/gateEdits.ts';
import { misplaced, mutatedBundle, sampleOf } from '../support/mutatedWorkflows.ts';
import { quietLogs } from '../support/quiet.ts';
import { CAUGHT, firstMisfit, readGoldens, shownBy, TO_BE_SHOWN } from '../support/replayGate.ts';

const goldens = await readGoldens();

before(quietLogs);

test('has a golden history of each ending, command and continue-as-new', () => {
  const shown = shownBy(goldens);
  assert.deepEqual(
    TO_BE_SHOWN.filter((what) => !shown.has(what)),
    [],
  );
});

test('has a place in the workflow for each change', async () => {
  assert.deepEqual(await misplaced([...INCOMPATIBLE, ...COMPATIBLE].flatMap(({ edits }) => edits)), []);
});

for (const { what, edits } of sampleOf(INCOMPATIBLE))
  test(`catches: ${what}`, async () => {
    assert.match((await firstMisfit({ code: await mutatedBundle(edits) }, goldens)) ?? 'nothing', CAUGHT);
  });

for (const { what, edits } of sampleOf(COMPATIBLE))
  test(`passes: ${what}`, async () => {
    assert.equal(await firstMisfit({ code: await mutatedBundle(edits) }, goldens), null);
  });
