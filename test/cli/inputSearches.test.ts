// A search of inputs answers before it has ended, is one for all pages that ask for the same, and ends when none does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputSearches, type SearchRuns } from '../../cli/console/inputSearches.ts';
import { gate } from '../support/waits.ts';

const progress = (searched: number) => ({ searched, found: [], isCut: false });

test('answers with what it has found so far, and is not started again', async () => {
  const searches = new InputSearches();
  const held = gate();
  let started = 0;
  const search: SearchRuns = async ({ onSearch }) => {
    started += 1;
    onSearch(progress(3));
    await held.opened;
    onSearch(progress(9));
  };
  assert.deepEqual(await searches.ask('a', search), { ...progress(3), isRunning: true });
  const [one, other] = [searches.ask('a', search), searches.ask('a', search)];
  held.open();
  assert.deepEqual(await one, { ...progress(9), isRunning: false });
  assert.deepEqual(await other, { ...progress(9), isRunning: false });
  assert.equal(started, 1);
});

test('gives the error of a search, and begins again', async () => {
  const searches = new InputSearches();
  await assert.rejects(
    searches.ask('a', async () => {
      throw new Error('no server');
    }),
    /no server/,
  );
  const found = await searches.ask('a', async ({ onSearch }) => onSearch(progress(1)));
  assert.deepEqual(found, { ...progress(1), isRunning: false });
});

test('shows what it found before until the same search has ended again', async (context) => {
  context.mock.timers.enable({ apis: ['Date'] });
  const searches = new InputSearches();
  await searches.ask('a', async ({ onSearch }) => onSearch(progress(7)));
  context.mock.timers.tick(60_000);
  const held = gate();
  const again: SearchRuns = async ({ onSearch }) => {
    onSearch(progress(1));
    await held.opened;
    onSearch(progress(8));
  };
  assert.deepEqual(await searches.ask('a', again), { ...progress(7), isRunning: false });
  const last = searches.ask('a', again);
  held.open();
  assert.deepEqual(await last, { ...progress(8), isRunning: false });
});

test('tells a search that no page asks for it any more', async (context) => {
  context.mock.timers.enable({ apis: ['Date'] });
  const searches = new InputSearches();
  const held = gate();
  let isWanted = () => true;
  await searches.ask('a', async (options) => {
    isWanted = options.isWanted;
    await held.opened;
  });
  assert.equal(isWanted(), true);
  context.mock.timers.tick(9_000);
  assert.equal(isWanted(), true);
  context.mock.timers.tick(2_000);
  assert.equal(isWanted(), false);
  held.open();
});
