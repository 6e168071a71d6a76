// Durations have Temporal's grammar everywhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineAgent, defineTool } from '../../activities/index.ts';
import { parseBudget, parseDuration } from '../../cli/view/budget.ts';
import { scheduleSpec } from '../../client/schedules/scheduleTimes.ts';
import { type Duration, durationMs } from '../../core/duration.ts';

const READ: readonly { text: Duration; ms: number }[] = [
  { text: '30 seconds', ms: 30_000 },
  { text: '1.5h', ms: 5_400_000 },
  { text: '90s', ms: 90_000 },
  { text: '10 s', ms: 10_000 },
  { text: '2 Days', ms: 172_800_000 },
  { text: '1 week', ms: 604_800_000 },
  { text: '5 mins', ms: 300_000 },
];

const tool = (options: object) =>
  defineTool({ name: 'look', description: 'Looks.', input: z.object({}), effect: 'read', run: () => 1, ...options });
const agent = (options: object) => defineAgent({ name: 'a', model: 'm', instructions: 'Do.', ...options });

/** Each place that takes a duration, and the milliseconds that it makes of one. */
const PLACES: Readonly<Record<string, (duration: Duration) => unknown>> = {
  'timeout of a tool': (timeout) => tool({ timeout }).policy.timeoutMs,
  'heartbeat of a tool': (heartbeat) => tool({ heartbeat }).policy.heartbeatMs,
  'retry.initial of a tool': (initial) => tool({ retry: { initial } }).policy.backoff.initialMs,
  'retry.max of a tool': (max) => tool({ retry: { max } }).policy.backoff.maxMs,
  'timeLimit of an agent': (timeLimit) => agent({ timeLimit }).rules.timeLimitMs,
  'approvalTimeout of an agent': (approvalTimeout) => agent({ approvalTimeout }).rules.approvalTimeoutMs,
  'idleTimeout of an agent': (idleTimeout) => agent({ idleTimeout }).rules.idleMs,
  'budget.activeTime of an agent': (activeTime) => agent({ budget: { activeTime } }).rules.budget?.activeMs,
  'every of a schedule': (every) => scheduleSpec({ every }).intervals?.[0]?.every,
  '--budget': (duration) => parseBudget(`active=${duration}`).activeMs,
  '--active, --stream-interval': (duration) => parseDuration(String(duration)),
};

for (const [place, msOf] of Object.entries(PLACES)) {
  test(`${place} accepts Temporal's durations`, () => {
    for (const { text, ms } of READ) assert.equal(msOf(text), ms, String(text));
  });

  test(`${place} rejects an invalid duration with an example`, () => {
    // What a caller without a compiler may write.
    for (const wrong of ['soon', '1h30m', '-1s'] as Duration[])
      assert.throws(
        () => msOf(wrong),
        ({ message }: Error) => message.includes(`"${wrong}"`) && /30 seconds/.test(message),
        String(wrong),
      );
  });
}

test('has a type that the compiler checks', () => {
  // @ts-expect-error: no duration, whatever the SDK's own type says
  const wrong: Duration = 'soon';
  // @ts-expect-error: nor is this
  const never: Duration = {};
  const right: readonly Duration[] = ['30 seconds', '1.5h', '10 S', '2 Days', 5];
  assert.deepEqual([wrong, never].map(durationMs), [Number.NaN, Number.NaN]);
  assert.deepEqual(right.map(durationMs), [30_000, 5_400_000, 10_000, 172_800_000, 5]);
});

test('reads a number as whole milliseconds', () => {
  assert.deepEqual([250, '250' as Duration, 1.4, '1.6ms' as Duration].map(durationMs), [250, 250, 1, 2]);
  assert.equal(tool({ timeout: 250 }).policy.timeoutMs, 250);
});

test('returns NaN for anything else', () => {
  for (const wrong of ['', ' ', '1 fortnight', 'x'.repeat(200), null, undefined, {}, true])
    assert.ok(Number.isNaN(durationMs(wrong as Duration)), JSON.stringify(wrong));
});

test('requires a unit on the command line', () => {
  assert.throws(() => parseDuration('30'), /"30" has no unit\. Give a number and a unit: "30 seconds"/);
});

test("names the tool's option with an invalid duration", () => {
  assert.throws(() => tool({ timeout: 'soon' }), /Tool "look": timeout is "soon", which is not a duration\. Use '30/);
  assert.throws(() => tool({ heartbeat: 0 }), /heartbeat is 0, which is shorter than a millisecond/);
  assert.throws(() => tool({ timeout: Number.POSITIVE_INFINITY }), /timeout is Infinity, which is longer than 24 days/);
});
