// `startTestServer`: a real server, client and worker for a test, which are gone after it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineAgent } from '../../activities/index.ts';
import { connect, TemporalUnreachable } from '../../client/index.ts';
import { startScriptedModel, startTestServer } from '../../worker/testing/index.ts';
import { quietLogs } from '../support/quiet.ts';

quietLogs();

test('serves agents on a server of its own, which ends with the test', async () => {
  const greeter = defineAgent({ name: 'greeter', model: 'gpt-5', instructions: 'Greet.' });
  const model = await startScriptedModel({ agents: [greeter], scripts: { greeter: ['Hello.'] } });
  let address = '';
  {
    await using server = await startTestServer({ taskQueue: 'greetings' });
    address = server.address;
    const worker = await server.worker([greeter], { model: { apiKey: 'scripted', baseURL: model.baseURL } });
    assert.equal(worker.model.isOffline, false);
    const run = await server.holdfast.start(greeter, 'Say hello.');
    const { status, output } = await run.result();
    assert.deepEqual({ status, output }, { status: 'completed', output: 'Hello.' });
    assert.equal((await run.describe()).taskQueue, 'greetings');
    // Closed twice: by the test, and with the server.
    await worker.close();
  }
  await model.close();
  await assert.rejects(connect({ address }), TemporalUnreachable);
});
