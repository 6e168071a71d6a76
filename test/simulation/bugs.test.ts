// The simulation finds bugs that are put into a copy of the workflow: some of them here, all in `npm run prove -- simulation`,
// where `--long` looks for the rarer ones as well.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { misplaced, mutatedBundle, sampleOf } from '../support/mutatedWorkflows.ts';
import { BUGS } from './bugs.ts';
import { playSeeds } from './seeds.ts';

/** Ten times what the slowest of them took. */
const SEEDS = 1_500;

test('has a place in the workflow for each bug', async () => {
  assert.deepEqual(await misplaced(BUGS.map(({ edit }) => edit)), []);
});

for (const { what, edit, found } of sampleOf(BUGS.filter(({ isRare }) => !isRare)))
  test(`finds that ${what}`, async () => {
    const code = await mutatedBundle([edit]);
    const { failures } = await playSeeds({ from: 1, count: SEEDS, code, failuresMax: 1 });
    assert.match(failures[0]?.problem ?? `nothing in ${SEEDS} seeds`, found);
  });
