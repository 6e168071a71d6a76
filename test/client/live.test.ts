// What is new of a running activity between two polls: each piece once, and nothing of an earlier attempt.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOTHING_REPORTED, newEvents, type PendingActivity, type Reported } from '../../client/follow/live.ts';
import { FAILURE } from '../../core/names.ts';
import type { LiveEvent } from '../../core/read/run.ts';

const STARTED = { seconds: 100 };

function pending(attempt: number, details: object | null, activityId = '2.model'): PendingActivity {
  const data = new TextEncoder().encode(JSON.stringify(details));
  return {
    activityId,
    attempt,
    lastStartedTime: STARTED,
    lastHeartbeatTime: { seconds: 101 },
    heartbeatDetails: details && { payloads: [{ data }] },
    lastFailure: attempt > 1 ? { message: 'it broke' } : null,
  };
}

/** Looks at each in turn, and gives what was told, without what is the same in all of it. */
function looks(...activities: PendingActivity[]): Record<string, unknown>[] {
  let reported: Reported = NOTHING_REPORTED;
  return activities.flatMap((activity) => {
    const { events, now } = newEvents(activity, reported);
    reported = now;
    return events.map(({ atMs: _, ...event }: LiveEvent) => event);
  });
}

const said = (attempt: number, offset: number, text: string, calls: object[] = []) => ({
  attempt,
  offset,
  text,
  calls,
});
const call = (slot: number, offset: number, written: string) => ({ slot, tool: 'order', offset, arguments: written });

test('reports text from where the last poll ended, and nothing twice', () => {
  const [, ...events] = looks(
    pending(1, said(1, 0, 'One')),
    pending(1, said(1, 0, 'One two')),
    pending(1, said(1, 0, 'One two')),
    // The heartbeat has only the end: some text came faster than it was polled.
    pending(1, said(1, 10, 'five')),
  );
  const text = { type: 'text', turn: 2, attempt: 1 };
  assert.deepEqual(events, [
    { ...text, offset: 0, text: 'One' },
    { ...text, offset: 3, text: ' two' },
    { ...text, offset: 10, text: 'five' },
  ]);
});

test('reports a call when it begins, and then new arguments of each call', () => {
  const [, ...events] = looks(
    pending(1, said(1, 0, '', [call(0, 0, '')])),
    pending(1, said(1, 0, '', [call(0, 0, '{"a"')])),
    pending(1, said(1, 0, '', [call(0, 2, 'a":1}'), call(1, 0, '{')])),
    pending(1, said(1, 0, '', [call(0, 7, ''), call(1, 0, '{}')])),
    pending(1, said(1, 0, '', [call(1, 0, '{}'), call(2, 9, '!')])),
  );
  const calling = { type: 'call_arguments', turn: 2, attempt: 1, tool: 'order' };
  assert.deepEqual(events, [
    { ...calling, slot: 0, offset: 0, arguments: '' },
    { ...calling, slot: 0, offset: 0, arguments: '{"a"' },
    { ...calling, slot: 0, offset: 4, arguments: ':1}' },
    { ...calling, slot: 1, offset: 0, arguments: '{' },
    { ...calling, slot: 1, offset: 1, arguments: '}' },
    { ...calling, slot: 2, offset: 9, arguments: '!' },
  ]);
});

test('reports a restart only if text or calls were reported before', () => {
  const restarts = (...activities: PendingActivity[]) =>
    looks(...activities).flatMap((event) => (event['type'] === 'attempt' ? [event['restarts']] : []));
  assert.deepEqual(restarts(pending(1, said(1, 0, 'One')), pending(2, null)), [false, true]);
  assert.deepEqual(restarts(pending(1, said(1, 0, '', [call(0, 0, '')])), pending(2, null)), [false, true]);
  assert.deepEqual(restarts(pending(1, said(1, 0, '')), pending(2, null)), [false, false]);
  assert.deepEqual(restarts(pending(1, said(1, 0, 'One')), pending(2, null), pending(3, null)), [false, true, false]);
  assert.deepEqual(restarts(pending(2, said(2, 0, 'Who follows from here on has nothing to drop.'))), [false]);
  assert.deepEqual(restarts(pending(1, { attempt: 1, progress: 5 }, '2.0'), pending(2, null, '2.0')), [false, false]);
});

test('ignores what the previous attempt left in the heartbeats', () => {
  const events = looks(
    pending(1, said(1, 0, 'Wrong', [call(0, 0, '{')])),
    pending(2, said(1, 0, 'Wrong and more', [call(0, 0, '{}')])),
    pending(2, said(2, 0, 'Ri', [call(0, 0, '[')])),
  );
  const attempt = { turn: 2, attempt: 2 };
  assert.deepEqual(events.slice(3), [
    { type: 'attempt', ...attempt, slot: null, restarts: true, lastError: 'it broke', lastFailure: 'error' },
    { type: 'text', ...attempt, offset: 0, text: 'Ri' },
    { type: 'call_arguments', ...attempt, slot: 0, tool: 'order', offset: 0, arguments: '[' },
  ]);
});

test("reports a tool's progress when it changes", () => {
  const events = looks(...[1, 1, 2].map((progress) => pending(1, { attempt: 1, progress }, '2.5')));
  assert.deepEqual(
    events.map(({ type, slot, progress }) => [type, slot, progress]),
    [
      ['attempt', 5, undefined],
      ['progress', 5, 1],
      ['progress', 5, 2],
    ],
  );
});

test('reports what the task of a call does, and no attempts for the looks at it', () => {
  const look = (attempt: number, message: string): PendingActivity => ({
    ...pending(attempt, null, '2.0'),
    lastFailure: attempt > 1 ? { message, applicationFailureInfo: { type: FAILURE.taskRuns } } : null,
  });
  const [first, ...events] = looks(
    pending(1, null, '2.0'),
    look(1, ''),
    look(2, 'It works.'),
    look(3, 'It works.'),
    look(4, 'Half of it is done.'),
    { ...look(5, ''), lastFailure: { message: 'it broke' } },
  );
  const of = { turn: 2, slot: 0 };
  assert.equal(first!['type'], 'attempt');
  assert.deepEqual(events, [
    { type: 'progress', ...of, progress: 'It works.' },
    { type: 'progress', ...of, progress: 'Half of it is done.' },
    { type: 'attempt', ...of, attempt: 5, restarts: false, lastError: 'it broke', lastFailure: 'error' },
  ]);
});
