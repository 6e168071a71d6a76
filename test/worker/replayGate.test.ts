// The replay gate catches changes that would break runs in flight, and lets others pass; and the golden histories that it
// goes by have every ending and feature among them.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { COMPATIBLE, INCOMPATIBLE } from '../support/gateEdits.ts';
import { mutatedBundle } from '../support/mutatedWorkflows.ts';
import { quietLogs } from '../support/quiet.ts';
import { firstMisfit, readGoldens, shownBy, TO_BE_SHOWN } from '../support/replayGate.ts';

const goldens = await readGoldens();

before(quietLogs);

test('each ending, each order and each way to leave a history is in a golden one', () => {
  const shown = shownBy(goldens);
  assert.deepEqual(
    TO_BE_SHOWN.filter((what) => !shown.has(what)),
    [],
  );
});

for (const { what, edits } of INCOMPATIBLE)
  test(`is caught: ${what}`, async () => {
    assert.match(
      (await firstMisfit({ code: await mutatedBundle(edits) }, goldens)) ?? 'nothing',
      /nondeterminism|TMPRL1100/i,
    );
  });

for (const { what, edits } of COMPATIBLE)
  test(`passes: ${what}`, async () => {
    assert.equal(await firstMisfit({ code: await mutatedBundle(edits) }, goldens), null);
  });
