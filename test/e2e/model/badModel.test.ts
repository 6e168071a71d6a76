// A model that answers badly at random: every run ends, and no invalid request is sent. `npm run prove` plays more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runWithBadModel } from '../../support/badModelRuns.ts';
import { quietLogs } from '../../support/quiet.ts';
import { serverAddress } from '../../support/server.ts';

const RUNS = 40;

test('ends every run with a valid transcript, whatever the model answers', async () => {
  quietLogs();
  const { statuses, requests, ...found } = await runWithBadModel({
    address: await serverAddress(),
    seed: 1,
    runs: RUNS,
  });
  assert.deepEqual(found, {
    runs: RUNS,
    stuck: [],
    invalidRequests: [],
    invalidTranscripts: [],
    unhandledRejections: [],
  });
  assert.equal(
    Object.values(statuses).reduce((sum, count) => sum + count),
    RUNS,
  );
  // More than one answer a run: bad answers had failed calls, which the model read.
  assert.ok(requests > 2 * RUNS, `${requests} requests`);
  assert.ok((statuses['completed'] ?? 0) > 0);
});
