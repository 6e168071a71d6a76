// Looks at the task of a call: when the next one is, and when there is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { beginAttempt, type ToolAttempts } from '../../activities/tools/attempts.ts';
import { lookFailed, lookPolicy, TaskRuns, taskRuns } from '../../activities/tools/task.ts';
import { TASK, TOOL_LOST } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import type { CallTask, Effect, ToolPolicy } from '../../core/types.ts';

const HOUR_MS = 3_600_000;
const task: CallTask = { state: '', limitMs: HOUR_MS };
const policy = (effect: Effect) => ({ effect, attempts: 1 }) as ToolPolicy;

/** A look that ends with `end`, or with its worker; and what it leaves to the next one. */
async function look(
  number: number,
  left: unknown,
  end: ((attempts: ToolAttempts) => ApplicationFailure) | 'lost',
  { effect = 'once' as Effect, ageMs = 0 } = {},
) {
  let leaves = left;
  const leave = (details: unknown) => {
    leaves = details;
  };
  // The worker's client, which records at once.
  const client = {
    activity: { heartbeat: async (_token: Uint8Array, details: unknown) => leave(details) },
    withAbortSignal: (_signal: AbortSignal, call: () => unknown) => call(),
  };
  const environment = new MockActivityEnvironment(
    { attempt: number, heartbeatDetails: left, scheduledTimestampMs: Date.now() - ageMs },
    { client: client as unknown as Client },
  );
  environment.on('heartbeat', leave);
  let failure: ApplicationFailure | undefined;
  await environment.run(async () => {
    const attempts = await beginAttempt(lookPolicy(policy(effect)));
    if (end !== 'lost') failure = end(attempts);
  });
  return { failure, leaves };
}

const fails = (effect: Effect) => (attempts: ToolAttempts) =>
  lookFailed(ApplicationFailure.retryable('It is away.', FAILURE.tool), task, attempts, policy(effect));
const runs = (pollMs: number) => (attempts: ToolAttempts) =>
  taskRuns(new TaskRuns('It works.', pollMs), task, attempts);

test('waits as long as the server says, within bounds and the time that is left', async () => {
  for (const [pollMs, ageMs, waitMs] of [
    [20_000, 0, 20_000],
    [1, 0, TASK.pollMsMin],
    [HOUR_MS, 0, TASK.pollMsMax],
    [20_000, HOUR_MS - 500, 500],
  ] as const) {
    const { failure } = await look(2, undefined, runs(pollMs), { ageMs });
    const { type, nonRetryable, nextRetryDelay } = failure!;
    assert.deepEqual({ type, nonRetryable }, { type: FAILURE.taskRuns, nonRetryable: false });
    const saidMs = Number(nextRetryDelay);
    assert.ok(saidMs <= waitMs && saidMs > waitMs - 500, `${pollMs}: ${saidMs}, not ${waitMs}`);
  }
});

for (const effect of ['read', 'idempotent', 'once'] as const)
  test(`ends a ${effect} call after too many looks in a row that fail`, async () => {
    let left: unknown;
    const delays: number[] = [];
    for (let number = 1; number < TASK.failuresMax; number++) {
      const { failure, leaves } = await look(number, left, fails(effect), { effect });
      assert.deepEqual([failure!.type, failure!.nonRetryable], [FAILURE.taskRuns, false]);
      delays.push(Number(failure!.nextRetryDelay));
      left = leaves;
    }
    assert.deepEqual(delays.slice(0, 8), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    const { failure } = await look(TASK.failuresMax, left, fails(effect), { effect });
    assert.deepEqual(
      [failure!.type, failure!.nonRetryable],
      [effect === 'read' ? FAILURE.tool : FAILURE.outcomeUnknown, true],
    );
  });

test('forgets those that failed or were lost once one succeeds', async () => {
  let left: unknown;
  let number = 0;
  const next = async (...[end]: [Parameters<typeof look>[2]]) => {
    const { failure, leaves } = await look(++number, left, end);
    left = leaves;
    return failure;
  };
  await next(fails('once'));
  for (let round = 0; round < 2; round++) {
    for (let lost = 0; lost < TOOL_LOST.begunMax; lost++) await next('lost');
    await next(runs(1_000));
  }
  assert.equal(Number((await next(fails('once')))!.nextRetryDelay), 1_000);
});
