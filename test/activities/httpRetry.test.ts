// Retry-After in every form that servers send is honoured up to a minute.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { retryAfterMs } from '../../activities/httpRetry.ts';

const NOW_MS = Date.parse('Fri, 20 Nov 2026 12:00:00 GMT');
const MINUTE_MS = 60_000;

const TABLE: readonly [headers: Record<string, string>, ms: number | undefined][] = [
  [{}, undefined],
  [{ 'retry-after': '2' }, 2_000],
  [{ 'retry-after': '0' }, undefined],
  [{ 'retry-after-ms': '0' }, undefined],
  [{ 'retry-after': '1.5' }, 1_500],
  [{ 'retry-after': ' 3 ' }, 3_000],
  [{ 'retry-after': '86400' }, MINUTE_MS],
  [{ 'retry-after': '99999999999999999999' }, MINUTE_MS],
  [{ 'retry-after': '-5' }, undefined],
  [{ 'retry-after': '' }, undefined],
  [{ 'retry-after': 'soon' }, undefined],
  [{ 'retry-after': '1e3' }, undefined],
  [{ 'retry-after': '0x10' }, undefined],
  [{ 'retry-after': 'NaN' }, undefined],
  [{ 'retry-after': 'Fri, 20 Nov 2026 12:00:07 GMT' }, 7_000],
  [{ 'retry-after': 'Sat, 21 Nov 2026 12:00:00 GMT' }, MINUTE_MS],
  [{ 'retry-after': 'Thu, 19 Nov 2026 12:00:00 GMT' }, undefined],
  [{ 'retry-after-ms': '250' }, 250],
  [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
  [{ 'retry-after-ms': '-250', 'retry-after': '9' }, 9_000],
  [{ 'retry-after-ms': 'x', 'retry-after': '9' }, 9_000],
];

for (const [headers, ms] of TABLE)
  test(`${JSON.stringify(headers)} is ${ms === undefined ? 'no delay asked for' : `${ms} ms`}`, () => {
    assert.equal(retryAfterMs(new Headers(headers), NOW_MS), ms);
  });

test('returns a delay of at most a minute, or none, for any header', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ -~]*$/), fc.stringMatching(/^[ -~]*$/), (after, ms) => {
      const delay = retryAfterMs(new Headers({ 'retry-after': after, 'retry-after-ms': ms }), NOW_MS);
      assert.ok(delay === undefined || (delay >= 0 && delay <= MINUTE_MS));
    }),
  );
});
