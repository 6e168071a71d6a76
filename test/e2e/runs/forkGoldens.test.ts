// A fork of every golden history, at each of its turns, starts, and ends or waits.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { defineAgent } from '../../../activities/index.ts';
import { offlineModel, startScriptedModel } from '../../../activities/testing/index.ts';
import { stateOf } from '../../../cli/view/showRun.ts';
import { startFork } from '../../../client/forks.ts';
import { connect, type Holdfast, type Run } from '../../../client/index.ts';
import type { History } from '../../../core/read/history.ts';
import { readRun } from '../../../core/read/readRun.ts';
import { transcriptProblem } from '../../../core/transcript.ts';
import { historyFromJson } from '../../../worker/historyJson.ts';
import { createWorker, type HoldfastWorker } from '../../../worker/index.ts';
import { transcriptOf } from '../../support/bench.ts';
import { GOLDEN_FOLDER } from '../../support/histories.ts';
import { quietLogs } from '../../support/quiet.ts';
import { serverAddress } from '../../support/server.ts';
import { conversation } from '../../support/toolTexts.ts';
import { eventually } from '../../support/waits.ts';

/** Starts at once; the model is played, so most of the time is the server's. */
const AT_ONCE = 8;

const taskQueue = `fork-goldens-${randomUUID()}`;
const goldens = await readGoldens();
const runs = goldens.map(({ name, histories }) => ({ name, histories, run: readRun(...histories) }));
let holdfast: Holdfast;
let worker: HoldfastWorker;
let running: Promise<void>;
let closeModel: () => Promise<void>;

before(async () => {
  quietLogs();
  const names = new Set(runs.flatMap(({ run }) => run.turns.map(({ agent }) => agent)));
  const agents = [...names].map((name) => {
    return defineAgent({ name, model: offlineModel(name), instructions: 'You end what others began.' });
  });
  const address = await serverAddress();
  const scripts = Object.fromEntries([...names].map((name) => [name, () => 'The fork is done.']));
  const model = await startScriptedModel({ scripts });
  closeModel = () => model.close();
  holdfast = await connect({ address, namespace: 'default', taskQueue });
  const played = { apiKey: 'offline', baseURL: model.baseURL, outageMs: 0 };
  worker = await createWorker({ agents, address, namespace: 'default', taskQueue, model: played });
  running = worker.run();
});
after(async () => {
  worker.shutdown();
  await running;
  await holdfast.close();
  await closeModel();
});

/** The histories of each run, in order; their start names the queue of this test. */
async function readGoldens(): Promise<{ name: string; histories: History[] }[]> {
  const files = (await readdir(GOLDEN_FOLDER)).filter((file) => file.endsWith('.json')).sort();
  const read = async (file: string) => historyFromJson(await readFile(new URL(file, GOLDEN_FOLDER), 'utf8'));
  const link = (file: string) => Number(/\.link-(\d+)\.json$/.exec(file)?.[1] ?? Number.POSITIVE_INFINITY);
  const names = files.map((file) => file.slice(0, -'.json'.length)).filter((name) => !/\.link-\d+$/.test(name));
  return Promise.all(
    names.map(async (name) => {
      const own = files.filter((file) => file === `${name}.json` || file.startsWith(`${name}.link-`));
      const histories = await Promise.all(own.sort((a, b) => link(a) - link(b)).map(read));
      const start = histories[0]?.events?.[0]?.workflowExecutionStartedEventAttributes;
      Object.assign(start ?? {}, { taskQueue: { name: taskQueue } });
      return { name, histories };
    }),
  );
}

async function forkAt(histories: readonly History[], of: Run, turn: number): Promise<void> {
  const id = `fork-${randomUUID()}`;
  await startFork(holdfast.client, histories, of.workflowId, { turn, id });
  const handle = holdfast.get(id);
  const run = await eventually(async () => {
    const now = await handle.read();
    // The images of one run are in a store that is not here: it waits for it.
    const isAway = now.turns[0]?.error != null;
    return now.turns.length > 0 && (now.endedAtMs !== null || stateOf(now) === 'idle' || isAway) && now;
  });
  assert.equal(run.turns[0]?.turn, turn);
  assert.deepEqual(run.fork?.of, { workflowId: of.workflowId, runId: of.runId, turn });
  if (run.turns[0]?.error != null && run.endedAtMs === null) {
    assert.ok(JSON.stringify(run.transcript).includes('"stored"'), run.turns[0].error);
    return handle.cancel();
  }
  assert.equal(run.status, of.session ? 'running' : 'completed', run.reason ?? '');
  assert.equal(run.output, 'The fork is done.');
  assert.equal(transcriptProblem(run.transcript), null);
  assert.deepEqual(conversation(run), await transcriptOf(holdfast, id));
  const original = of.turns.find((one) => one.turn === turn);
  const isCompacted = of.compactions.some((compaction) => compaction.turn === turn - 1);
  // Those that were sent to a compaction are in the conversation already; those of a turn without an answer are said again in the next.
  if (original?.answeredAtMs && original.error === null && !isCompacted)
    assert.deepEqual(run.turns[0]?.userMessages, original.userMessages);
  if (of.session) await handle.close();
}

test('forks every golden history at each of its turns', async () => {
  const jobs = runs.flatMap(({ name, histories, run }) =>
    run.turns.map(({ turn }) => ({ what: `${name}, turn ${turn}`, fork: () => forkAt(histories, run, turn) })),
  );
  const failed: string[] = [];
  const queue = [...jobs];
  const work = async () => {
    for (let job = queue.shift(); job; job = queue.shift())
      await job.fork().catch((error: Error) => failed.push(`${job?.what}: ${error.message}`));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assert.deepEqual(failed, []);
  assert.ok(jobs.length > goldens.length, `${jobs.length} forks of ${goldens.length} runs`);
});
