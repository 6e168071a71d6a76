// The warnings of a run stay readable and within one payload.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchWarning } from '../../core/batch/report.ts';
import { reason } from '../../core/reasons/reason.ts';
import type { Outcome } from '../../core/types.ts';
import { wording } from '../support/wording.ts';

const failed = (tool: string, message: string): Outcome => ({
  ok: false,
  ran: true,
  tool,
  kind: 'failed',
  reason: reason('tool_error', { message }),
});

test('lists all failures of a batch in one warning, one per line', () => {
  const warning = batchWarning(2, [failed('a', 'x'), failed('b', 'y')]);
  assert.equal(warning?.code, 'calls_failed');
  wording(() => assert.equal(warning?.text, 'Turn 2: Multiple errors occurred:\n- a: x\n- b: y'));
});

test('cuts a thousand long errors to fifty lines and a count', () => {
  const outcomes = Array.from({ length: 1_000 }, (_, i) => failed(`tool${i}`, 'x'.repeat(4_000)));
  const warning = batchWarning(1, outcomes);
  assert.equal(warning?.code === 'calls_failed' && warning.parameters.failures.length, 50);
  const lines = (warning?.text ?? '').split('\n');
  wording(() => assert.equal(lines.length, 52));
  wording(() => assert.equal(lines.at(-1), '- and 950 more'));
  assert.ok(lines.every((line) => line.length < 400));
});
