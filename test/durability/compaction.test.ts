// A worker that dies during or right after a compaction loses nothing: the next one writes the summary, loads the transcript,
// and completes the run.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Run } from '../../client/index.ts';
import { isSummaryRequest } from '../../core/summaryRequest.ts';
import { transcriptProblem } from '../../core/transcript.ts';
import type { Message } from '../../core/types.ts';
import { readLedger, untilLedger } from '../support/ledger.ts';
import { serverAddress } from '../support/server.ts';
import { STEPS, scripts, summaries, WAITS_AT } from './compactionAgent.ts';
import { openCase } from './openCase.ts';

const module = new URL('./compactionAgent.ts', import.meta.url);
const cast = { module, scripts, summaries, contextTokens: { packer: 2_500 } };

/** What the model was sent in the end: only the words differ by which one run is told from the other. */
function transcript(run: Run): string {
  return JSON.stringify(run.transcript).replaceAll('Go, and wait.', 'Go.').replaceAll('true', 'false');
}

for (const [mode, maxCached] of [
  ['cached workflows', {}],
  ['replaying every task', { maxCachedWorkflows: 0 }],
] as const)
  describe(`a compaction whose workers die (${mode})`, () => {
    test('survives SIGKILL while the summary is written, and right after', async () => {
      const address = await serverAddress();
      const { holdfast, model, ledger, worker, killAndReplace, close } = await openCase(address, cast, maxCached);
      const sent = () => model.requests.map(({ body }) => (body as { messages: Message[] }).messages);
      try {
        await worker();
        const handle = await holdfast.start('packer', 'Go, and wait.', { id: `packer-${randomUUID()}` });
        await model.until(() => sent().some(isSummaryRequest));
        await killAndReplace();
        await untilLedger(ledger, (entries) => entries.some(({ call }) => call === `step ${WAITS_AT}`));
        await killAndReplace();
        const result = await handle.result();
        assert.deepEqual(
          { status: result.status, turns: result.turns, calls: result.calls, warnings: result.warnings },
          { status: 'completed', turns: STEPS + 1, calls: STEPS, warnings: [] },
        );
        const run = await handle.read();
        assert.deepEqual(
          { attempts: run.compactions[0]?.attempts, strategy: run.compactions[0]?.strategy },
          { attempts: 2, strategy: 'summarise' },
        );

        const ended = readLedger(ledger).filter(({ what }) => what === 'ended');
        assert.deepEqual(
          ended.map(({ call }) => call),
          Array.from({ length: STEPS }, (_, i) => `step ${i + 1}`),
          'each step was taken once',
        );
        for (const messages of sent()) assert.equal(transcriptProblem(messages), null);

        const peaceful = await holdfast.start('packer', 'Go.', { id: `packer-${randomUUID()}` });
        await peaceful.result();
        const undisturbed = await peaceful.read();
        assert.equal(transcript(run), transcript(undisturbed));
        assert.deepEqual(
          run.compactions.map(({ turn, messages }) => [turn, messages]),
          undisturbed.compactions.map(({ turn, messages }) => [turn, messages]),
        );
        assert.ok(undisturbed.compactions.length >= 1 && undisturbed.compactions[0]!.turn < WAITS_AT);
      } finally {
        await close();
      }
    });
  });
