// What an attempt at a model call passes to the next one, and when there is none.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { countAttempts } from '../../activities/model/attempts.ts';
import { badAnswer } from '../../activities/model/badAnswer.ts';
import { MODEL_CALL } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';

/** One attempt that ends so: its failure, and what it leaves to the next one. */
async function attempt(number: number, left: unknown, thrown: unknown) {
  const environment = new MockActivityEnvironment({ attempt: number, heartbeatDetails: left });
  let leaves = left;
  environment.on('heartbeat', (details) => {
    leaves = details;
  });
  const failure = await environment.run(async () => countAttempts().failed(thrown));
  assert.ok(failure instanceof ApplicationFailure);
  return { failure, leaves };
}

/** A worker that dies sends nothing but what it had been told. */
async function lost(number: number, left: unknown) {
  const environment = new MockActivityEnvironment({ attempt: number, heartbeatDetails: left });
  return environment.run(async () => countAttempts().heartbeat());
}

describe('attempts at a model call', () => {
  test('ends after five failed attempts', async () => {
    let left: unknown;
    for (let number = 1; number <= MODEL_CALL.attempts; number++) {
      const { failure, leaves } = await attempt(number, left, badAnswer('No answer.'));
      assert.equal(failure.message, 'No answer.');
      assert.equal(failure.nonRetryable, number === MODEL_CALL.attempts, `attempt ${number}`);
      left = leaves;
    }
  });

  test('does not count attempts that were lost with their workers', async () => {
    let left: unknown;
    let number = 0;
    for (let failed = 1; failed <= MODEL_CALL.attempts; failed++) {
      for (let i = 0; i < 3; i++) left = await lost(++number, left);
      const { failure, leaves } = await attempt(++number, left, badAnswer('No answer.'));
      assert.equal(failure.nonRetryable, failed === MODEL_CALL.attempts, `attempt ${number}`);
      left = leaves;
    }
    assert.ok(number < MODEL_CALL.attemptsMax, 'Temporal lets it come to that');
  });

  test('does not count attempts that a stopping worker gave up', async () => {
    const stopped = ApplicationFailure.retryable('the worker was shut down', FAILURE.workerShutdown);
    let left: unknown;
    for (let number = 1; number <= 2 * MODEL_CALL.attempts; number++) {
      const { failure, leaves } = await attempt(number, left, stopped);
      assert.equal(failure.nonRetryable, false);
      left = leaves;
    }
    assert.equal((await attempt(11, left, badAnswer('No answer.'))).failure.nonRetryable, false);
  });

  test("fails for good at Temporal's limit of attempts", async () => {
    const { failure } = await attempt(MODEL_CALL.attemptsMax, undefined, badAnswer('No answer.'));
    assert.equal(failure.nonRetryable, true);
  });

  test('reports the spend of failed attempts, even if the last worker lacks the agent', async () => {
    const paid = { attempts: 3, usage: { inputTokens: 900, outputTokens: 50, cachedTokens: 0 }, cost: 1.5 };
    const { failure } = await attempt(5, { lost: paid, failures: 4 }, badAnswer('no agent "x"'));
    assert.deepEqual(failure.details, [{ ...paid, attempts: 4 }]);
    const unpaid = { attempts: 3, usage: { inputTokens: 0, outputTokens: 0, cachedTokens: 0 }, cost: 0 };
    assert.deepEqual(
      (await attempt(5, { lost: unpaid, failures: 4 }, badAnswer('no agent "x"'))).failure.details,
      undefined,
    );
  });

  test('fails for good with the error that was thrown', async () => {
    const refused = await attempt(1, undefined, ApplicationFailure.nonRetryable('The key is wrong.'));
    assert.equal(refused.failure.nonRetryable, true);
    const thrown = await attempt(1, undefined, new TypeError('A guardrail has a fault.'));
    assert.deepEqual(
      { message: thrown.failure.message, type: thrown.failure.type, nonRetryable: thrown.failure.nonRetryable },
      { message: 'A guardrail has a fault.', type: 'TypeError', nonRetryable: false },
    );
  });
});
