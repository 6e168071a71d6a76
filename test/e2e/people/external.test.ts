// Tools that are carried out outside: a call waits like an approval, and can only be answered or rejected.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { external } from '../../../activities/index.ts';
import { endToEnd } from '../../support/bench.ts';
import { asked } from '../../support/people.ts';
import { golden, toolTexts } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

const sign = external({
  name: 'sign',
  description: 'Has a document signed.',
  input: z.object({ document: z.string() }),
});

endToEnd('tools that are carried out outside', (bench) => {
  const notary = bench.agent({
    tools: [sign],
    permissions: { deny: [{ tool: 'sign', when: ({ document }) => document === 'secret', reason: 'it is secret' }] },
    maxHistoryEvents: 60,
    script: ({ turn }) =>
      turn === 1
        ? { calls: ['a', 'b', 'secret', 7].map((document) => ({ tool: 'sign', arguments: { document } })) }
        : 'Done.',
  });
  test('wait in the inbox, and take an answer or a rejection, once', async () => {
    const handle = await bench.holdfast.start(notary.name, 'Go.', golden(bench.cached, 'external'));
    const [a, b] = await asked(handle, 2);
    assert.deepEqual([a?.external, b?.external], [true, true]);
    const inbox = await eventually(async () => {
      const { waiting } = await bench.holdfast.inbox({ agent: notary.name, limit: 1_000 });
      return waiting.find(({ workflowId }) => workflowId === handle.workflowId);
    });
    assert.ok(inbox.questions.every((question) => question.kind === 'approval' && question.external));

    const of = ({ call, digest }: NonNullable<typeof a>) => ({ call, digest });
    for (const verdict of ['approve', 'edit'] as const)
      await assert.rejects(handle.decide({ ...of(a!), verdict, arguments: '{"document":"z"}' }), {
        name: 'CommandRejected',
        message: /1\.0 is carried out elsewhere: respond with its result, or reject it/,
      });
    await handle.decide({ ...of(a!), verdict: 'respond', text: '{"signed":true}', by: 'service' });
    const again = await handle.decide({ ...of(a!), verdict: 'respond', text: '{"signed":false}' });
    assert.equal(again.text, '{"signed":true}');
    await handle.decide({ ...of(b!), verdict: 'reject', why: 'The customer is away.' });

    const { run, result } = await bench.finished(handle.workflowId);
    const [first, second, third, fourth] = toolTexts(run);
    assert.match(first!, /\{"signed":true\}/);
    assert.match(second!, /The customer is away/);
    assert.match(third!, /it is secret/);
    assert.match(fourth!, /invalid arguments: document/);
    assert.equal(result.spend.toolCalls, 0);
  });

  const patient = bench.agent({
    tools: [sign],
    approvalTimeout: '1 s',
    script: ({ turn }) => (turn === 1 ? { calls: [{ tool: 'sign', arguments: { document: 'a' } }] } : 'Done.'),
  });
  test('are given up after the time for approvals', async () => {
    const { run } = await bench.run(patient, 'Go.', golden(bench.cached, 'external-timeout'));
    assert.match(toolTexts(run)[0]!, /nobody decided within 1 second/);
  });
});
