// Histories of earlier versions replay against today's workflow code, and the read model reads them. `HOLDFAST_RECORD=1`
// writes missing ones (see ../support/histories.ts); existing ones never change.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { Worker } from '@temporalio/worker';
import { readRun } from '../../../core/read/readRun.ts';
import { transcriptProblem } from '../../../core/transcript.ts';
import { historyFromJson } from '../../../worker/historyJson.ts';
import { workflowCode } from '../../../worker/workflowBundle.ts';
import { GOLDEN_FOLDER } from '../../support/histories.ts';
import { quietLogs } from '../../support/quiet.ts';

const BYTES_MAX = 200_000;

const names = (await readdir(GOLDEN_FOLDER)).filter((name) => name.endsWith('.json'));

before(quietLogs);

test('has golden histories', () => {
  assert.ok(names.length >= 70, `${names.length} in ${GOLDEN_FOLDER.pathname}`);
});

for (const name of names) {
  test(`replays and reads ${name}`, async () => {
    const text = await readFile(new URL(name, GOLDEN_FOLDER), 'utf8');
    assert.ok(text.length <= BYTES_MAX, `${text.length} bytes`);
    const history = historyFromJson(text);
    // It is the SDK's own history: our type leaves out what we do not read.
    const given = history as Parameters<typeof Worker.runReplayHistory>[1];
    // Under its own id: those of its sub-agents are made from it.
    const { workflowId } = history.events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
    await Worker.runReplayHistory({ workflowBundle: await workflowCode() }, given, workflowId ?? undefined);

    const run = readRun(history);
    // A history that was continued as new has no end of its own.
    if (history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes) return;
    assert.notEqual(run.status, 'running');
    assert.notEqual(run.endedAtMs, null);
    assert.ok(run.turns.length + (run.earlier?.turns ?? 0) >= 1);
    assert.equal(transcriptProblem(run.transcript), null);
    for (const call of run.turns.flatMap(({ calls }) => calls)) assert.notEqual(call.text, null);
  });
}
