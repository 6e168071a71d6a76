// Reads histories that were recorded before a name in them had a meaning.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { COMPACT_ACTIVITY } from '../../core/names.ts';
import { readRun } from '../../core/read/readRun.ts';
import { historiesFromJson } from '../../worker/historyJson.ts';

test('reads a recorded tool that has the name of a newer engine activity', async () => {
  const recorded = await readFile(new URL('../histories/all-fail-once.json', import.meta.url), 'utf8');
  const run = readRun(...historiesFromJson(recorded));
  const [tool = ''] = run.turns.flatMap(({ calls }) => calls.map((call) => call.tool));
  const renamed = recorded.replaceAll(`"name": "${tool}"`, `"name": "${COMPACT_ACTIVITY}"`);
  assert.notEqual(renamed, recorded);
  assert.deepEqual(readRun(...historiesFromJson(renamed)), run);
});
