// Any answer of a model becomes a valid message with one plan entry for each call, or an error.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NO_USAGE } from '../../core/usage.ts';
import { answers, checkPlan, planned } from '../support/planFuzz.ts';

const PAYLOAD_BYTES_MAX = 2 * 1024 * 1024;

test('plans any answer validly, and runs only known tools with valid arguments', async () => {
  await fc.assert(fc.asyncProperty(answers, checkPlan), { numRuns: 1_000 });
});

test('warns of data of the provider that is too much to keep', async () => {
  const answer = { content: 'Here.', refusal: '', calls: [], finishReasons: ['stop'], model: '', usage: NO_USAGE };
  const kept = await planned({ ...answer, extra: { reasoning: 'r'.repeat(500_000) } });
  assert.deepEqual([kept?.warning, kept?.message.provider?.from], [undefined, 'a']);
  const dropped = await planned({ ...answer, extra: { reasoning: 'r'.repeat(600_000) } });
  assert.equal(dropped?.message.provider, undefined);
  assert.equal(dropped?.warning?.code, 'provider_data_dropped');
  assert.match(dropped?.warning?.text ?? '', /^Turn 2: the provider sent 600,0\d\d bytes/);
});

test('fits a payload for any answer', async () => {
  const quotes = JSON.stringify({ key: '"\\'.repeat(50_000) });
  const calls = Array.from({ length: 2_500 }, (_, i) => ({
    id: 'i'.repeat(40),
    name: i % 3 ? 'n'.repeat(200) : 'note',
    arguments: i % 2 ? quotes : '{"key":7,"n":"\\u0001"}',
  }));
  const plan = await planned({
    content: '\n'.repeat(300_000),
    refusal: '',
    calls,
    finishReasons: [],
    model: '',
    usage: NO_USAGE,
  });
  assert.ok(Buffer.byteLength(JSON.stringify(plan)) < PAYLOAD_BYTES_MAX * 0.95);
  assert.equal(
    await planned({
      content: '\n'.repeat(600_000),
      refusal: '',
      calls: [],
      finishReasons: [],
      model: '',
      usage: NO_USAGE,
    }),
    null,
  );
});
