// What `debug` says of a step, without a terminal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { returns } from '../../agents/returns/agent.ts';
import { stepLines } from '../../cli/debug/stepLines.ts';
import { readSteps } from '../../core/read/steps.ts';
import { testAgent } from '../../worker/testing/index.ts';
import { quietLogs } from '../support/quiet.ts';

quietLogs();

test('says where a request has other messages than the one before', async () => {
  await using lab = await testAgent(returns);
  const handle = await lab.start('I am customer 471. Please refund order 4711.', { id: 'returns-471' });
  await handle.result();
  const { run, steps } = readSteps(await handle.histories());
  const [compaction] = run.compactions;
  assert.ok(compaction);
  const after = steps.flatMap((step, at) =>
    stepLines(step, run, steps[at - 1])
      .filter((line) => line.startsWith('Against the request before'))
      .map((line) => [step.event.type === 'model_call_started' && step.event.turn, line]),
  );
  const turn = compaction.turn + 1;
  assert.deepEqual(
    after.map(([of]) => of),
    [turn],
  );
  assert.match(
    String(after[0]?.[1]),
    new RegExp(`, \\d+ messages of it are changed or gone\\. See it: .* show returns-471 --turn ${turn} --diff$`),
  );
});
