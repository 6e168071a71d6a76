// What counts as a task of a call: an activity may be completed by hand, with anything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completedOutcome, failedTaskOutcome } from '../../core/batch/outcomes.ts';
import { startedTask } from '../../core/batch/task.ts';
import { TASK } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import type { Effect, ToolPolicy } from '../../core/types.ts';

const policy = (effect: Effect = 'once') =>
  ({ effect, timeoutMs: 1_000, heartbeatMs: 1_000, attempts: 1 }) as ToolPolicy;
const task = { state: 'a', limitMs: 60_000 };

test('is what the activity says, within its limits', () => {
  assert.deepEqual(startedTask({ text: '', task }, policy()), task);
  for (const wrong of [
    { text: '', task: { ...task, limitMs: TASK.limitMsMax + 1 } },
    { text: '', task: { ...task, limitMs: 0 } },
    { text: '', task: { ...task, limitMs: '1' } },
    { text: '', task: { ...task, state: 'a'.repeat(TASK.stateBytesMax + 1) } },
    { text: '', task: null },
    { task },
  ])
    assert.equal(startedTask(wrong, policy()), null, JSON.stringify(wrong).slice(0, 100));
  assert.equal(startedTask({ text: '', task, needsInput: { question: '', state: '' } }, policy()), null);
  assert.equal(startedTask({ text: '', task }, { ...policy(), queue: 'other' }), null);
});

test('with a wrong one, the call fails', () => {
  const outcome = completedOutcome('work', { text: '', task: { ...task, limitMs: 1e15 } }, policy());
  assert.equal(outcome.ok, false);
});

test('may have done its work, whatever the looks at it found', () => {
  const outcome = (effect: Effect, cause: Parameters<typeof failedTaskOutcome>[1]) => {
    const { kind, reason } = failedTaskOutcome('work', cause, policy(effect), task);
    return [kind, reason.text.replace(/;.*/, '')];
  };
  const late = { source: 'timeout', timeout: 'SCHEDULE_TO_CLOSE' } as const;
  const queued = { source: 'timeout', timeout: 'SCHEDULE_TO_START' } as const;
  const failed = (type: string) => ({ source: 'application', type, message: 'It broke.' }) as const;
  const runs = { source: 'application', type: FAILURE.taskRuns, message: 'It runs.' } as const;
  for (const [effect, cause, kind, text] of [
    ['once', late, 'outcome_unknown', 'timed out after 1 minute'],
    ['read', late, 'timeout', 'timed out after 1 minute'],
    ['once', runs, 'outcome_unknown', 'timed out after 1 minute'],
    ['once', queued, 'outcome_unknown', 'no worker started the call within 24 hours'],
    ['read', queued, 'timeout', 'no worker started the call within 24 hours'],
    ['once', failed(FAILURE.tool), 'failed', 'It broke.'],
    ['once', failed(FAILURE.outcomeUnknown), 'outcome_unknown', 'It broke.'],
    ['once', failed(FAILURE.notRegistered), 'outcome_unknown', 'It broke.'],
    ['once', { source: 'cancelled' }, 'outcome_unknown', 'cancelled'],
    ['read', { source: 'cancelled' }, 'cancelled', 'cancelled'],
  ] as const)
    assert.deepEqual(outcome(effect, cause), [kind, text]);
});
