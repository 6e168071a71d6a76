// The simulation finds bugs: each of these, put into a copy of the workflow, within so many runs. The rarer ones are looked for
// by `npm run prove -- simulation --long`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutatedBundle } from '../support/mutatedWorkflows.ts';
import { BUGS } from './bugs.ts';
import { playSeeds } from './seeds.ts';

/** Ten times what the slowest of them took. */
const SEEDS = 1_500;

for (const { what, edit, found } of BUGS.filter(({ isRare }) => !isRare))
  test(`it finds that ${what}`, async () => {
    const code = await mutatedBundle([edit]);
    const { failures } = await playSeeds({ from: 1, count: SEEDS, code, failuresMax: 1 });
    assert.match(failures[0]?.problem ?? `nothing in ${SEEDS} seeds`, found);
  });
