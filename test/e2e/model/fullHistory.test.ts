// A run with a nearly full history, whose transcript does not fit a payload, compacts and continues as new. The workflow's
// limit of 40 MB is a tenth of that here, in a copy of its code.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Worker } from '@temporalio/worker';
import { defineAgent } from '../../../activities/index.ts';
import { offlineModel, type ScriptedModel, startScriptedModel } from '../../../activities/testing/index.ts';
import { connect, type Holdfast } from '../../../client/index.ts';
import { createWorker, type HoldfastWorker } from '../../../worker/index.ts';
import { transcriptOf } from '../../support/bench.ts';
import { mutatedBundle } from '../../support/mutatedWorkflows.ts';
import { noise } from '../../support/noise.ts';
import { quietLogs } from '../../support/quiet.ts';
import { serverAddress } from '../../support/server.ts';
import { conversation } from '../../support/toolTexts.ts';

const CALLS = 5;
const TURNS = 24;

const talker = (name: string, compaction?: false) =>
  defineAgent({
    name,
    model: offlineModel(name),
    instructions: 'Listen.',
    tools: [noise],
    maxTurns: TURNS + 1,
    maxHistoryEvents: 50,
    ...(compaction === false && { compaction }),
  });
const agents = [talker('compacting'), talker('keeping', false)];

let holdfast: Holdfast;
let model: ScriptedModel;
let worker: HoldfastWorker;
let running: Promise<void>;
let code: string;

quietLogs();
before(async () => {
  const address = await serverAddress();
  const script = ({ turn }: { turn: number }) =>
    turn > TURNS ? 'Done.' : { calls: Array.from({ length: CALLS }, () => ({ tool: 'noise' })) };
  model = await startScriptedModel({ scripts: { compacting: script, keeping: script } });
  code = await mutatedBundle([
    { file: 'core/limits.ts', from: 'HISTORY_BYTES_MAX = 40 *', to: 'HISTORY_BYTES_MAX = 4 *' },
  ]);
  const taskQueue = `test-${randomUUID()}`;
  holdfast = await connect({ address, namespace: 'default', taskQueue });
  worker = await createWorker({
    agents,
    address,
    namespace: 'default',
    taskQueue,
    model: { apiKey: 'offline', baseURL: model.baseURL },
    // Not for users: their worker takes the code that the histories of all are made with.
    temporal: { workflowBundle: { code } } as object,
  });
  running = worker.run();
});
after(async () => {
  worker?.worker.shutdown();
  await running;
  await holdfast?.close();
  await model?.close();
});

async function finished(agent: string) {
  const handle = await holdfast.start(agent, 'Talk.');
  const result = await handle.result();
  const [run, histories] = await Promise.all([handle.read(), handle.histories()]);
  assert.deepEqual(conversation(run), await transcriptOf(holdfast, handle.workflowId));
  for (const history of histories)
    await Worker.runReplayHistory(
      { workflowBundle: { code } },
      history as Parameters<typeof Worker.runReplayHistory>[1],
      handle.workflowId,
    );
  return { result, run };
}

test('compacts, and continues as new', async () => {
  const { result, run } = await finished('compacting');
  assert.deepEqual(
    { status: result.status, calls: result.calls, failedCalls: result.failedCalls },
    { status: 'completed', calls: TURNS * CALLS, failedCalls: 0 },
  );
  assert.ok(run.compactions.length >= 1);
  assert.ok(run.compactions.every(({ strategy, error }) => strategy === 'summarise' && error === null));
});

test('ends with its results if it may not compact, and says what to do', async () => {
  const { result, run } = await finished('keeping');
  assert.equal(result.status, 'stopped');
  assert.match(result.reason ?? '', /history of the run is full.*store for large payloads.*compact/);
  assert.deepEqual(run.compactions, []);
});
