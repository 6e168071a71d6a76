// When schedules in memory are due: what cron strings say, at the changes of local time, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduleTimes } from '../../worker/memory/scheduleTimes.ts';

function nextTimes(cron: string, zone: string, after: string, count: number): (string | null)[] {
  const times = scheduleTimes({ cronString: [cron], timezoneName: zone });
  const found: (string | null)[] = [];
  let atMs: number | null = Date.parse(after);
  while (found.length < count && atMs !== null) {
    atMs = times.next(atMs);
    found.push(atMs === null ? null : new Date(atMs).toISOString().slice(0, 19));
  }
  return found;
}

test('comes to half past one twice in the night that has it twice', () => {
  assert.deepEqual(nextTimes('30 1 * 11 *', 'America/New_York', '2026-11-01T00:00:00Z', 3), [
    '2026-11-01T05:30:00',
    '2026-11-01T06:30:00',
    '2026-11-02T06:30:00',
  ]);
});

test('leaves out half past two in the night that has none', () => {
  assert.deepEqual(nextTimes('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', 2), [
    '2026-03-28T01:30:00',
    '2026-03-30T00:30:00',
  ]);
});

test('finds rare days, and knows when there are none', () => {
  assert.deepEqual(nextTimes('0 12 29 2 MON', 'UTC', '2026-01-01T00:00:00Z', 2), [
    '2044-02-29T12:00:00',
    '2072-02-29T12:00:00',
  ]);
  assert.deepEqual(nextTimes('0 0 31 2 *', 'Europe/Berlin', '2026-01-01T00:00:00Z', 1), [null]);
});

test('reads Sunday as 7, ranges with steps, seconds and years', () => {
  assert.deepEqual(nextTimes('0 0 * * 5-7/2', 'UTC', '2026-01-01T00:00:00Z', 3), [
    '2026-01-02T00:00:00',
    '2026-01-04T00:00:00',
    '2026-01-09T00:00:00',
  ]);
  assert.deepEqual(nextTimes('40/10 59 23 31 12 * 2026', 'UTC', '2026-01-01T00:00:00Z', 3), [
    '2026-12-31T23:59:40',
    '2026-12-31T23:59:50',
    null,
  ]);
});

test('refuses what it does not have', () => {
  assert.throws(() => scheduleTimes({ cronString: ['@every 1h'] }), /UNIMPLEMENTED: .*@every/);
  assert.throws(() => scheduleTimes({ jitter: { nanos: 5_000_000 } }), /UNIMPLEMENTED: .*jitter/);
  assert.throws(() => scheduleTimes({ cronString: ['0 0 * * 8'] }), /DayOfWeek is not in range/);
});
