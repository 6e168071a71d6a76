// What an attempt at a tool call passes to the next one, and when there is none.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { beginAttempt } from '../../activities/tools/attempts.ts';
import { TOOL_LOST } from '../../core/limits.ts';
import { FAILURE } from '../../core/names.ts';
import type { Effect, ToolPolicy } from '../../core/types.ts';

const policy = (effect: Effect = 'idempotent', attempts = 3) => ({ effect, attempts }) as ToolPolicy;

/** An attempt that ends with `thrown`, or with its worker; and what it leaves to the next one. */
async function attempt(number: number, left: unknown, thrown: ApplicationFailure | 'lost', of = policy()) {
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
    { attempt: number, heartbeatDetails: left },
    { client: client as unknown as Client },
  );
  environment.on('heartbeat', leave);
  let failure: ApplicationFailure | undefined;
  await environment.run(async () => {
    const attempts = await beginAttempt(of);
    if (thrown !== 'lost') failure = attempts.failed(thrown);
  });
  return { failure, leaves };
}

const broken = () => ApplicationFailure.retryable('It is broken.', FAILURE.tool);
const stopped = () => ApplicationFailure.retryable('The worker was shut down.', FAILURE.workerShutdown);

describe('attempts at a tool call', () => {
  test('ends after as many failures as the policy allows', async () => {
    let left: unknown;
    for (let number = 1; number <= 3; number++) {
      const { failure, leaves } = await attempt(number, left, broken());
      assert.deepEqual(
        { message: failure?.message, isFinal: failure?.nonRetryable },
        { message: 'It is broken.', isFinal: number === 3 },
      );
      left = leaves;
    }
  });

  test('counts no attempt that a frozen worker took and never began', async () => {
    let left: unknown;
    for (const [number, isFinal] of [
      [1, false],
      [9, false],
      [20, true],
    ] as const) {
      const { failure, leaves } = await attempt(number, left, broken());
      assert.deepEqual({ number, isFinal: failure?.nonRetryable }, { number, isFinal });
      left = leaves;
    }
  });

  test('counts no attempt that a stopping worker gave up', async () => {
    let left: unknown;
    for (let number = 1; number <= 2 * TOOL_LOST.begunMax; number++) {
      const { failure, leaves } = await attempt(number, left, stopped());
      assert.equal(failure?.nonRetryable, false);
      left = leaves;
    }
  });

  for (const [effect, type, says] of [
    ['read', FAILURE.tool, /^the worker that ran it was lost, 6 times in a row$/],
    [
      'idempotent',
      FAILURE.outcomeUnknown,
      /^the worker that ran it was lost, 6 times in a row; it may or may not have/,
    ],
  ] as const)
    test(`begins no further attempt once too many workers were lost: ${effect}`, async () => {
      let left: unknown;
      for (let number = 1; number <= TOOL_LOST.begunMax + 1; number++)
        left = (await attempt(number, left, 'lost', policy(effect))).leaves;
      await assert.rejects(attempt(TOOL_LOST.begunMax + 2, left, 'lost', policy(effect)), (error) => {
        assert.ok(error instanceof ApplicationFailure);
        assert.deepEqual({ type: error.type, isFinal: error.nonRetryable }, { type, isFinal: true });
        assert.match(error.message, says);
        return true;
      });
    });

  test('makes one attempt where the policy says so', async () => {
    const { failure, leaves } = await attempt(1, undefined, broken(), policy('once', 1));
    assert.deepEqual({ isFinal: failure?.nonRetryable, leaves }, { isFinal: true, leaves: undefined });
  });
});
