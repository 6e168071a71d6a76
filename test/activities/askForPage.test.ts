// A query for the transcript that fails costs an attempt with a clear reason, and blocks nobody for long.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Client } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { NativeConnection } from '@temporalio/worker';
import { createAsk, createAskForPage } from '../../activities/askRun.ts';
import { defineAgent } from '../../activities/index.ts';
import { offlineModel, startScriptedModel } from '../../activities/testing/index.ts';
import { FAILURE, WORKFLOW_TYPE } from '../../core/names.ts';
import type { TranscriptPage } from '../../core/types.ts';
import { createWorker } from '../../worker/index.ts';
import { quietLogs } from '../support/quiet.ts';
import { serverAddress } from '../support/server.ts';

const SOON_MS = 300;
const taskQueue = `ask-${randomUUID()}`;
const workflowId = `asked-${randomUUID()}`;

quietLogs();
let connection: NativeConnection;
let client: Client;
/** Questions that are on their way, now and at most. */
const inFlight = { now: 0, max: 0 };

before(async () => {
  const address = await serverAddress();
  connection = await NativeConnection.connect({ address });
  client = new Client({ connection });
  const withDeadline = client.withDeadline.bind(client);
  client.withDeadline = async (deadline, ask) => {
    inFlight.now += 1;
    inFlight.max = Math.max(inFlight.max, inFlight.now);
    try {
      return await withDeadline(deadline, ask);
    } finally {
      inFlight.now -= 1;
    }
  };
  // A run that is over, and whose worker is gone.
  const model = await startScriptedModel({ scripts: { brief: ['Done.'] } });
  const brief = defineAgent({ name: 'brief', model: offlineModel('brief'), instructions: 'You are brief.' });
  const worker = await createWorker({
    agents: [brief],
    address,
    namespace: 'default',
    taskQueue,
    model: { apiKey: 'offline', baseURL: model.baseURL },
  });
  const running = worker.run();
  await client.workflow.execute(WORKFLOW_TYPE, { taskQueue, workflowId, args: [{ agent: 'brief', input: 'Go.' }] });
  assert.deepEqual((await asking(createAskForPage()).page()).messages, [
    { role: 'user', content: 'Go.' },
    { role: 'assistant', content: 'Done.' },
  ]);
  worker.shutdown();
  await running;
  await model.close();
});
after(() => connection.close());

function asking(ask: ReturnType<typeof createAskForPage>, id = workflowId) {
  const env = new MockActivityEnvironment({ workflowExecution: { workflowId: id, runId: '' } }, { client });
  return {
    page: () => env.run<[], TranscriptPage, () => Promise<TranscriptPage>>(() => ask(0, 10)),
    cancel: () => env.cancel('CANCELLED'),
  };
}

function isUnanswered(why: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ApplicationFailure);
    assert.deepEqual(
      { type: error.type, nonRetryable: error.nonRetryable },
      { type: FAILURE.transcriptUnanswered, nonRetryable: false },
    );
    assert.match(
      error.message,
      /^The workflow did not return its transcript \(.*\)\. Nothing was sent to the model\.$/,
    );
    assert.match(error.message, why);
    return true;
  };
}

test('fails at the deadline if no worker serves the workflow', async () => {
  await assert.rejects(
    asking(createAskForPage(createAsk(SOON_MS))).page(),
    isUnanswered(/no answer within 300 milliseconds/),
  );
});

test('fails with the same type if the run does not exist', async () => {
  await assert.rejects(asking(createAskForPage(), randomUUID()).page(), isUnanswered(/no longer exists/));
});

test('sends one of three queries at a time, each with its own deadline', async () => {
  const ask = createAskForPage(createAsk(SOON_MS));
  inFlight.max = 0;
  const pages = await Promise.allSettled([1, 2, 3].map(() => asking(ask).page()));
  assert.deepEqual(
    pages.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  );
  assert.equal(inFlight.max, 1);
});

test('ends an aborted query at once, whether it is sent or waits', async () => {
  const ask = createAskForPage(createAsk(20 * SOON_MS));
  const first = asking(ask);
  const second = asking(ask);
  const pages = [first.page(), second.page()];
  const stopped = pages.map((page) => assert.rejects(page, CancelledFailure));
  second.cancel();
  await stopped[1];
  first.cancel();
  await stopped[0];
  assert.equal(inFlight.now, 1, 'its question is still on its way, and the next one waits for that');
});
