// A call that needs a person waits, its siblings run on, and the first decision counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineTool } from '../../activities/index.ts';
import type { RunHandle } from '../../client/index.ts';
import { toolCalls } from '../../core/run.ts';
import { endToEnd } from '../support/bench.ts';
import { counter, golden, toldOf } from '../support/said.ts';

/** Resolves when the run asks about `n` calls. */
async function questionsOf(handle: RunHandle, n = 1) {
  const asked = [];
  for await (const event of handle.events()) {
    if (event.type === 'question') asked.push(event.question);
    if (asked.length === n) break;
  }
  return asked;
}

endToEnd('approvals', (bench) => {
  const paid = counter();
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    input: z.object({ amount: z.number() }),
    effect: 'idempotent',
    approval: ({ amount }) => amount > 100 && { ask: `Pay ${amount}?` },
    run: ({ amount }) => {
      paid.add(amount);
      return `paid ${amount}`;
    },
  });
  const payer = (amounts: number[]) =>
    bench.agent({
      tools: [pay],
      script: [{ calls: amounts.map((amount) => ({ tool: 'pay', arguments: { amount } })) }, { text: 'Done.' }],
    });

  const approving = payer([50, 500]);
  test('approve lets the call run, and its sibling has run before', async () => {
    const before = paid.value;
    const id = golden(bench.cached, 'approved').id ?? 'approved-replaying';
    const handle = await bench.holdfast.start(approving.name, 'Go.', { id });
    const [question] = await questionsOf(handle);
    assert.ok(question?.kind === 'approval');
    assert.deepEqual([question.call, question.tool, question.question], ['1.1', 'pay', 'Pay 500?']);
    await paid.until(before + 50);
    const decided = await handle.approve('1.1', { by: 'ann', why: 'known customer' });
    assert.deepEqual([decided.verdict, decided.by, decided.isFirst], ['approve', 'ann', true]);
    const { result, run } = await bench.finished(handle.workflowId);
    assert.deepEqual([result.status, result.output, result.failedCalls], ['completed', 'Done.', 0]);
    assert.deepEqual(toldOf(run), ['paid 50', 'paid 500']);
    assert.equal(paid.value - before, 550);
    assert.equal(toolCalls(run)[1]?.decision?.why, 'known customer');
  });
});
